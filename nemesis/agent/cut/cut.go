//go:build linux

package cut

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// Prefix begins the names of all our tables, by which [Sweep] knows them.
const Prefix = "shakedown"

// limit is how many pairs of addresses may be cut at once. A full cut of 45
// nodes has fewer, and one transaction must fit into a socket's send buffer.
const limit = 2048

// hurry is the deadline of one conversation with the kernel when the caller
// sets none.
const hurry = 5 * time.Second

// A pair is a direction: packets from one address to another.
type pair struct{ from, to netip.Addr }

// A Network cuts pairs of nodes on the bridges of one network namespace. Its
// methods may be called concurrently; they take turns.
type Network struct {
	netns int // file descriptor; 0 is our own

	mu      sync.Mutex
	table   table
	made    bool // the table is in the kernel
	dirty   bool // and may differ from cuts
	count   bool // ask for counters of each pair
	shared  bool // the kernel has none
	address map[string][]netip.Addr
	cuts    map[string]*fault
	dropped map[pair]uint64 // in all the time that a pair was cut, as far as collected
	total   uint64          // likewise, of all pairs, from the rules
	seen    reading         // what was collected last
}

// A fault is what one ID has cut.
type fault struct {
	names [][2]string
	pairs map[pair]uint64 // and what had been dropped of each before
	total uint64          // what had been dropped of all before
}

// New returns a Network, in which nothing is cut, of the network namespace
// with that file descriptor (0: the one that we are in). Nothing is changed in
// the kernel before the first cut. The table's name is [Prefix], an underscore
// and name.
func New(name string, netns int) *Network {
	n := &Network{
		netns: netns, count: true,
		address: map[string][]netip.Addr{}, cuts: map[string]*fault{}, dropped: map[pair]uint64{},
	}
	n.table = newTable(TableName(name), n.count)
	return n
}

// TableName is the name of the table of a [Network] of that name: [Prefix], an
// underscore and what nftables takes of it without quotes.
func TableName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	return Prefix + "_" + clean[:min(len(clean), 64)]
}

// Rename gives the table another name, as in [New]; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	renamed := newTable(TableName(name), n.count)
	if n.made && renamed.Name != n.table.Name {
		return fmt.Errorf("the table %s is in use already", n.table.Name)
	}
	n.table = renamed
	return nil
}

// A Change says what one transaction did.
type Change struct {
	// Pairs is how many pairs of addresses are cut now, by all IDs, as read
	// back from the kernel.
	Pairs int
	// Changed is how many of those belong, or belonged, to the ID.
	Changed int
	// Took is how long the transaction took, without reading back.
	Took time.Duration
	// Dropped is how many packets the ID's cut had dropped before the change.
	Dropped Count
}

// A Count is a number of packets.
type Count struct {
	Packets uint64
	// Shared is set where the kernel does not count by pairs: then packets
	// that other IDs dropped in the same time are included.
	Shared bool
}

// SetAddresses says by which addresses a node is reached. What is cut of it
// is cut by the new ones at once. No addresses leave it as it is.
func (n *Network) SetAddresses(ctx context.Context, node string, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(addresses) == 0 || slices.Equal(n.address[node], addresses) {
		return nil
	}
	before := n.address[node]
	n.address[node] = slices.Clone(addresses)
	if !n.concerns(node) {
		return nil
	}
	if _, err := n.settle(ctx); err != nil {
		n.address[node] = before
		return fmt.Errorf("cut %s by its new address: %w", node, err)
	}
	return nil
}

func (n *Network) concerns(node string) bool {
	for _, f := range n.cuts {
		for _, p := range f.names {
			if p[0] == node || p[1] == node {
				return true
			}
		}
	}
	return false
}

// Cut drops what the first node of each pair sends to the second, for an ID.
// What that ID cut before is replaced. On error it stands, and if the kernel
// does not have it so, the next [Network.Renew] sees to it.
func (n *Network) Cut(ctx context.Context, id string, pairs [][2]string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.cuts[id]
	n.cuts[id] = &fault{names: slices.Clone(pairs)}
	change, err := n.settle(ctx)
	if err != nil {
		n.restore(id, before)
		return Change{}, fmt.Errorf("cut: %w", err)
	}
	change.Changed = len(n.cuts[id].pairs)
	return change, nil
}

