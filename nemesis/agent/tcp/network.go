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
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// A place is where a node is: its addresses, and a file descriptor of its
// network namespace, or -1 while it is down.
type place struct {
	netns     int
	addresses []netip.Addr
}

// A Network takes connections between nodes away. Its methods may be called
// concurrently; they take turns.
type Network struct {
	mu       sync.Mutex
	name     string
	places   map[string]place
	refusals map[string]refusal
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
		name: name, places: map[string]place{}, refusals: map[string]refusal{},
		boards: map[string]*rules.Board{}, before: map[string]uint64{},
	}
}

// Rename gives the tables another name; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.boards) > 0 && n.name != name {
		return fmt.Errorf("the tables %s are in use already", n.name)
	}
	n.name = name
	return nil
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned, and its addresses; none leave them as they are. What is refused
// there is refused at once.
func (n *Network) Place(ctx context.Context, node string, netns int, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.places[node]
	if len(addresses) == 0 {
		addresses = was.addresses
	}
	if netns == was.netns && slices.Equal(addresses, was.addresses) {
		return nil
	}
	n.places[node] = place{netns, slices.Clone(addresses)}
	if b := n.boards[node]; b != nil && netns != was.netns {
		n.remember(ctx, b)
		delete(n.boards, node) // What is left of it ends with the network.
	}
	if len(n.refusals) == 0 {
		return nil
	}
	if _, err := n.settle(ctx); err != nil {
		return fmt.Errorf("refuse connections at %s where it is now: %w", node, err)
	}
	return nil
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
		if at == cut.Clients || n.places[at].netns < 0 && other != cut.Clients {
			at, other = other, at
		}
		if n.places[at].netns < 0 {
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
		return 0, errNobody()
	}
	return all, nil
}

func errNobody() error {
	return errors.New("none of the nodes concerned runs, in a network of its own")
}

func (n *Network) resetAt(ctx context.Context, at, other string, ports []uint16) (reset int, err error) {
	err = talk(ctx, n.places[at].netns, func(c *netlink.Conn) error {
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
	if !slices.Contains(n.places[at].addresses, s.near.Addr()) {
		return false
	}
	if other != cut.Clients {
		return slices.Contains(n.places[other].addresses, s.far.Addr())
	}
	for _, p := range n.places {
		if slices.Contains(p.addresses, s.far.Addr()) {
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
// first may be [cut.Clients]. What that ID refused before is replaced.
func (n *Network) Refuse(ctx context.Context, id string, pairs [][2]string, ports []uint16) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, was := n.refusals[id]
	n.refusals[id] = refusal{slices.Clone(pairs), slices.Clone(ports)}
	c, err := n.settle(ctx)
	if err == nil && c.Pairs == 0 {
		err = errNobody()
	}
	if err != nil {
		delete(n.refusals, id)
		if was {
			n.refusals[id] = before
		}
		_, back := n.settle(ctx)
		return Change{}, errors.Join(fmt.Errorf("refuse connections: %w", err), back)
	}
	return c, nil
}

// Allow takes back what an ID refuses. It reports whether that was anything.
func (n *Network) Allow(ctx context.Context, id string) (Change, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, was := n.refusals[id]
	if !was {
		return Change{}, false, nil
	}
	refused, err := n.count(ctx, id)
	if err != nil {
		return Change{}, true, err
	}
	delete(n.refusals, id)
	c, err := n.settle(ctx)
	if err != nil {
		n.refusals[id] = before
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
