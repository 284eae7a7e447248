package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// sameAs begins a target that is what another fault hit: "same as kill".
const sameAs = "same as "

// A Weight is a target among several, and how often it is drawn against them.
type Weight struct {
	Target string `json:"target"`
	Weight int    `json:"weight"`
}

// Targets are what `target` can be, besides names of nodes.
func Targets() []Word {
	return []Word{
		{"one", "one node, drawn from the seed"},
		{"minority", "the most nodes that the others can do without: 2 of 5, 1 of 4"},
		{"minority-third", "the most nodes that are fewer than a third: 1 of 4, 2 of 7; what Byzantine quorums can do without"},
		{"majority", "the fewest nodes that the others cannot do without: 3 of 5, 3 of 4"},
		{"all", "every node"},
		{"leader", "the node that leads at the moment of injection"},
		{"followers", "every node that does not lead at the moment of injection"},
	}
}

// targetHint is what `target` can be, in a sentence.
func targetHint() string {
	return "it can be " + orList(append(names(Targets()), "names of nodes, as in [n1, n3]", `"same as" and the name of a fault`))
}

// readTarget reads whom a fault hits, one by default.
func readTarget(s section, f *Fault, sc *Scenario) {
	if !s.has("pairs") {
		f.Target = "one"
	}
	readTargetOver(s, f, sc, func(value, string) {})
}

// readTargetOver reads a target or several with weights, if there are any that
// can be read, over the default that f has. Each is given to check, too.
func readTargetOver(s section, f *Fault, sc *Scenario, check func(v value, target string)) {
	v, ok := s.fields["target"]
	if !ok {
		return
	}
	if v.isMapping() {
		f.Target, f.Weights = "", readWeights(v, sc, check)
		return
	}
	if target, good := v.target(); good && target != "" {
		f.Target = target
		checkTarget(v, target, sc)
		check(v, target)
	}
}

// readWeights reads targets of which one is drawn each time.
func readWeights(v value, sc *Scenario, check func(v value, target string)) (out []Weight) {
	pairs, _ := v.pairs("targets with weights, as in {one: 3, leader: 1}")
	if len(pairs) == 0 {
		v.report("there is no target", "write as in {one: 3, leader: 1}")
	}
	for _, p := range pairs {
		target, ok := p.key.target()
		weight, good := p.value.integer(1, maxWeight)
		if !ok || !good {
			continue
		}
		checkTarget(p.key, target, sc)
		check(p.key, target)
		out = append(out, Weight{target, weight})
	}
	return out
}

// target is a word, a name, names joined with commas, "same as" a fault, or a
// list of names; it returns them joined with commas.
func (v value) target() (string, bool) {
	if v.node.Kind != yaml.SequenceNode {
		s, ok := v.text()
		if fault, same := strings.CutPrefix(s, sameAs); same {
			return sameAs + strings.TrimSpace(fault), ok
		}
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
	if strings.HasPrefix(target, sameAs) {
		return // bindSameAs looks for the fault, once all are known
	}
	if slices.Contains(names(Targets()), target) {
		switch {
		case target == "minority" && (n-1)/2 == 0, target == "followers" && n == 1, target == "minority-third" && (n-1)/3 == 0:
			v.reportf("name a node, or write one", "%s of %s is no node at all", target, nodesOf(n))
		case (target == "leader" || target == "followers") && sc.Client.Use == "http" && sc.System.Leader == nil:
			v.reportf("say how to ask, as in system: {leader: {http: /status, field: \"json:leader\"}}, or write one, or name a node",
				"nothing says how to ask who leads, so %s means nothing here", target)
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
	hint := targetHint()
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
