//go:build linux

package dns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
)

// A Tally is what became of questions.
type Tally struct {
	// Answered were answered by us, Silenced got no answer.
	Answered, Silenced uint64
}

// Hit is how many questions met the fault.
func (t Tally) Hit() uint64 { return t.Answered + t.Silenced }

// A fault is what one ID does. Its nodes' questions are counted side by side.
type fault struct {
	nodes              []string
	lie                Lie
	answered, silenced atomic.Uint64
}

func (f *fault) tally() Tally {
	return Tally{Answered: f.answered.Load(), Silenced: f.silenced.Load()}
}

// A Network answers questions of nodes, each in its network namespace. Its
// methods may be called concurrently; they take turns.
type Network struct {
	mu       sync.Mutex
	name     desired.Name
	places   desired.Places
	faults   desired.Faults[*fault]
	stations map[string]*station
}

// New returns a Network in which no question is touched. Nothing is changed in
// the kernel before the first [Network.Lie]. Name is that of the tables.
func New(name string) *Network {
	return &Network{
		name: desired.Name(name), places: desired.Places{}, faults: desired.Faults[*fault]{}, stations: map[string]*station{},
	}
}

// Rename gives the tables another name; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.name.Change(name, len(n.stations) > 0)
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned.
func (n *Network) Place(ctx context.Context, node string, netns int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.places.Set(node, netns, nil) == desired.Stays {
		return nil
	}
	var err error
	if s := n.stations[node]; s != nil {
		delete(n.stations, node)
		err = s.close(ctx, false)
	}
	if len(n.faults) == 0 {
		return err
	}
	if _, settled := n.settle(ctx); settled != nil {
		err = errors.Join(err, fmt.Errorf("answer the questions of %s where it is now: %w", node, settled))
	}
	return err
}

// Lie answers the questions of nodes as the lie says, for an ID. What that ID
// did before is replaced. It returns how many nodes run, whose questions are
// answered now; with [desired.ErrNobody], theirs are as soon as one does.
func (n *Network) Lie(ctx context.Context, id string, nodes []string, l Lie) (int, error) {
	if err := l.check(); err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	running := 0
	err := n.faults.Put(id, &fault{nodes: slices.Clone(nodes), lie: l}, func() (err error) {
		running, err = n.settle(ctx)
		if err == nil && running == 0 {
			err = desired.ErrNobody
		}
		return err
	})
	if err != nil {
		_, back := n.settle(context.WithoutCancel(ctx))
		return 0, errors.Join(fmt.Errorf("answer questions about names: %w", err), back)
	}
	return running, nil
}

// Mend takes back what an ID does. It reports what that was, or that it was
// nothing.
func (n *Network) Mend(ctx context.Context, id string) (t Tally, was bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Tally{}, false, nil
	}
	err = n.faults.Drop(id, func() error {
		_, err := n.settle(ctx)
		return err
	})
	if err != nil {
		return Tally{}, true, fmt.Errorf("let questions about names pass: %w", err)
	}
	return f.tally(), true, nil
}

// Count is what became of questions for an ID so far.
func (n *Network) Count(id string) (Tally, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Tally{}, fmt.Errorf("no questions are answered by %q", id)
	}
	return f.tally(), nil
}

// Renew gives all rules another lifetime. What has gone comes back.
func (n *Network) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.faults) == 0 && len(n.stations) == 0 {
		return nil
	}
	_, err := n.settle(ctx)
	return err
}

// Heal takes everything back and deletes the tables. It returns how many IDs
// did something.
func (n *Network) Heal(ctx context.Context) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := len(n.faults)
	clear(n.faults)
	var err error
	for node, s := range n.stations {
		delete(n.stations, node)
		err = errors.Join(err, s.close(ctx, true))
	}
	return ids, err
}

// settle brings every node that runs to what the faults want. Nothing is begun
// after ctx has ended.
func (n *Network) settle(ctx context.Context) (running int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	wanted := map[string][]*fault{}
	for _, id := range slices.Sorted(maps.Keys(n.faults)) {
		f := n.faults[id]
		if err := n.places.Known(f.nodes...); err != nil {
			return 0, err
		}
		for _, node := range f.nodes {
			if n.places[node].Up() {
				wanted[node] = append(wanted[node], f)
			}
		}
	}
	for node, s := range n.stations {
		if wanted[node] == nil || !s.works() {
			delete(n.stations, node)
			err = errors.Join(err, s.close(ctx, true))
		}
	}
	for _, node := range slices.Sorted(maps.Keys(wanted)) {
		if one := n.settleOne(ctx, node, wanted[node]); one != nil {
			err = errors.Join(err, fmt.Errorf("in the network of %s: %w", node, one))
		}
	}
	return len(wanted), err
}

func (n *Network) settleOne(ctx context.Context, node string, faults []*fault) error {
	if s := n.stations[node]; s != nil {
		s.change(faults)
		return s.renew(ctx)
	}
	s, err := openStation(ctx, n.places[node].Netns, string(n.name)+"_dns", faults)
	if err != nil {
		return err
	}
	n.stations[node] = s
	return nil
}

// Backend is how questions get to us, for people, once some do.
func (n *Network) Backend() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.stations {
		if !s.table.native {
			return "netfilter queue, by xt in nftables"
		}
	}
	return "netfilter queue, by nftables"
}

// Elsewhere is an address that nobody has: one set aside for documents.
func Elsewhere() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1}), netip.MustParseAddr("2001:db8::1")}
}
