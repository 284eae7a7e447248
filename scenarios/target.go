package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// readWhom reads target and shape.
//
// A kill, a pause and a clock take any target, one by default. A partition is
// described by its shape, any by default; the shapes one and one-way cut off a
// single node, which target may choose: one (the default), leader, or a name.
func readWhom(s section, f *Fault, sc *Scenario) {
	if f.Fault == "partition" && !s.has("pairs") && !s.has("groups") {
		f.Shape = "any"
	}
	s.word("shape", "shape", &f.Shape, names(Shapes()))
	single := f.Shape == "one" || f.Shape == "one-way"
	if single || f.Fault != "partition" && f.Fault != "" {
		f.Target = "one"
	}
	if s.has("pairs") {
		f.Target = ""
	}
	read(s, "target", &f.Target, value.target)
	if v, ok := s.fields["target"]; ok && f.Target != "" {
		checkTarget(v, f.Target, sc)
		if f.Fault == "partition" {
			checkIsolated(v, f, single)
		}
	}
	if n := sc.System.Nodes; f.Fault == "partition" && n < shapeNodes(f.Shape) {
		s.at("shape").reportf(fmt.Sprintf("it takes %d", shapeNodes(f.Shape)), "%s cannot be partitioned in the shape %s", nodesOf(n), f.Shape)
	}
}

// shapeNodes is how many nodes a shape takes: with fewer, no link would be cut.
func shapeNodes(shape string) int {
	switch shape {
	case "bridge", "majority-ring", "any":
		return 3
	}
	return 2
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

// checkIsolated reports a target that a partition of this shape has no use for.
func checkIsolated(v value, f *Fault, single bool) {
	switch {
	case !single:
		v.reportf("leave it out, or write shape: one or shape: one-way",
			"a partition of the shape %s has no target", f.Shape)
	case strings.Contains(f.Target, ",") || slices.Contains([]string{"minority", "majority", "all", "followers"}, f.Target):
		v.reportf("write one, leader, or the name of a node", "the shape %s cuts off a single node", f.Shape)
	}
}
