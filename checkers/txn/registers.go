package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// none is no version.
const none int32 = -1

// A version is a value that a key had after a transaction.
type version struct {
	key int32
	val value
	// writer is the transaction that wrote it last; -1 for an initial version,
	// and for one of which nobody knows who wrote it.
	writer int32
	// readers are the committed transactions that read it before they wrote.
	readers []int32
	// next is the version that a transaction wrote which had read this one,
	// if there is exactly one such, else none; prev the other way round.
	next, prev int32
	// met and gone bound when it was there: somebody who met it had completed
	// by the event met; somebody who met it was invoked at the event gone.
	met, gone int32
}

// registers is what is known of all keys.
type registers struct {
	db       *db
	versions []version
	byKey    [][]int32
	// at finds a version; the initial one of each key is initial[key].
	at      *table[int32]
	initial []int32
	// meets are each transaction's external reads, then its final writes.
	reads, writes [][]int32
	// sequence are all reads of what others wrote, in order, with repetitions.
	sequence [][]int32
	// heads and tails are the ends of each version's chain; the version itself
	// if the chain has none, because it closes.
	heads, tails []int32
	// known is what seen returned, by whether sessions counted; bySessions and
	// byTimes what the functions called so did.
	known                          map[bool][]relation
	bySessions, byTimes, causality []relation
}

// A relation says that one version of a key is older than another.
type relation struct {
	older, newer int32
	why          reason
	// by is the transaction that read the newer one, for fromReads.
	by int32
}

// newRegisters indexes the versions, and finds the anomalies that need no cycle.
func newRegisters(ctx context.Context, d *db, o Options, found *inference) (*registers, error) {
	r := &registers{
		db: d, byKey: make([][]int32, len(d.keyNames)), at: newTable[int32](), known: make(map[bool][]relation),
		initial: make([]int32, len(d.keyNames)), reads: make([][]int32, len(d.txns)), writes: make([][]int32, len(d.txns)),
		sequence: make([][]int32, len(d.txns)),
	}
	begins := r.beginnings(o)
	for key := range r.initial {
		r.initial[key] = r.version(int32(key), begins[key], -1)
	}
	for t := range d.txns {
		if d.txns[t].committed {
			r.addWrites(int32(t))
		}
	}
	for t := range d.txns {
		if pulse(t) && ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after %d of %d transactions", t, len(d.txns))
		}
		if d.txns[t].committed {
			r.addReads(int32(t), found)
		}
	}
	r.chain()
	return r, nil
}

func (r *registers) version(key int32, val value, writer int32) int32 {
	id := int32(len(r.versions))
	r.versions = append(r.versions, version{key: key, val: val, writer: writer, next: none, prev: none, met: never, gone: -1})
	r.byKey[key] = append(r.byKey[key], id)
	r.at.set(key, val, id)
	return id
}

// beginnings returns the value with which each key begins: nil, or the one
// that was read although nobody wrote it, if that may be.
func (r *registers) beginnings(o Options) []value {
	begins := slices.Repeat([]value{nilValue}, len(r.initial))
	if !o.AnyInitial {
		return begins
	}
	taken := make([]bool, len(begins))
	for t := range r.db.txns {
		for i := range r.db.of(int32(t)) {
			m := &r.db.of(int32(t))[i]
			if _, written := r.db.sources.get(m.key, m.val); r.db.txns[t].committed && m.kind == read && m.known && !written && !taken[m.key] {
				begins[m.key], taken[m.key] = m.val, true
			}
		}
	}
	return begins
}

func (r *registers) addWrites(t int32) {
	mops := r.db.of(t)
	for i := range mops {
		m := &mops[i]
		if m.kind != write || !lastWrite(mops, i) || r.db.writer(m.key, m.val) != t {
			continue
		}
		id := r.version(m.key, m.val, t)
		r.writes[t] = append(r.writes[t], id)
		r.meet(id, t)
	}
}

