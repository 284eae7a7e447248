package txn

import (
	"context"
	"fmt"
	"slices"
)

// A place is a micro-operation of a transaction.
type place struct {
	txn, mop int32
}

// A list is what is known of one key.
type list struct {
	// order are the elements of the longest read, and witness is who read it.
	order   []value
	witness int32
	// trusted is how many of them all reads agree on.
	trusted int
	// writers[i] is the committed transaction that certainly appended
	// order[i], or -1; last[i] says that it appended nothing later.
	writers []int32
	last    []bool
	// unseen are committed transactions that appended what nobody read.
	unseen []int32
}

// A lister infers from lists.
type lister struct {
	*inference
	reads   [][]place
	appends [][]place
	seen    []bool
}

// inferLists infers the order of versions from the lists that were read, and
// finds the anomalies that need no cycle. The graph has no process and
// realtime edges yet.
func inferLists(ctx context.Context, d *db) (*inference, error) {
	n := &inference{db: d, graph: newGraph(d), found: findings{}, lists: make([]list, len(d.keyNames))}
	n.graph.edges = make([]edge, 0, 2*len(d.mops)+2*len(d.txns))
	l := &lister{inference: n, seen: make([]bool, len(d.mops))}
	l.reads, l.appends = d.places()
	for key := range n.lists {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after %d of %d keys", key, len(n.lists))
		}
		l.key(int32(key))
	}
	for t := range d.txns {
		if pulse(t) && ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after %d of %d transactions", t, len(d.txns))
		}
		if d.txns[t].committed {
			l.internal(int32(t))
		}
	}
	if len(d.ambiguous) > 0 {
		n.gaps = append(n.gaps, d.ambiguity())
	}
	return n, nil
}

// places returns the reads and the writes of committed transactions by key.
func (d *db) places() (reads, writes [][]place) {
	readCount, writeCount := make([]int, len(d.keyNames)), make([]int, len(d.keyNames))
	for i := range d.mops {
		if d.mops[i].kind == read {
			readCount[d.mops[i].key]++
		} else {
			writeCount[d.mops[i].key]++
		}
	}
	reads, writes = make([][]place, len(d.keyNames)), make([][]place, len(d.keyNames))
	for k := range reads {
		reads[k], writes[k] = make([]place, 0, readCount[k]), make([]place, 0, writeCount[k])
	}
	for t := range d.txns {
		if !d.txns[t].committed {
			continue
		}
		for i := d.txns[t].lo; i < d.txns[t].hi; i++ {
			m := &d.mops[i]
			if m.kind == write {
				writes[m.key] = append(writes[m.key], place{int32(t), i})
			} else if m.known {
				reads[m.key] = append(reads[m.key], place{int32(t), i})
			}
		}
	}
	return reads, writes
}

func (l *lister) key(key int32) {
	k := &l.lists[key]
	k.witness = -1
	for _, r := range l.reads[key] {
		if seen := l.db.read(&l.db.mops[r.mop]); len(seen) > len(k.order) || k.witness < 0 {
			k.order, k.witness = seen, r.txn
		}
	}
	k.trusted = len(k.order)
	l.walk(key, k)
	for _, r := range l.reads[key] {
		l.agree(key, k, r)
	}
	l.unseen(key, k)
	l.versions(key, k)
	ends := l.readers(key, k)
	if k.trusted == len(k.order) {
		l.joinUnseen(key, k, ends)
	}
	l.lostUpdates(key, k)
	l.lostAppends(key, k)
}

// walk finds who appended each element of the longest read.
func (l *lister) walk(key int32, k *list) {
	k.writers, k.last = make([]int32, len(k.order)), make([]bool, len(k.order))
	dirty := int32(-1)
	for i, v := range k.order {
		s, known := l.db.sources.get(key, v)
		k.writers[i] = -1
		switch {
		case !known:
			l.garbage(key, v, k.witness)
		case s.failed:
			l.aborted(key, v, s.txn, k.witness)
			dirty = s.txn
		case s.txn >= 0:
			k.writers[i], k.last[i] = s.txn, s.last
			if l.seen[s.mop] {
				k.trusted = min(k.trusted, i)
			}
			l.seen[s.mop] = true
			l.inTurn(key, k, place{s.txn, s.mop})
			if dirty >= 0 && l.db.txns[s.txn].done != never {
				l.dirtyUpdate(key, v, dirty, s.txn)
				dirty = -1
			}
		}
	}
	l.duplicates(key, k.order, k.witness)
}

