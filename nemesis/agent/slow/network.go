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
)

// A fault is what one ID slows.
type fault struct {
	names   [][2]string
	profile Profile
	effects map[[2]string]*effect // of each pair of nodes
}

// A place is where a node is: its addresses, and a file descriptor of its
// network namespace, or -1 while it is down.
type place struct {
	netns     int
	addresses []netip.Addr
}

// A Network slows pairs of nodes, each in the network namespace of the one
// that receives. Its methods may be called concurrently; they take turns.
type Network struct {
	lifetime time.Duration

	mu       sync.Mutex
	name     string
	places   map[string]place
	faults   map[string]*fault
	stations map[string]*station
}

// New returns a Network in which nothing is slowed. Nothing is changed in the
// kernel before the first [Network.Slow]. Senders expire after lifetime unless
// they are renewed. Name is that of the tables.
func New(name string, lifetime time.Duration) *Network {
	return &Network{
		lifetime: lifetime, name: name,
		places: map[string]place{}, faults: map[string]*fault{}, stations: map[string]*station{},
	}
}

// Rename gives the tables another name; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.stations) > 0 && n.name != name {
		return fmt.Errorf("the tables %s are in use already", n.name)
	}
	n.name = name
	return nil
}

// Place says where a node is now: a file descriptor of its network namespace,
// or -1 if it is down, which must stay open until the next Place of the node
// has returned, and its addresses; none leave them as they are. What is slowed
// of it is slowed there at once.
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
	var err error
	if s := n.stations[node]; s != nil {
		delete(n.stations, node)
		err = s.close(ctx, false)
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
	// Senders is how many senders are slowed now, over all receivers that
	// run, by all IDs, as read back from the kernel; Changed is how many
	// pairs of nodes the ID slows, or slowed.
	Senders, Changed int
	// Took is how long it took, in all receivers.
	Took time.Duration
	// Tally is what the ID's fault had done before the change.
	Tally Tally
}

// Slow does to what the first node of each pair sends to the second what the
// profile says, for an ID. What that ID slowed before is replaced.
func (n *Network) Slow(ctx context.Context, id string, pairs [][2]string, p Profile) (Change, error) {
	if err := p.check(); err != nil {
		return Change{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.faults[id]
	f := &fault{names: slices.Clone(pairs), profile: p, effects: map[[2]string]*effect{}}
	for i, names := range pairs {
		own := p
		own.Seed += uint64(i) // Each pair draws for itself.
		f.effects[names] = newEffect(own)
	}
	n.faults[id] = f
	change, err := n.settle(ctx)
	if err == nil && change.Senders == 0 {
		err = errors.New("none of the nodes that should receive later runs, in a network of its own")
	}
	if err != nil {
		n.restore(id, before)
		_, back := n.settle(ctx)
		return Change{}, errors.Join(fmt.Errorf("slow: %w", err), back)
	}
	change.Changed = len(f.effects)
	return change, nil
}

// Mend takes back what an ID slows; what is held is let go at once. The Change
// is zero if that is nothing.
func (n *Network) Mend(ctx context.Context, id string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Change{}, nil
	}
	delete(n.faults, id)
	change, err := n.settle(ctx)
	if err != nil {
		n.restore(id, f)
		return Change{}, fmt.Errorf("take the delay back: %w", err)
	}
	change.Changed, change.Tally = len(f.effects), n.tally(f)
	return change, nil
}

func (n *Network) restore(id string, f *fault) {
	delete(n.faults, id)
	if f != nil {
		n.faults[id] = f
	}
}

// Count is what the fault of an ID has done so far.
func (n *Network) Count(id string) (Tally, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[id]
	if f == nil {
		return Tally{}, fmt.Errorf("nothing is slowed by %q", id)
	}
	return n.tally(f), nil
}

// tally adds up what the fault did on each pair. The pumps stand still for it.
func (n *Network) tally(f *fault) Tally {
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
	if p := n.places[node]; len(p.addresses) > 0 {
		return p.addresses[0], true
	}
	return netip.Addr{}, false
}

// Renew gives all that is slowed another lifetime. What has gone comes back.
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
	return ids, err
}

// settle brings every receiver that runs to the union of all faults. Nothing
// is begun after ctx has ended.
func (n *Network) settle(ctx context.Context) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	want, err := n.resolve()
	if err != nil {
		return Change{}, err
	}
	begin, change := time.Now(), Change{}
	for node, s := range n.stations {
		if want[node] == nil || !s.works() {
			delete(n.stations, node)
			err = errors.Join(err, s.close(ctx, true))
		}
	}
	for _, node := range slices.Sorted(maps.Keys(want)) {
		one := n.settleOne(ctx, node, want[node])
		if one != nil {
			err = errors.Join(err, fmt.Errorf("in the network of %s: %w", node, one))
		}
		change.Senders += len(want[node])
	}
	change.Took = time.Since(begin)
	return change, err
}

func (n *Network) settleOne(ctx context.Context, node string, links map[netip.Addr]*link) error {
	if s := n.stations[node]; s != nil {
		return s.settle(ctx, links)
	}
	s, err := openStation(ctx, n.places[node].netns, n.name, n.lifetime, links)
	if s != nil {
		n.stations[node] = s
	}
	return err
}

// resolve finds for every receiver that runs what acts on which sender.
func (n *Network) resolve() (map[string]map[netip.Addr]*link, error) {
	all := map[string]map[netip.Addr]*link{}
	for _, id := range slices.Sorted(maps.Keys(n.faults)) {
		for names, e := range n.faults[id].effects {
			if err := n.known(names); err != nil {
				return nil, err
			}
			if n.places[names[1]].netns < 0 {
				continue
			}
			links := all[names[1]]
			if links == nil {
				links = map[netip.Addr]*link{}
				all[names[1]] = links
			}
			for _, from := range n.places[names[0]].addresses {
				if links[from] == nil {
					links[from] = &link{}
				}
				links[from].effects = append(links[from].effects, e)
			}
		}
	}
	return all, nil
}

// known returns an error unless the addresses of both nodes are.
func (n *Network) known(names [2]string) error {
	for _, name := range names {
		if len(n.places[name].addresses) == 0 {
			return fmt.Errorf("no address is known of node %q (known: %s)",
				name, strings.Join(slices.Sorted(maps.Keys(n.places)), ", "))
		}
	}
	return nil
}

// Backend is how packets get to us, for people, once something is slowed.
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