// meet notes that the transaction met the version.
func (r *registers) meet(id, t int32) {
	v := &r.versions[id]
	v.met = min(v.met, r.db.txns[t].done)
	v.gone = max(v.gone, r.db.txns[t].invoked)
}

// addReads checks the transaction's reads, and notes what it read of others.
func (r *registers) addReads(t int32, found *inference) {
	mops := r.db.of(t)
	for i := range mops {
		m := &mops[i]
		if m.kind != read || !m.known {
			continue
		}
		own, before := r.earlier(mops, i)
		switch {
		case own != nil:
			if own.val != m.val {
				found.ownWrite(t, i, own)
			}
			continue
		case before != nil && before.val != m.val:
			found.unrepeatable(t, i, before)
		case before != nil:
			if id, ok := r.at.get(m.key, m.val); ok {
				r.sequence[t] = append(r.sequence[t], id)
			}
			continue
		}
		if id := r.source(t, i, found); id != none {
			r.sequence[t] = append(r.sequence[t], id)
			r.reads[t] = append(r.reads[t], id)
			r.versions[id].readers = append(r.versions[id].readers, t)
			r.meet(id, t)
		}
	}
}

// earlier returns the transaction's last write of the key before i, and its
// last read of it.
func (r *registers) earlier(mops []mop, i int) (own, before *mop) {
	for j := range i {
		if mops[j].key != mops[i].key {
			continue
		}
		if mops[j].kind == write {
			own = &mops[j]
		} else if mops[j].known {
			before = &mops[j]
		}
	}
	return own, before
}

// source returns the version that was read; none if it is not known, or if it
// is one that should never have been seen.
func (r *registers) source(t int32, i int, found *inference) int32 {
	m := &r.db.of(t)[i]
	if id, ok := r.at.get(m.key, m.val); ok && r.versions[id].writer != t {
		return id
	}
	s, written := r.db.sources.get(m.key, m.val)
	switch {
	case !written && m.val != nilValue:
		found.garbage(m.key, m.val, t)
		return r.version(m.key, m.val, -1)
	case !written:
		return r.initial[m.key]
	case s.failed:
		found.aborted(m.key, m.val, s.txn, t)
	case s.txn == t:
		found.futureWrite(t, i)
	case s.txn >= 0 && !s.last:
		found.middle(s.txn, t, m)
		return r.finally(s.txn, m.key)
	}
	return none
}

// finally returns the version that the transaction left of the key.
func (r *registers) finally(t, key int32) int32 {
	for _, id := range r.writes[t] {
		if r.versions[id].key == key {
			return id
		}
	}
	return none
}

// chain links versions that were read and replaced by one transaction.
func (r *registers) chain() {
	twice := make(map[int32]bool)
	for t := range r.reads {
		for _, old := range r.reads[t] {
			id := r.finally(int32(t), r.versions[old].key)
			if id == none {
				continue
			}
			if r.versions[old].next != none && r.versions[old].next != id {
				twice[old] = true
			}
			r.versions[old].next = id
		}
	}
	for old := range twice {
		r.versions[old].next = none
	}
	for id := range r.versions {
		if next := r.versions[id].next; next != none {
			r.versions[next].prev = int32(id)
		}
	}
	for id := range r.versions {
		// Somebody who read twice what differed replaced both: neither counts.
		if next := r.versions[id].next; next != none && r.versions[next].prev != int32(id) {
			r.versions[id].next = none
		}
	}
	r.ends()
}

// ends finds the ends of all chains.
func (r *registers) ends() {
	r.heads, r.tails = make([]int32, len(r.versions)), make([]int32, len(r.versions))
	for id := range r.versions {
		r.heads[id], r.tails[id] = int32(id), int32(id)
	}
	for id := range r.versions {
		if r.versions[id].prev != none {
			continue
		}
		last := int32(id)
		for at := last; at != none; at = r.versions[at].next {
			r.heads[at], last = int32(id), at
		}
		for at := int32(id); at != none; at = r.versions[at].next {
			r.tails[at] = last
		}
	}
}

