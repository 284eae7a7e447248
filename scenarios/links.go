package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// readPairs reads explicit pairs of nodes, which stand for target, shape,
// groups and direction.
func readPairs(s section, sc *Scenario) (pairs [][2]string) {
	v, ok := s.fields["pairs"]
	if !ok {
		return nil
	}
	for _, other := range []string{"target", "shape", "groups", "direction"} {
		if s.has(other) {
			s.at(other).reportf("keep one of them", "%s and pairs are both given", other)
		}
	}
	items, _ := v.items("pairs, as in [n1 -> n2, n2 <-> n3]")
	if v.isList() && len(items) == 0 {
		v.report("the list of pairs is empty", "write as in pairs: [n1 -> n2, n2 <-> n3]")
	}
	for _, item := range items {
		for _, pair := range item.pair(sc.System.Nodes) {
			if slices.Contains(pairs, pair) {
				item.reportf("name it once", "%s to %s is named twice", pair[0], pair[1])
				continue
			}
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// pair is "n1 -> n2", from one to the other, or "n1 <-> n2", both ways.
func (v value) pair(nodes int) [][2]string {
	s, ok := v.text()
	if !ok {
		return nil
	}
	from, to, both := strings.Cut(s, "<->")
	if !both {
		from, to, ok = strings.Cut(s, "->")
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !ok || from == "" || to == "" {
		v.reportf("write n1 -> n2 for one way, n1 <-> n2 for both", "%q is not a pair of nodes", s)
		return nil
	}
	before := len(v.d.found)
	checkOneNode(v, from, nodes)
	checkOneNode(v, to, nodes)
	switch {
	case len(v.d.found) > before:
		return nil
	case from == to:
		v.reportf("name two", "%s is paired with itself", from)
		return nil
	case both:
		return [][2]string{{from, to}, {to, from}}
	}
	return [][2]string{{from, to}}
}

// checkOneNode reports what is not the name of a node.
func checkOneNode(v value, name string, nodes int) {
	var number int
	if _, err := fmt.Sscanf(name, "n%d", &number); err == nil && name == fmt.Sprintf("n%d", number) && number >= 1 && number <= nodes {
		return
	}
	v.reportf(nodeRange(nodes), "there is no node %s", name)
}