// inTurn checks that what the transaction appended before is there before:
// appends of one transaction neither change places nor get lost.
func (l *lister) inTurn(key int32, k *list, now place) {
	for i := l.db.txns[now.txn].lo; i < now.mop; i++ {
		m := &l.db.mops[i]
		if m.kind == write && m.key == key && !l.seen[i] && l.db.writer(key, m.val) == now.txn && l.found.wants("incompatible-order") {
			l.found.add("incompatible-order", l.single([]int32{now.txn, k.witness}, "Key %s was read as %s, with %s in it but not, before that, the %s that the same transaction had appended earlier.",
				l.db.key(key), l.db.list(k.order), l.db.show(l.db.mops[now.mop].val), l.db.show(m.val)))
		}
	}
}

// agree checks a read against the longest one.
func (l *lister) agree(key int32, k *list, r place) {
	seen := l.db.read(&l.db.mops[r.mop])
	same := shared(seen, k.order)
	if same == len(seen) {
		return
	}
	k.trusted = min(k.trusted, same)
	if l.found.wants("incompatible-order") {
		l.found.add("incompatible-order", l.incompatible(key, k, r, same))
	}
	l.duplicates(key, seen, r.txn)
	for _, v := range seen[same:] {
		s, known := l.db.sources.get(key, v)
		switch {
		case !known:
			l.garbage(key, v, r.txn)
		case s.failed:
			l.aborted(key, v, s.txn, r.txn)
		case s.txn >= 0:
			l.seen[s.mop] = true
		}
	}
}

func (l *lister) unseen(key int32, k *list) {
	for _, a := range l.appends[key] {
		m := &l.db.mops[a.mop]
		if l.seen[a.mop] || l.db.writer(key, m.val) != a.txn {
			continue
		}
		if len(k.unseen) == 0 || k.unseen[len(k.unseen)-1] != a.txn {
			k.unseen = append(k.unseen, a.txn)
		}
	}
	if len(k.unseen) > 1 {
		l.loose = append(l.loose, looseKey{key, k.unseen})
	}
}

// versions adds the write-write edges of the key.
func (l *lister) versions(key int32, k *list) {
	before := int32(-1)
	for _, w := range k.writers[:k.trusted] {
		if w < 0 {
			continue
		}
		l.graph.add(before, w, key, ww, because)
		before = w
	}
}

// readers adds the write-read and read-write edges of the key, and returns the
// transactions that read its last known state.
func (l *lister) readers(key int32, k *list) (ends []int32) {
	for _, r := range l.reads[key] {
		seen := l.db.read(&l.db.mops[r.mop])
		if shared(seen, k.order) < len(seen) || len(seen) > k.trusted {
			if len(seen) > 0 {
				l.graph.add(l.db.writer(key, seen[len(seen)-1]), r.txn, key, wr, because)
			}
			continue
		}
		from := len(seen)
		for from > 0 && k.writers[from-1] == r.txn {
			from--
		}
		if from > 0 {
			l.graph.add(k.writers[from-1], r.txn, key, wr, because)
			if from == len(seen) && k.writers[from-1] >= 0 && !k.last[from-1] {
				l.intermediate(key, k, r)
			}
		}
		next := len(seen)
		for next < k.trusted && k.writers[next] < 0 {
			next++
		}
		if next < k.trusted {
			l.graph.add(r.txn, k.writers[next], key, rw, because)
		} else if len(ends) == 0 || ends[len(ends)-1] != r.txn {
			ends = append(ends, r.txn)
		}
	}
	return ends
}

