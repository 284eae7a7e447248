package desired

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A Place is where a node is: its addresses, and a file descriptor of its
// network namespace, or -1 while it is down or in none of its own.
type Place struct {
	Netns     int
	Addresses []netip.Addr
}

// Up reports whether there is a network namespace.
func (p Place) Up() bool { return p.Netns >= 0 }

// Places are those of nodes, by name.
type Places map[string]Place

// A Move is what a Set has changed.
type Move int

// Moves: none, other addresses in the same network, and another network or none.
const (
	Stays Move = iota
	Readdressed
	Moved
)

// Set notes where a node is now; no addresses leave them as they are.
func (p Places) Set(node string, netns int, addresses []netip.Addr) Move {
	was, known := p[node]
	if len(addresses) == 0 {
		addresses = was.Addresses
	}
	p[node] = Place{netns, slices.Clone(addresses)}
	switch {
	case !known || netns != was.Netns:
		return Moved
	case !slices.Equal(addresses, was.Addresses):
		return Readdressed
	}
	return Stays
}

// Addresses are those of all nodes, by name.
func (p Places) Addresses() map[string][]netip.Addr {
	all := map[string][]netip.Addr{}
	for node, place := range p {
		all[node] = place.Addresses
	}
	return all
}

// Known returns an error unless there are such nodes.
func (p Places) Known(nodes ...string) error {
	for _, node := range nodes {
		if _, ok := p[node]; !ok {
			return fmt.Errorf("node %q is not known (known: %s)", node, p.names())
		}
	}
	return nil
}

// Addressed returns an error unless an address is known of each of the nodes.
func (p Places) Addressed(nodes ...string) error {
	for _, node := range nodes {
		if len(p[node].Addresses) == 0 {
			return fmt.Errorf("no address is known of node %q (known: %s)", node, p.names())
		}
	}
	return nil
}

func (p Places) names() string { return strings.Join(slices.Sorted(maps.Keys(p)), ", ") }
