//go:build linux

package rules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Limit is how many matches may be wanted at once, so that one transaction
// fits into a socket's buffer. The full partition of 64 nodes has fewer.
const Limit = 4096

// A Board is one table in one network namespace, and what is wanted of it by
// the faults that share it. It is not safe for concurrent use.
type Board struct {
	line  *Line
	table table

	made   bool // the table is in the kernel
	dirty  bool // and may differ from what is wanted
	shared bool // the kernel does not count by elements

	wanted map[string]*want
	hits   map[Match]uint64 // in all the time that it was wanted, as far as collected
	total  uint64           // likewise, of all matches, from the rules
	seen   reading          // what was collected last
	// counted is how far the elements in the kernel have been counted, since
	// they were put there. A listing may lack some of them.
	counted map[Match]uint64
}

// A want is what one fault wants.
type want struct {
	hits  map[Match]uint64 // of each match before it was wanted
	total uint64           // of all, likewise
}

// A Change says what one transaction did.
type Change struct {
	// Matches is how many are in force now, as read back from the kernel.
	Matches int
	// Took is how long the transaction took, without reading back.
	Took time.Duration
	// Ended is what the faults that want nothing any more had hit.
	Ended map[string]Count
}

// A Count is a number of packets.
type Count struct {
	Packets uint64
	// Shared is set where the kernel does not count by matches: then packets
	// that other faults hit in the same time are included.
	Shared bool
}

// New returns a Board, of which nothing is wanted, for the network namespace
// with that file descriptor (0: the one that we are in). Nothing is changed in
// the kernel before something is wanted.
func New(netns int, name string, a Action) *Board {
	return newBoard(netns, name, a, true)
}

func newBoard(netns int, name string, a Action, count bool) *Board {
	return &Board{
		line: NewLine(netns), table: newTable(name, a, count), shared: !count,
		wanted: map[string]*want{}, hits: map[Match]uint64{}, counted: map[Match]uint64{},
	}
}

// Name is the table's.
func (b *Board) Name() string { return b.table.Name }

// Made reports whether the table is in the kernel.
func (b *Board) Made() bool { return b.made }

// Idle reports whether nothing is wanted and the kernel is known to have it so.
func (b *Board) Idle() bool { return len(b.wanted) == 0 && !b.dirty }

// Settle brings the kernel to what is wanted by each fault, in one transaction,
// gives it all a new [Lifetime], and reads back that it is so. A table that
// somebody deleted is made again. Nothing is begun after ctx has ended: it may
// be that all is healed already. After an error what was wanted before counts
// as wanted, and the kernel may have either.
func (b *Board) Settle(ctx context.Context, wanted map[string][]Match, nodes []netip.Addr) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	union := map[Match]bool{}
	for _, some := range wanted {
		for _, m := range some {
			union[m] = true
		}
	}
	if len(union) > Limit {
		return Change{}, fmt.Errorf("%d pairs of addresses and ports; at most %d fit into one transaction", len(union), Limit)
	}
	b.dirty = true
	change := Change{Matches: len(union)}
	err := b.line.Talk(ctx, func(c *nftables.Conn) (err error) {
		if err := b.collect(c); err != nil {
			b.made = false
		}
		if change.Took, err = b.commit(c, union, nodes); err != nil {
			return err
		}
		change.Ended = b.note(wanted)
		return b.verify(c, union)
	})
	if err != nil {
		return Change{}, err
	}
	b.dirty = false
	return change, nil
}

// Count counts what the matches of a fault have hit so far.
func (b *Board) Count(ctx context.Context, id string) (Count, error) {
	w := b.wanted[id]
	if w == nil {
		return Count{}, fmt.Errorf("nothing is wanted by %q", id)
	}
	if err := b.line.Talk(ctx, b.collect); err != nil {
		return Count{}, fmt.Errorf("count packets: %w", err)
	}
	return b.since(w), nil
}

func (b *Board) since(w *want) Count {
	if b.shared {
		return Count{Packets: b.total - w.total, Shared: true}
	}
	var c Count
	for m, before := range w.hits {
		c.Packets += b.hits[m] - before
	}
	return c
}

// Clear deletes the table. Nothing is wanted afterwards.
func (b *Board) Clear(ctx context.Context) error {
	if b.made || b.dirty {
		err := b.line.Talk(ctx, func(c *nftables.Conn) error {
			c.DelTable(b.table.Table)
			return c.Flush()
		})
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("delete table %s: %w", b.table.Name, err)
		}
	}
	if err := b.Abandon(); err != nil {
		return err
	}
	clear(b.wanted)
	clear(b.hits)
	clear(b.counted)
	b.made, b.dirty, b.total, b.seen = false, false, 0, reading{}
	return nil
}

