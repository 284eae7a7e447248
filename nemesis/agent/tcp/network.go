//go:build linux

package tcp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/mdlayher/netlink"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// A Network takes connections between nodes away. Its methods may be called
// concurrently; they take turns.
type Network struct {
	mu       sync.Mutex
	name     desired.Name
	places   desired.Places
	refusals desired.Faults[refusal]
	boards   map[string]*rules.Board // by the node that is asked
	// before counts what was refused for each ID in networks that are no more.
	before map[string]uint64
}

// A refusal is what is refused for one ID.
type refusal struct {
	names [][2]string
	ports []uint16
}

// New returns a Network in which nothing is refused. Name is that of its
// tables.
func New(name string) *Network {
	return &Network{
		name: desired.Name(name), places: desired.Places{}, refusals: desired.Faults[refusal]{},
		boards: map[string]*rules.Board{}, before: map[string]uint64{},
	}
}

// Rename gives the tables another name; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.name.Change(name, len(n.boards) > 0)
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned, and its addresses; none leave them as they are. What is refused
// there is refused at once.
func (n *Network) Place(ctx context.Context, node string, netns int, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	move := n.places.Set(node, netns, addresses)
	if move == desired.Stays {
		return nil
	}
	var err error
	if b := n.boards[node]; b != nil && move == desired.Moved {
		n.remember(ctx, b)
		delete(n.boards, node) // What is left of it ends with the network.
		err = b.Abandon()
	}
	if len(n.refusals) == 0 {
		return err
	}
	if _, settled := n.settle(ctx); settled != nil {
		err = errors.Join(err, fmt.Errorf("refuse connections at %s where it is now: %w", node, settled))
	}
	return err
}

// remember keeps what a board counted that is about to go.
func (n *Network) remember(ctx context.Context, b *rules.Board) {
	for id := range n.refusals {
		if c, err := b.Count(ctx, id); err == nil { // Not all refusals are about this node.
			n.before[id] += c.Packets
		}
	}
}

// Reset aborts the established connections between the two of each pair, one
// of which may be [cut.Clients], whoever opened them; with ports, only those
// that have one at either end. It returns how many.
func (n *Network) Reset(ctx context.Context, pairs [][2]string, ports []uint16) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all, running := 0, false
	for _, names := range pairs {
		if err := n.known(names); err != nil {
			return all, err
		}
		at, other := names[1], names[0]
		if at == cut.Clients || !n.places[at].Up() && other != cut.Clients {
			at, other = other, at
		}
		if !n.places[at].Up() {
			continue
		}
		running = true
		some, err := n.resetAt(ctx, at, other, ports)
		all += some
		if err != nil {
			return all, fmt.Errorf("in the network of %s: %w", at, err)
		}
	}
	if !running {
		return 0, desired.ErrNobody
	}
	return all, nil
}

func (n *Network) resetAt(ctx context.Context, at, other string, ports []uint16) (reset int, err error) {
	err = talk(ctx, n.places[at].Netns, func(c *netlink.Conn) error {
		all, err := connections(c)
		if err != nil {
			return err
		}
		for _, s := range all {
			if !n.between(s, at, other) || len(ports) > 0 && !slices.Contains(ports, s.near.Port()) && !slices.Contains(ports, s.far.Port()) {
				continue
			}
			done, err := destroy(c, s)
			if err != nil {
				return err
			}
			if done {
				reset++
			}
		}
		return nil
	})
	return reset, err
}

// between reports whether a connection's near end is at a node and its far end
// at another, or at clients.
func (n *Network) between(s socket, at, other string) bool {
	if !slices.Contains(n.places[at].Addresses, s.near.Addr()) {
		return false
	}
	if other != cut.Clients {
		return slices.Contains(n.places[other].Addresses, s.far.Addr())
	}
	for _, p := range n.places {
		if slices.Contains(p.Addresses, s.far.Addr()) {
			return false
		}
	}
	return true
}

// A Change says what one transaction did.
type Change struct {
	// Pairs is how many pairs of addresses are refused now, over all nodes
	// that run, by all IDs, as read back from the kernel.
	Pairs int
	// Refused is how many connections the ID had refused before the change.
	Refused uint64
}

// Refuse answers what the first of each pair sends to the second to open a
// connection as if nobody listened, for an ID; with ports, only on those. The
// first may be [cut.Clients]. What that ID refused before is replaced. With
// [desired.ErrNobody] they are refused as soon as the second node runs.
func (n *Network) Refuse(ctx context.Context, id string, pairs [][2]string, ports []uint16) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var c Change
	err := n.refusals.Put(id, refusal{slices.Clone(pairs), slices.Clone(ports)}, func() (err error) {
		c, err = n.settle(ctx)
		if err == nil && c.Pairs == 0 {
			err = desired.ErrNobody
		}
		return err
	})
	if err != nil {
		_, back := n.settle(ctx)
		return Change{}, errors.Join(fmt.Errorf("refuse connections: %w", err), back)
	}
	return c, nil
}

// Allow takes back what an ID refuses. It reports whether that was anything.
func (n *Network) Allow(ctx context.Context, id string) (Change, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, was := n.refusals[id]; !was {
		return Change{}, false, nil
	}
	refused, err := n.count(ctx, id)
	if err != nil {
		return Change{}, true, err
	}
	var c Change
	err = n.refusals.Drop(id, func() (err error) {
		c, err = n.settle(ctx)
		return err
	})
	if err != nil {
		return Change{}, true, fmt.Errorf("allow connections: %w", err)
	}
	delete(n.before, id)
	c.Refused = refused
	return c, true, nil
}

// Refused counts the connections that were refused for an ID so far.
func (n *Network) Refused(ctx context.Context, id string) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.refusals[id]; !ok {
		return 0, fmt.Errorf("nothing is refused by %q", id)
	}
	return n.count(ctx, id)
}

func (n *Network) count(ctx context.Context, id string) (uint64, error) {
	all := n.before[id]
	for node, b := range n.boards {
		if !n.asks(id, node) {
			continue
		}
		c, err := b.Count(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("in the network of %s: %w", node, err)
		}
		all += c.Packets
	}
	return all, nil
}

// asks reports whether a refusal is about connections to a node.
func (n *Network) asks(id, node string) bool {
	return slices.ContainsFunc(n.refusals[id].names, func(p [2]string) bool { return p[1] == node })
}

// Renew gives all that is refused another lifetime. What has gone comes back.
func (n *Network) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.refusals) == 0 && len(n.boards) == 0 {
		return nil
	}
	_, err := n.settle(ctx)
	return err
}

// Heal takes all refusals back and deletes the tables. It returns how many IDs
// had refused something.
func (n *Network) Heal(ctx context.Context) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := len(n.refusals)
	clear(n.refusals)
	clear(n.before)
	_, err := n.settle(context.WithoutCancel(ctx))
	return ids, err
}