// Mend takes back what an ID has cut. The Change is zero if that is nothing.
func (n *Network) Mend(ctx context.Context, id string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.cuts[id]
	if before == nil {
		return Change{}, nil
	}
	delete(n.cuts, id)
	change, err := n.settle(ctx)
	if err != nil {
		n.restore(id, before)
		return Change{}, fmt.Errorf("mend: %w", err)
	}
	change.Changed, change.Dropped = len(before.pairs), n.since(before)
	return change, nil
}

func (n *Network) restore(id string, f *fault) {
	delete(n.cuts, id)
	if f != nil {
		n.cuts[id] = f
	}
}

// Dropped counts the packets that the cut of an ID has dropped so far.
func (n *Network) Dropped(ctx context.Context, id string) (Count, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.cuts[id]
	if f == nil {
		return Count{}, fmt.Errorf("nothing is cut by %q", id)
	}
	err := n.talk(ctx, n.collect)
	if err != nil {
		return Count{}, fmt.Errorf("count dropped packets: %w", err)
	}
	return n.since(f), nil
}

func (n *Network) since(f *fault) Count {
	if n.shared {
		return Count{Packets: n.total - f.total, Shared: true}
	}
	var c Count
	for p, before := range f.pairs {
		c.Packets += n.dropped[p] - before
	}
	return c
}

// Renew gives all that is cut another [Lifetime]. If the table has gone, it
// comes back.
func (n *Network) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.cuts) == 0 && !n.dirty {
		return nil
	}
	if _, err := n.settle(ctx); err != nil {
		return fmt.Errorf("renew the cut: %w", err)
	}
	return nil
}

// Heal mends everything and deletes the table. It returns how many IDs had
// cut something.
func (n *Network) Heal(ctx context.Context) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.made {
		err := n.talk(ctx, func(c *nftables.Conn) error {
			c.DelTable(n.table.Table)
			return c.Flush()
		})
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return 0, fmt.Errorf("delete table %s: %w", n.table.Name, err)
		}
	}
	ids := len(n.cuts)
	clear(n.cuts)
	clear(n.dropped)
	n.made, n.dirty, n.total, n.seen = false, false, 0, reading{}
	return ids, nil
}

// settle brings the kernel to the union of all cuts, in one transaction, and
// reads back that it is so. A table that somebody deleted is made again.
// Nothing is begun after ctx has ended: it may be that all is healed already.
func (n *Network) settle(ctx context.Context) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	want, err := n.resolve()
	if err != nil {
		return Change{}, err
	}
	n.dirty = true
	var change Change
	err = n.talk(ctx, func(c *nftables.Conn) error {
		if err := n.collect(c); err != nil {
			n.made = false
		}
		took, err := n.commit(c, want)
		if err != nil {
			return err
		}
		n.baseline()
		change = Change{Pairs: len(want), Took: took}
		return n.verify(c, want)
	})
	if err != nil {
		return Change{}, err
	}
	n.dirty = false
	return change, nil
}

// resolve gives every cut its pairs of addresses, and returns their union.
func (n *Network) resolve() (map[pair]bool, error) {
	union := map[pair]bool{}
	for _, f := range n.cuts {
		for _, names := range f.names {
			some, err := n.pairs(names)
			if err != nil {
				return nil, err
			}
			for _, p := range some {
				union[p] = true
			}
		}
	}
	if len(union) > limit {
		return nil, fmt.Errorf("%d pairs of addresses; at most %d fit into one transaction", len(union), limit)
	}
	return union, nil
}

