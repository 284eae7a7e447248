package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// A Partition says which nodes lose sight of which: by one of Shape, Groups,
// Pairs and Between.
type Partition struct {
	// Shape is halves, random-halves, one, minority, majority, majority-ring,
	// bridge, one-way, or "any", which takes some of them in turn, in an order
	// drawn from the seed.
	Shape string `json:"shape,omitempty"`
	// Groups are the sides: what is in one reaches nothing that is in
	// another; a node in none of them reaches everybody.
	Groups [][]string `json:"groups,omitempty"`
	// Pairs are ordered: what is sent [from, to] is lost.
	Pairs [][2]string `json:"pairs,omitempty"`
	// Between is "clients" for the links of the target with clients, in
	// Direction: both, out or in. Empty: those with other nodes.
	Between   string `json:"between,omitempty"`
	Direction string `json:"direction,omitempty"`
	// Ports are the only ones that are cut, of TCP and UDP; none: all.
	Ports []uint16 `json:"ports,omitempty"`
}

// Shapes are what the `shape` of a partition can be.
func Shapes() []Word {
	return []Word{
		{"halves", "the first half of the nodes and the rest, no packet between them"},
		{"random-halves", "two halves drawn from the seed, no packet between them"},
		{"one", "one node cut off from all others"},
		{"minority", "as many as the others can do without, the target among them, cut off from the majority"},
		{"majority", "the smallest majority, the target in it, cut off from the rest"},
		{"majority-ring", "every node hears a majority, no two of them the same one"},
		{"bridge", "two halves that only one node, which hears all, connects"},
		{"one-way", "one node that is heard and does not hear, or the other way round"},
		{"any", "random-halves, one, majority-ring, bridge and one-way in turn, in an order drawn from the seed"},
	}
}

func partitionFault() faultKind {
	return faultKind{
		word:    Word{"partition", "drop all packets between some of the nodes, or between nodes and clients; shape says which"},
		options: []string{"target", "shape", "groups", "pairs", "between", "direction", "ports"},
		example: "shape: halves",
		read:    readPartition,
		words:   []Vocabulary{{"shapes", Shapes()}, {"links", Betweens()}},
	}
}

// readPartition reads who is parted from whom: by shape, any by default, by
// groups, by pairs, or from clients.
func readPartition(s section, f *Fault, sc *Scenario) {
	p := &Partition{}
	f.Partition = p
	p.Ports = readFaultPorts(s, sc)
	readBetween(s, &p.Between)
	if p.Between == "" {
		readParts(s, f, sc)
		return
	}
	for _, other := range []string{"shape", "groups"} {
		if s.has(other) {
			s.at(other).reportf("keep one of them", "%s and between: clients are both given", other)
		}
	}
	p.Pairs = readPairs(s, sc, clients) // which reports that both are given
	p.Direction = "both"
	s.word("direction", "direction", &p.Direction, names(Directions()))
	readTarget(s, f, sc)
}

// readParts reads what nodes are parted from each other. The shapes one,
// one-way, minority and majority are about a single node, which target may
// choose: one (the default), leader, or a name.
func readParts(s section, f *Fault, sc *Scenario) {
	p := f.Partition
	if !s.has("pairs") && !s.has("groups") {
		p.Shape = "any"
	}
	s.word("shape", "shape", &p.Shape, names(Shapes()))
	single := slices.Contains([]string{"one", "one-way", "minority", "majority"}, p.Shape)
	if single && !s.has("pairs") {
		f.Target = "one"
	}
	readTargetOver(s, f, sc, func(v value, target string) { checkIsolated(v, p.Shape, target, single) })
	if n := sc.System.Nodes; n < shapeNodes(p.Shape) {
		s.at("shape").reportf(fmt.Sprintf("it takes %d", shapeNodes(p.Shape)), "%s cannot be partitioned in the shape %s", nodesOf(n), p.Shape)
	}
	if s.has("direction") && !s.has("pairs") {
		s.at("direction").report("a direction belongs to between: clients", "leave it out, or write shape: one-way")
	}
	p.Pairs = readPairs(s, sc, clients)
	p.Groups = readGroups(s, sc)
}

// shapeNodes is how many nodes a shape takes: with fewer, no link would be cut.
func shapeNodes(shape string) int {
	switch shape {
	case "bridge", "majority-ring", "minority", "majority", "any":
		return 3
	}
	return 2
}

// checkIsolated reports a target that a partition of this shape has no use for.
func checkIsolated(v value, shape, target string, single bool) {
	switch {
	case !single:
		v.reportf("leave it out, or write shape: one, one-way, minority or majority",
			"a partition of the shape %s has no target", shape)
	case strings.Contains(target, ",") || slices.Contains([]string{"minority", "minority-third", "majority", "all", "followers"}, target):
		v.reportf("write one, leader, or the name of a node", "the shape %s is about a single node", shape)
	}
}

// readGroups reads the sides of a partition, which stand for target and shape.
func readGroups(s section, sc *Scenario) (groups [][]string) {
	v, ok := s.fields["groups"]
	if !ok {
		return nil
	}
	for _, other := range []string{"target", "shape"} {
		if s.has(other) {
			s.at(other).reportf("keep one of them", "%s and groups are both given", other)
		}
	}
	items, ok := v.items("groups of nodes, as in [[n1, n2], [n3, n4, n5]]")
	if ok && len(items) < 2 {
		v.report("a partition has two groups at least", "write as in groups: [[n1, n2], [n3, n4, n5]]")
	}
	seen := map[string]bool{}
	for _, item := range items {
		names, _ := item.texts("names of nodes")
		if item.isList() && len(names) == 0 {
			item.report("the group is empty", "name a node, as in [n1]")
		}
		for _, name := range names {
			checkOneNode(item, name, sc.System.Nodes, clients)
			if seen[name] {
				item.reportf("name it once", "node %s is named twice", name)
			}
			seen[name] = true
		}
		groups = append(groups, names)
	}
	return groups
}
