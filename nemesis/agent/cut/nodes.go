//go:build linux

package cut

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// Nodes cuts pairs of nodes in the network namespace of the one that receives,
// for networks that no bridge of ours has a hold of: an overlay, a macvlan, or a
// bridge that several engines share. Its methods may be called concurrently;
// they take turns.
type Nodes struct {
	mu      sync.Mutex
	name    string
	address map[string][]netip.Addr
	cuts    map[string]cut
	at      map[string]*Network // of the nodes that run here
	// before counts what was dropped for each ID in networks that are no more.
	before map[string]uint64
}

// NewNodes returns Nodes of which nothing is cut. The tables are named after name.
func NewNodes(name string) *Nodes {
	return &Nodes{
		name: name, address: map[string][]netip.Addr{}, cuts: map[string]cut{},
		at: map[string]*Network{}, before: map[string]uint64{},
	}
}

// Rename gives the tables another name; too late if a node runs already.
func (n *Nodes) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.at) > 0 && n.name != name {
		return fmt.Errorf("the tables %s are in use already", n.name)
	}
	n.name = name
	return nil
}

// SetAddresses is [Network.SetAddresses].
func (n *Nodes) SetAddresses(ctx context.Context, node string, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(addresses) == 0 {
		return nil
	}
	n.address[node] = slices.Clone(addresses)
	var errs []error
	for _, own := range n.at {
		errs = append(errs, own.SetAddresses(ctx, node, addresses))
	}
	return errors.Join(errs...)
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned. What is cut of it is cut there at once.
func (n *Nodes) Place(ctx context.Context, node string, netns int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.at[node]; old != nil {
		if old.netns == netns {
			return nil
		}
		for id := range n.cuts {
			if c, err := old.Dropped(ctx, id); err == nil { // Not all cuts are about this node.
				n.before[id] += c.Packets
			}
		}
		delete(n.at, node) // What is left of it ends with the network.
	}
	if netns < 0 {
		return nil
	}
	own := New(n.name, netns)
	if err := own.OnHost(); err != nil {
		return err
	}
	own.apart = true
	for name, addresses := range n.address {
		own.address[name] = slices.Clone(addresses)
	}
	n.at[node] = own
	for id := range n.cuts {
		if _, err := n.cutAt(ctx, node, id); err != nil {
			return fmt.Errorf("cut %s where it is now: %w", node, err)
		}
	}
	return nil
}

// cutAt cuts at a node what an ID wants there, or takes it back. The node is one
// that runs.
func (n *Nodes) cutAt(ctx context.Context, node, id string) (Change, error) {
	own := slices.DeleteFunc(slices.Clone(n.cuts[id].names), func(p [2]string) bool { return actsAt(p) != node })
	if len(own) == 0 {
		return n.at[node].Mend(ctx, id)
	}
	c, err := n.at[node].Cut(ctx, id, own, n.cuts[id].ports...)
	if err != nil {
		return c, fmt.Errorf("in the network of %s: %w", node, err)
	}
	return c, nil
}

// actsAt is the node of a pair in whose network it is acted: the one that
// receives, or the one that sends to clients.
func actsAt(pair [2]string) string {
	if pair[1] == Clients {
		return pair[0]
	}
	return pair[1]
}

// Cut is [Network.Cut]: one transaction in the network of each node concerned
// that runs here, and not all at the same instant. Others get theirs when they
// run, also with [desired.ErrNobody].
func (n *Nodes) Cut(ctx context.Context, id string, pairs [][2]string, ports ...uint16) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, names := range pairs {
		if _, err := Matches(n.address, names, ports); err != nil {
			return Change{}, fmt.Errorf("cut: %w", err)
		}
	}
	before, was := n.cuts[id]
	n.cuts[id] = cut{slices.Clone(pairs), slices.Clone(ports)}
	change, err := n.everywhere(ctx, id)
	if err != nil {
		delete(n.cuts, id)
		if was {
			n.cuts[id] = before
		}
		_, back := n.everywhere(context.WithoutCancel(ctx), id)
		return Change{}, errors.Join(fmt.Errorf("cut: %w", err), back)
	}
	if change.Networks == 0 {
		return Change{}, fmt.Errorf("cut: %w", desired.ErrNobody)
	}
	return change, nil
}

// everywhere brings every node that runs to what an ID wants.
func (n *Nodes) everywhere(ctx context.Context, id string) (Change, error) {
	begin := time.Now()
	var all Change
	for _, node := range slices.Sorted(maps.Keys(n.at)) {
		c, err := n.cutAt(ctx, node, id)
		if err != nil {
			return all, err
		}
		if c.Changed > 0 {
			all.Networks++
		}
		all.Pairs, all.Changed = all.Pairs+c.Pairs, all.Changed+c.Changed
		all.Dropped.Packets += c.Dropped.Packets
		all.Dropped.Shared = all.Dropped.Shared || c.Dropped.Shared
	}
	all.Took = time.Since(begin)
	return all, nil
}

// Mend is [Network.Mend].
func (n *Nodes) Mend(ctx context.Context, id string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, was := n.cuts[id]
	if !was {
		return Change{}, nil
	}
	delete(n.cuts, id)
	change, err := n.everywhere(ctx, id)
	if err != nil {
		n.cuts[id] = before
		return Change{}, fmt.Errorf("mend: %w", err)
	}
	change.Dropped.Packets += n.before[id]
	delete(n.before, id)
	change.Changed = max(change.Changed, 1) // It was cut, if only of nodes that are down.
	return change, nil
}

// Dropped is [Network.Dropped].
func (n *Nodes) Dropped(ctx context.Context, id string) (rules.Count, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.cuts[id]; !ok {
		return rules.Count{}, fmt.Errorf("nothing is cut by %q", id)
	}
	all := rules.Count{Packets: n.before[id]}
	for node, own := range n.at {
		if !slices.ContainsFunc(n.cuts[id].names, func(p [2]string) bool { return actsAt(p) == node }) {
			continue
		}
		c, err := own.Dropped(ctx, id)
		if err != nil {
			return all, fmt.Errorf("in the network of %s: %w", node, err)
		}
		all.Packets, all.Shared = all.Packets+c.Packets, all.Shared || c.Shared
	}
	return all, nil
}

// Renew is [Network.Renew].
func (n *Nodes) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, own := range n.at {
		errs = append(errs, own.Renew(ctx))
	}
	return errors.Join(errs...)
}

// Heal is [Network.Heal].
func (n *Nodes) Heal(ctx context.Context) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, own := range n.at {
		_, err := own.Heal(ctx)
		errs = append(errs, err)
	}
	ids := len(n.cuts)
	clear(n.cuts)
	clear(n.before)
	return ids, errors.Join(errs...)
}