// pairs are the addresses of one pair of nodes, family by family.
func (n *Network) pairs(names [2]string) ([]pair, error) {
	for _, name := range names {
		if len(n.address[name]) == 0 {
			return nil, fmt.Errorf("no address is known of node %q (known: %s)",
				name, strings.Join(slices.Sorted(maps.Keys(n.address)), ", "))
		}
	}
	var pairs []pair
	for _, from := range n.address[names[0]] {
		for _, to := range n.address[names[1]] {
			if from.Is4() == to.Is4() {
				pairs = append(pairs, pair{from, to})
			}
		}
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%s and %s have no address of the same family", names[0], names[1])
	}
	return pairs, nil
}

// collect adds up what was dropped since it was done last.
func (n *Network) collect(c *nftables.Conn) error {
	if !n.made {
		return nil
	}
	now, err := n.table.read(c)
	if err != nil {
		return err
	}
	for p, packets := range now.pairs {
		n.dropped[p] += packets - min(packets, n.seen.pairs[p])
	}
	n.total += now.dropped - min(now.dropped, n.seen.dropped)
	n.shared = n.shared || !now.each
	n.seen = now
	return nil
}

func (n *Network) commit(c *nftables.Conn, want map[pair]bool) (time.Duration, error) {
	begin := time.Now()
	if !n.made {
		if err := n.table.create(c); err != nil {
			return 0, err
		}
	}
	if err := n.table.replace(c, want); err != nil {
		return 0, err
	}
	if err := c.Flush(); err != nil {
		return 0, hint(err)
	}
	took := time.Since(begin)
	if !n.made {
		n.seen.dropped = 0
	}
	n.made, n.seen.pairs = true, nil // The counters of the pairs start anew.
	return took, nil
}

// hint says what may be missing where the kernel does not.
func hint(err error) error {
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w (CAP_NET_ADMIN is needed)", err)
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w (does this kernel have nftables for bridges, CONFIG_NF_TABLES_BRIDGE?)", err)
	}
	return err
}

// verify compares what is cut with what should be.
func (n *Network) verify(c *nftables.Conn, want map[pair]bool) error {
	if err := n.collect(c); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	for p := range want {
		if _, ok := n.seen.pairs[p]; !ok {
			return fmt.Errorf("read back: %v to %v is not cut", p.from, p.to)
		}
	}
	if len(n.seen.pairs) != len(want) {
		return fmt.Errorf("read back: %d pairs are cut instead of %d", len(n.seen.pairs), len(want))
	}
	return nil
}

// baseline notes for pairs that are new in a cut what was dropped of them
// before it, which is known between the commit and the next collection.
func (n *Network) baseline() {
	for _, f := range n.cuts {
		if f.pairs == nil {
			f.total = n.total
		}
		before := f.pairs
		f.pairs = map[pair]uint64{}
		for _, names := range f.names {
			some, _ := n.pairs(names) // settle has resolved them before
			for _, p := range some {
				f.pairs[p] = n.dropped[p]
				if was, ok := before[p]; ok {
					f.pairs[p] = was
				}
			}
		}
	}
}

// talk opens a socket to the kernel for f, with a deadline.
func (n *Network) talk(ctx context.Context, f func(*nftables.Conn) error) error {
	return talk(ctx, n.netns, f)
}

func talk(ctx context.Context, netns int, f func(*nftables.Conn) error) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(hurry)
	}
	c, err := nftables.New(nftables.WithNetNSFd(netns), nftables.AsLasting(),
		nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetDeadline(deadline) }))
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	return errors.Join(f(c), c.CloseLasting())
}

// Sweep deletes all tables in the bridge family whose names begin with
// [Prefix], whoever made them, in the network namespace with that file
// descriptor (0: the one that we are in). It returns their names.
func Sweep(ctx context.Context, netns int) ([]string, error) {
	var names []string
	err := talk(ctx, netns, func(c *nftables.Conn) error {
		tables, err := c.ListTablesOfFamily(nftables.TableFamilyBridge)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if strings.HasPrefix(t.Name, Prefix+"_") {
				names = append(names, t.Name)
				c.DelTable(t)
			}
		}
		return c.Flush()
	})
	if err != nil {
		return nil, fmt.Errorf("sweep tables: %w", err)
	}
	return names, nil
}
