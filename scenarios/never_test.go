package scenarios

import (
	"strings"
	"testing"
)

// Without this a rule could be carried into a plan although it cannot be
// judged, or without what its file holds.
func TestJudge(t *testing.T) {
	src := []byte(strings.Join([]string{
		"version: 1", "name: judged", "system: {use: etcd, nodes: 3}", "phases: [{name: calm, for: 1s}]", "never:",
		"  - {name: good, spec: rules.star}",
		"  - {name: bad, where: not a rule}",
		"  - {name: never-asked, where: ''}",
	}, "\n"))
	var asked []string
	judge := func(n *Never) (string, string) {
		asked = append(asked, n.Name)
		n.Source = "invariant()"
		if n.Name == "bad" {
			return "this is no rule", "write one"
		}
		return "", ""
	}
	_, err := ParseJudged("x.yaml", src, testRecipes(t), nil, judge)
	found, _ := err.(Diagnostics)
	if len(found) != 2 || found[0].Summary() != "x.yaml:7:24: never[1].where: this is no rule; write one" || found[1].Line != 8 {
		t.Errorf("%v", err)
	}
	if strings.Join(asked, " ") != "good bad" {
		t.Errorf("asked about %q", asked)
	}
	s, err := ParseJudged("x.yaml", []byte(strings.Join(strings.Split(string(src), "\n")[:6], "\n")), testRecipes(t), nil, judge)
	if err != nil || len(s.Never) != 1 || s.Never[0].Source != "invariant()" {
		t.Errorf("%+v %v", s, err)
	}
}
