//go:build linux

package slow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/netem"
)

// A fault is what one ID slows.
type fault struct {
	names   [][2]string
	profile Profile
	effects map[[2]string]*effect // of each pair of nodes
}

// A Network slows pairs of nodes: by netem in the network namespace of the one
// that sends, or by a queue in that of the one that receives. Its methods may be called concurrently; they take turns.
type Network struct {
	lifetime time.Duration

	mu       sync.Mutex
	name     desired.Name
	places   desired.Places
	faults   desired.Faults[*fault]
	effects  uint64                   // how many there were
	stations map[string]*station      // by the receiver
	shapers  map[string]*netem.Shaper // by the sender
	refusals map[string]error         // why there is no netem, by the sender
	queues   bool                     // netem is not wanted, as in tests of the queues
}

// New returns a Network in which nothing is slowed. Nothing is changed in the
// kernel before the first [Network.Slow]. Senders expire after lifetime unless
// they are renewed. Name is that of the tables.
func New(name string, lifetime time.Duration) *Network {
	return &Network{
		lifetime: lifetime, name: desired.Name(name),
		places: desired.Places{}, faults: desired.Faults[*fault]{}, stations: map[string]*station{},
		shapers: map[string]*netem.Shaper{}, refusals: map[string]error{},
	}
}

// Rename gives the tables another name; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.name.Change(name, len(n.stations)+len(n.shapers) > 0)
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned, and its addresses; none leave them as they are. What is slowed
// of it is slowed there at once.
func (n *Network) Place(ctx context.Context, node string, netns int, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var err error
	switch n.places.Set(node, netns, addresses) {
	case desired.Stays:
		return nil
	case desired.Moved:
		err = n.leave(ctx, node)
	}
	if len(n.faults) == 0 {
		return err
	}
	_, settled := n.settle(ctx)
	if settled != nil {
		settled = fmt.Errorf("slow %s where it is now: %w", node, settled)
	}
	return errors.Join(err, settled)
}

// A Change says what one transaction did.
type Change struct {
	// Senders is how many addresses are slowed now, each on its way to one
	// node that runs, by all IDs, as read back from the kernel; Changed is how
	// many pairs of nodes the ID slows, or slowed.
	Senders, Changed int
	// Took is how long it took, in all receivers.
	Took time.Duration
	// Tally is what the ID's fault had done before the change.
	Tally Tally
}

// Slow does to what the first node of each pair sends to the second what the
// profile says, for an ID. What that ID slowed before is replaced. With
// [desired.ErrNobody] it is slowed as soon as the second node runs.
func (n *Network) Slow(ctx context.Context, id string, pairs [][2]string, p Profile) (Change, error) {
	if err := p.check(); err != nil {
		return Change{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	f := &fault{names: slices.Clone(pairs), profile: p, effects: map[[2]string]*effect{}}
	for i, names := range pairs {
		own := p
		own.Seed += uint64(i) // Each pair draws for itself.
		n.effects++
		f.effects[names] = newEffect(own)
		f.effects[names].id = n.effects
	}
	var change Change
	err := n.faults.Put(id, f, func() (err error) {
		change, err = n.settle(ctx)
		if err == nil && change.Senders == 0 {
			err = desired.ErrNobody
		}
		return err
	})
	if err != nil {
		_, back := n.settle(ctx)
		return Change{}, errors.Join(fmt.Errorf("slow: %w", err), back)
	}
	change.Changed = len(f.effects)
	return change, nil
}

// Mend takes back what an ID slows; what a queue holds is let go at once, what
// netem holds when its time has come. The Change is zero if that is nothing.
func (n *Network) Mend(ctx context.Context, id string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Change{}, nil
	}
	shaped := n.shapedBy(f) // What is held by netem is counted before it leaves.
	var change Change
	err := n.faults.Drop(id, func() (err error) {
		change, err = n.settle(ctx)
		return err
	})
	if err != nil {
		return Change{}, fmt.Errorf("take the delay back: %w", err)
	}
	change.Changed, change.Tally = len(f.effects), n.queued(f)
	change.Tally.Add(shaped)
	return change, nil
}

// Count is what the fault of an ID has done so far.
func (n *Network) Count(id string) (Tally, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Tally{}, fmt.Errorf("nothing is slowed by %q", id)
	}
	t := n.queued(f)
	t.Add(n.shapedBy(f))
	return t, nil
}

// queued adds up what the queues did for the fault on each pair. The pumps
// stand still for it.
func (n *Network) queued(f *fault) Tally {
	for _, s := range n.stations {
		s.pump.mu.Lock()
		defer s.pump.mu.Unlock()
	}
	var all Tally
	for _, e := range f.effects {
		all.Add(e.Tally)
	}
	return all
}

// Address is the first address that is known of a node.
func (n *Network) Address(node string) (netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.places[node]; len(p.Addresses) > 0 {
		return p.Addresses[0], true
	}
	return netip.Addr{}, false
}

// Renew gives all that is slowed another lifetime. What has gone comes back.
func (n *Network) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.faults) == 0 && len(n.stations) == 0 && len(n.shapers) == 0 {
		return nil
	}
	_, err := n.settle(ctx)
	return err
}

// Heal takes everything back and deletes the tables. It returns how many IDs
// had slowed something.
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
	for node, s := range n.shapers {
		delete(n.shapers, node)
		err = errors.Join(err, s.Close(ctx))
	}
	return ids, err
}

// settle brings every receiver that runs to the union of all faults. Nothing
// is begun after ctx has ended.
func (n *Network) settle(ctx context.Context) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	begin := time.Now()
	want, err := n.resolve()
	for agreed := false; err == nil && !agreed; { // Each that refuses does so once.
		if agreed, err = n.shape(ctx, want.shapes); !agreed && err == nil {
			want, err = n.resolve()
		}
	}
	if err != nil {
		return Change{}, err
	}
	err = n.queue(ctx, want.links)
	return Change{Senders: want.senders(), Took: time.Since(begin)}, err
}

// queue brings every receiver to what queues are to do there.
func (n *Network) queue(ctx context.Context, want map[string]map[netip.Addr]*link) error {
	var err error
	for node, s := range n.stations {
		if want[node] == nil || !s.works() {
			delete(n.stations, node)
			err = errors.Join(err, s.close(ctx, true))
		}
	}
	for _, node := range slices.Sorted(maps.Keys(want)) {
		if one := n.settleOne(ctx, node, want[node]); one != nil {
			err = errors.Join(err, fmt.Errorf("in the network of %s: %w", node, one))
		}
	}
	return err
}

func (n *Network) settleOne(ctx context.Context, node string, links map[netip.Addr]*link) error {
	if s := n.stations[node]; s != nil {
		return s.settle(ctx, links)
	}
	s, err := openStation(ctx, n.places[node].Netns, string(n.name), n.lifetime, links)
	if s != nil {
		n.stations[node] = s
	}
	return err
}

// Backend is how packets are slowed, for people, once some are.
func (n *Network) Backend() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var by []string
	if len(n.shapers) > 0 {
		by = append(by, "netem")
	}
	native := true
	for _, s := range n.stations {
		native = native && s.table.native
	}
	switch {
	case !native:
		by = append(by, "netfilter queue, by xt in nftables")
	case len(n.stations) > 0 || len(by) == 0:
		by = append(by, "netfilter queue, by nftables")
	}
	return strings.Join(by, " and ")
}