// fewUnseen is up to how many unseen appends every reader gets an edge to each.
const fewUnseen = 8

// joinUnseen puts the appends that nobody saw after all that was seen: a list
// only grows, so they were not there yet when the longest state was read.
func (l *lister) joinUnseen(key int32, k *list, ends []int32) {
	newest := int32(-1)
	for _, w := range k.writers {
		if w >= 0 {
			newest = w
		}
	}
	if len(k.unseen) <= fewUnseen {
		for _, u := range k.unseen {
			l.graph.add(newest, u, key, ww, because)
			for _, e := range ends {
				l.graph.add(e, u, key, rw, because)
			}
		}
		return
	}
	f := newFan(l.graph, key, k.unseen)
	f.join(newest, ww)
	for _, e := range ends {
		f.join(e, rw)
	}
}

// A fan leads to many nodes with few edges: to all of them but the one it
// comes from, over two chains, one in each direction.
type fan struct {
	g       *graph
	key     int32
	at      map[int32]int
	up, low []int32
}

func newFan(g *graph, key int32, to []int32) *fan {
	f := &fan{g: g, key: key, at: make(map[int32]int, len(to))}
	for i, t := range to {
		f.at[t] = i
		f.up, f.low = append(f.up, g.node()), append(f.low, g.node())
		g.add(f.up[i], t, key, link, because)
		g.add(f.low[i], t, key, link, because)
		if i > 0 {
			g.add(f.up[i-1], f.up[i], key, link, because)
			g.add(f.low[i], f.low[i-1], key, link, because)
		}
	}
	return f
}

// join adds edges from the node to all that the fan leads to, without itself.
func (f *fan) join(from int32, kind uint8) {
	i, among := f.at[from]
	switch {
	case !among:
		f.g.add(from, f.up[0], f.key, kind, because)
	default:
		if i+1 < len(f.up) {
			f.g.add(from, f.up[i+1], f.key, kind, because)
		}
		if i > 0 {
			f.g.add(from, f.low[i-1], f.key, kind, because)
		}
	}
}

// replaces reports whether the read is the transaction's first of the key, and
// the transaction writes the key afterwards.
func (d *db) replaces(r place) bool {
	t := &d.txns[r.txn]
	key := d.mops[r.mop].key
	for i := t.lo; i < r.mop; i++ {
		if d.mops[i].key == key {
			return false
		}
	}
	for i := r.mop + 1; i < t.hi; i++ {
		if d.mops[i].key == key && d.mops[i].kind == write {
			return true
		}
	}
	return false
}

// lostUpdates finds transactions that read the same state and all replaced it.
func (l *lister) lostUpdates(key int32, k *list) {
	var first []int32
	for _, r := range l.reads[key] {
		seen := l.db.read(&l.db.mops[r.mop])
		if len(l.appends[key]) == 0 || len(seen) > len(k.order) || !slices.Equal(seen, k.order[:len(seen)]) || !l.db.replaces(r) {
			continue
		}
		if first == nil {
			first = slices.Repeat([]int32{-1}, len(k.order)+1)
		}
		if other := first[len(seen)]; other < 0 {
			first[len(seen)] = r.txn
		} else if other != r.txn && l.found.wants("lost-update") {
			l.found.add("lost-update", l.lostUpdate(key, other, r.txn))
		}
	}
}

// lostAppends finds acknowledged appends that reads which began later lack.
func (l *lister) lostAppends(key int32, k *list) {
	if len(k.unseen) == 0 || len(l.reads[key]) == 0 {
		return
	}
	latest := slices.MaxFunc(l.reads[key], func(a, b place) int {
		return int(l.db.txns[a.txn].invoked - l.db.txns[b.txn].invoked)
	})
	for _, u := range k.unseen {
		if l.db.txns[u].done < l.db.txns[latest.txn].invoked && l.found.wants("lost-append") {
			l.found.add("lost-append", l.lostAppend(key, u, latest))
		}
	}
}