// Abandon lets go of a network namespace that is no more, or whose table is
// left to expire.
func (b *Board) Abandon() error {
	if err := b.line.Close(); err != nil {
		return fmt.Errorf("close a netlink socket: %w", err)
	}
	return nil
}

// collect adds up what was hit since it was done last.
func (b *Board) collect(c *nftables.Conn) error {
	if !b.made {
		return nil
	}
	now, err := b.table.read(c)
	if err != nil {
		return err
	}
	b.add(now)
	return nil
}

func (b *Board) add(now reading) {
	for m, packets := range now.matches {
		b.hits[m] += packets - min(packets, b.counted[m])
		b.counted[m] = max(packets, b.counted[m])
	}
	b.total += now.hits - min(now.hits, b.seen.hits)
	b.shared = b.shared || !now.each
	b.seen = now
}

func (b *Board) commit(c *nftables.Conn, union map[Match]bool, nodes []netip.Addr) (time.Duration, error) {
	begin := time.Now()
	if !b.made {
		if err := b.table.create(c); err != nil {
			return 0, err
		}
	}
	if err := b.table.replace(c, union, nodes); err != nil {
		return 0, err
	}
	if err := c.Flush(); err != nil {
		return 0, hint(err, b.table.Needs)
	}
	took := time.Since(begin)
	if !b.made {
		b.seen.hits = 0
	}
	b.made, b.counted = true, map[Match]uint64{} // The counters of the elements start anew.
	return took, nil
}

// note takes over what is wanted. What was hit before a match was wanted does
// not count; it is known between the commit and the next collection.
func (b *Board) note(wanted map[string][]Match) map[string]Count {
	ended := map[string]Count{}
	for id, w := range b.wanted {
		if _, still := wanted[id]; !still {
			ended[id] = b.since(w)
			delete(b.wanted, id)
		}
	}
	for id, matches := range wanted {
		before := b.wanted[id]
		if before == nil {
			before = &want{total: b.total}
		}
		hits := maps.Clone(before.hits) // A match that is wanted no more has hit what it has hit.
		if hits == nil {
			hits = map[Match]uint64{}
		}
		for _, m := range matches {
			if _, ok := hits[m]; !ok {
				hits[m] = b.hits[m]
			}
		}
		b.wanted[id] = &want{hits: hits, total: before.total}
	}
	return ended
}

// lookAgain is how often what is in force is read back before it is believed
// to be something else: while the kernel makes a set's table larger, which it
// does by itself after many elements came, a listing may lack some of them.
const lookAgain = 20

// verify compares what is in force with what should be.
func (b *Board) verify(c *nftables.Conn, union map[Match]bool) error {
	var wrong error
	for range lookAgain {
		if err := b.collect(c); err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		if wrong = b.differs(union); wrong == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("read back: %w", wrong)
}

func (b *Board) differs(union map[Match]bool) error {
	for m := range union {
		if _, ok := b.seen.matches[m]; !ok {
			return fmt.Errorf("%v is not in force", m)
		}
	}
	if len(b.seen.matches) != len(union) {
		return fmt.Errorf("%d pairs are in force instead of %d", len(b.seen.matches), len(union))
	}
	return nil
}

// A reading is what the kernel says is in the table.
type reading struct {
	matches map[Match]uint64 // in force, and the packets that each has hit
	each    bool             // whether they have counters of their own
	hits    uint64           // by all rules, since the table was made
	expires time.Duration    // when the first of the matches does
}

func (t table) read(c *nftables.Conn) (reading, error) {
	r := reading{matches: map[Match]uint64{}, each: true, expires: Lifetime}
	for _, f := range t.families {
		for _, set := range []*nftables.Set{f.pairs, f.ports} {
			elements, err := c.GetSetElements(set)
			if err != nil {
				return reading{}, err
			}
			for _, e := range elements {
				r.note(e, int(f.size))
			}
		}
	}
	rules, err := c.GetRules(t.Table, t.acts)
	if err != nil {
		return reading{}, err
	}
	for _, rule := range rules {
		for _, e := range rule.Exprs {
			if counter, ok := e.(*expr.Counter); ok {
				r.hits += counter.Packets
			}
		}
	}
	return r, nil
}

func (r *reading) note(e nftables.SetElement, size int) {
	m := parseKey(e.Key, size)
	r.expires = min(r.expires, e.Expires)
	if e.Counter == nil {
		r.each, r.matches[m] = false, 0
		return
	}
	r.matches[m] = e.Counter.Packets
}
