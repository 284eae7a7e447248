package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxDelay bounds delay and jitter together: what is sent in that time is kept
// in the memory of the nodes' host.
const maxDelay = 10 * time.Second

// readLatency reads what happens to packets, and which.
func readLatency(s section, f *Fault, sc *Scenario) {
	s.duration("delay", &f.Delay, 100*time.Microsecond, maxDelay)
	s.duration("jitter", &f.Jitter, 0, maxDelay/2)
	s.share("loss", &f.Loss)
	s.share("reorder", &f.Reorder)
	if f.Fault == "latency" {
		f.Direction = "both"
	}
	s.word("direction", "direction", &f.Direction, names(Directions()))
	readPairs(s, f, sc)
	if f.Fault == "latency" {
		checkLatency(s, f, sc)
	}
}

func checkLatency(s section, f *Fault, sc *Scenario) {
	switch {
	case sc.System.Nodes == 1:
		s.at("fault").report("one node has nobody to be slow with", "give the system two nodes at least")
	case !s.has("delay") && !s.has("loss"):
		s.report("neither delay nor loss is given", "write as in delay: 50ms, or loss: 5%")
	case s.has("jitter") && f.Jitter > f.Delay:
		s.at("jitter").reportf("at most the delay, "+short(f.Delay), "a jitter of %s is more than the delay", short(f.Jitter))
	case s.has("reorder") && !s.has("delay"):
		s.at("reorder").report("without a delay no packet can overtake another", "add a delay, as in delay: 20ms")
	case f.Delay+f.Jitter > maxDelay:
		s.at("jitter").reportf("at most "+short(maxDelay)+" together", "%s and %s are too long", short(f.Delay), short(f.Jitter))
	case s.has("loss") && f.Loss == 0 && !s.has("delay"):
		s.at("loss").report("a loss of 0% changes nothing", "write as in loss: 5%")
	}
}

// readPairs reads explicit pairs of nodes, which stand for target, shape,
// groups and direction.
func readPairs(s section, f *Fault, sc *Scenario) {
	v, ok := s.fields["pairs"]
	if !ok {
		return
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
			if slices.Contains(f.Pairs, pair) {
				item.reportf("name it once", "%s to %s is named twice", pair[0], pair[1])
				continue
			}
			f.Pairs = append(f.Pairs, pair)
		}
	}
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

// readGroups reads the sides of a partition, which stand for target and shape.
func readGroups(s section, f *Fault, sc *Scenario) {
	v, ok := s.fields["groups"]
	if !ok {
		return
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
			checkOneNode(item, name, sc.System.Nodes)
			if seen[name] {
				item.reportf("name it once", "node %s is named twice", name)
			}
			seen[name] = true
		}
		f.Groups = append(f.Groups, names)
	}
}
