package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// clients is who can be named beside the nodes in pairs and groups: everybody
// who is none.
const clients = "clients"

// BetweenClients is the value of `between` for links of nodes with clients.
const BetweenClients = clients

// Betweens are what `between` can be.
func Betweens() []Word {
	return []Word{
		{"nodes", "the links of the target with other nodes"},
		{BetweenClients, "the links of the target with clients, and with everybody else who is no node"},
	}
}

// readPairs reads explicit pairs of nodes, which stand for target, shape,
// groups, direction and between; others are names that can stand for a node.
func readPairs(s section, sc *Scenario, others ...string) (pairs [][2]string) {
	v, ok := s.fields["pairs"]
	if !ok {
		return nil
	}
	for _, other := range []string{"target", "shape", "groups", "direction", "between"} {
		if s.has(other) {
			s.at(other).reportf("keep one of them", "%s and pairs are both given", other)
		}
	}
	items, _ := v.items("pairs, as in [n1 -> n2, n2 <-> n3]")
	if v.isList() && len(items) == 0 {
		v.report("the list of pairs is empty", "write as in pairs: [n1 -> n2, n2 <-> n3]")
	}
	for _, item := range items {
		for _, pair := range item.pair(sc.System.Nodes, others) {
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
func (v value) pair(nodes int, others []string) [][2]string {
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
	checkOneNode(v, from, nodes, others...)
	checkOneNode(v, to, nodes, others...)
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

// checkOneNode reports what is neither the name of a node nor one of others.
func checkOneNode(v value, name string, nodes int, others ...string) {
	if slices.Contains(others, name) {
		return
	}
	var number int
	if _, err := fmt.Sscanf(name, "n%d", &number); err == nil && name == fmt.Sprintf("n%d", number) && number >= 1 && number <= nodes {
		return
	}
	hint := nodeRange(nodes)
	if len(others) > 0 {
		hint += ", and there are " + andList(others)
	}
	v.reportf(hint, "there is no node %s", name)
}

// readBetween reads whether links with nodes or with clients are meant; the
// default is empty, for nodes.
func readBetween(s section, into *string) {
	s.word("between", "word", into, names(Betweens()))
	if *into == "nodes" {
		*into = ""
	}
}

// readFaultPorts reads ports, by number or by the name that the system gives them.
func readFaultPorts(s section, sc *Scenario) (ports []uint16) {
	v, ok := s.fields["ports"]
	if !ok {
		return nil
	}
	items, ok := v.items("ports, as in [2380] or [peer]")
	if ok && len(items) == 0 {
		v.report("the list of ports is empty", "name one, as in [2380], or leave ports out for all")
	}
	for _, item := range items {
		port, ok := item.faultPort(sc.System.Ports)
		if !ok {
			continue
		}
		if slices.Contains(ports, port) {
			item.reportf("name it once", "port %d is named twice", port)
			continue
		}
		ports = append(ports, port)
	}
	return ports
}

func (v value) faultPort(known map[string]int) (uint16, bool) {
	s, ok := v.scalar("a port")
	if !ok {
		return 0, false
	}
	if port := known[s]; port > 0 {
		return uint16(port), true
	}
	if isNumber(s) {
		port, good := v.integer(1, 65535)
		return uint16(port), good
	}
	var named []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		named = append(named, fmt.Sprintf("%s (%d)", name, known[name]))
	}
	v.reportf("write its number, or one of the system's: "+orList(named), "the system has no port %q", s)
	return 0, false
}