func (r *registers) head(id int32) int32 {
	return r.heads[id]
}

func (r *registers) tail(id int32) int32 {
	return r.tails[id]
}

// registers judges transactions over registers.
func (j *judgement) registers(ctx context.Context, d *db, h *history.History, o Options) error {
	j.timeless = h.SessionOnly
	if real := sessionLevel(j.level, h.SessionOnly); real != "" && !o.NoSessions {
		j.notes = append(j.notes, fmt.Sprintf("%s of registers is judged with sessions, as Biswas and Enea define it: as %s.", say.Capital(j.level), real))
		j.level = real
	}
	base := &inference{db: d, graph: newGraph(d), found: findings{}}
	r, err := newRegisters(ctx, d, o, base)
	if err != nil {
		return err
	}
	r.lostUpdates(base)
	base.registers = r
	j.take(base)
	if len(d.ambiguous) > 0 {
		base.gaps = append(base.gaps, d.ambiguity())
		j.gaps = append(j.gaps, base.gaps...)
	}
	tiers := r.tiers(o, h)
	top := tiers[len(tiers)-1]
	if len(base.found) == 0 && len(base.gaps) == 0 {
		if proved, err := j.replayed(ctx, r, top, h); proved || err != nil {
			return err
		}
	}
	n := top.infer(ctx, r, h, true, nil)
	j.blank = !n.graph.data()
	s, err := j.survey(ctx, n)
	if err != nil {
		return err
	}
	wrong := len(s.broken) > 0 || len(n.found) > 0 || len(base.found) > 0
	var keep []bool
	if wrong {
		keep = r.entangled(n, s)
		if err := j.allTiers(ctx, r, h, tiers[:len(tiers)-1], keep); err != nil {
			return err
		}
	}
	if err := j.sessions(ctx, r, wrong, keep); err != nil {
		return err
	}
	if len(base.gaps) == 0 && !j.blank {
		return j.proveRegisters(ctx, r, n, tiers, h)
	}
	return nil
}

// sessionLevel returns the level that the name stands for if sessions count;
// empty if that is the level itself. Whoever records sessions and no time means
// them to count for snapshot isolation and serializability as well.
func sessionLevel(level string, sessionOnly bool) string {
	switch level {
	case readCommitted:
		return sessionCommitted
	case readAtomic:
		return sessionAtomic
	case "causal", "causal-cerone":
		return sessionCausal
	case snapshotIsolation:
		if sessionOnly {
			return sessionSI
		}
	case serializable:
		if sessionOnly {
			return sessionSerial
		}
	}
	return ""
}

// entangled returns the transactions that are in cycles of what the strongest
// rules give. What weaker rules give follows from that, so that there are no
// cycles of others. nil if it may not follow: if rules were left out, because
// they contradict each other.
func (r *registers) entangled(n *inference, s *survey) []bool {
	if n.found["cyclic-versions"] != nil {
		return nil
	}
	keep := make([]bool, len(r.db.txns))
	for _, node := range s.core {
		if int(node) < len(keep) {
			keep[node] = true
		}
	}
	return keep
}

// allTiers finds out which levels are ruled out by weaker rules already.
func (j *judgement) allTiers(ctx context.Context, r *registers, h *history.History, tiers []tier, keep []bool) error {
	parts := j.parts
	j.parts = parts[:1:1]
	for _, t := range tiers {
		n := t.infer(ctx, r, h, true, keep)
		if _, err := j.survey(ctx, n); err != nil {
			return err
		}
	}
	j.parts = append(j.parts, parts[1:]...)
	return nil
}

// lostUpdates finds transactions that read the same version and replaced it.
func (r *registers) lostUpdates(n *inference) {
	for id := range r.versions {
		first := none
		for _, t := range r.versions[id].readers {
			if r.finally(t, r.versions[id].key) == none {
				continue
			}
			if first != none && first != t {
				n.lostWrite(int32(id), first, t, r)
			}
			if first == none {
				first = t
			}
		}
	}
}
