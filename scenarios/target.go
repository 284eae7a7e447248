package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// readTarget reads whom a fault hits, one by default.
func readTarget(s section, f *Fault, sc *Scenario) {
	if !s.has("pairs") {
		f.Target = "one"
	}
	readTargetOver(s, f, sc)
}

// readTargetOver reads a target, if there is one that can be read, over the
// default that f has.
func readTargetOver(s section, f *Fault, sc *Scenario) (v value, ok bool) {
	v, ok = s.fields["target"]
	read(s, "target", &f.Target, value.target)
	if ok = ok && f.Target != ""; ok {
		checkTarget(v, f.Target, sc)
	}
	return v, ok
}

// target is a word, a name, names joined with commas, or a list of names; it
// returns them joined with commas.
func (v value) target() (string, bool) {
	if v.node.Kind != yaml.SequenceNode {
		s, ok := v.text()
		return strings.ReplaceAll(s, " ", ""), ok
	}
	if len(v.node.Content) == 0 {
		v.report("the list of nodes is empty", "name a node, as in [n1], or leave target out for one")
		return "", false
	}
	items, ok := v.items("names of nodes")
	var all []string
	for _, item := range items {
		name, good := item.name()
		all, ok = append(all, name), ok && good
	}
	return strings.Join(all, ","), ok
}

// checkTarget reports a target that matches no node.
func checkTarget(v value, target string, sc *Scenario) {
	n := sc.System.Nodes
	if slices.Contains(names(Targets()), target) {
		switch {
		case target == "minority" && (n-1)/2 == 0, target == "followers" && n == 1:
			v.reportf("name a node, or write one", "%s of %s is no node at all", target, nodesOf(n))
		case (target == "leader" || target == "followers") && sc.Client.Use == "http":
			v.reportf("write one, or name a node", "an http client cannot ask who leads, so %s means nothing here", target)
		}
		return
	}
	seen := map[string]bool{}
	for i, name := range strings.Split(target, ",") {
		at := v
		if v.isList() {
			at = value{v.d, v.node.Content[i], fmt.Sprintf("%s[%d]", v.where, i)}
		}
		if seen[name] {
			at.reportf("name it once", "node %q is named twice", name)
		}
		seen[name] = true
		checkNode(at, name, n)
	}
}

func checkNode(v value, name string, nodes int) {
	if number, err := strconv.Atoi(strings.TrimPrefix(name, "n")); err == nil && name == fmt.Sprintf("n%d", number) {
		if number < 1 || number > nodes {
			v.reportf(nodeRange(nodes), "there is no node %s", name)
		}
		return
	}
	if slices.Contains(names(Targets()), name) {
		v.reportf("write it alone, or names only", "%q stands in a list of names", name)
		return
	}
	hint := "it can be " + orList(append(names(Targets()), "names of nodes, as in [n1, n3]"))
	if near := nearest(name, names(Targets())); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	v.reportf(hint, "unknown target %q", name)
}

func nodeRange(n int) string {
	if n == 1 {
		return "the only node is n1"
	}
	return fmt.Sprintf("the nodes are n1 to n%d", n)
}

func nodesOf(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
