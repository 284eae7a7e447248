package txn

import (
	"fmt"
	"slices"
)

func (n *inference) ownWrite(t int32, i int, own *mop) {
	m := &n.db.of(t)[i]
	for _, anomaly := range []string{"internal", "own-write-missed"} {
		if n.found.wants(anomaly) {
			n.found.add(anomaly, n.single([]int32{t}, "A transaction wrote %s = %s and then read %s.", n.db.key(m.key), n.db.show(own.val), n.db.show(m.val)))
		}
	}
}

func (n *inference) unrepeatable(t int32, i int, before *mop) {
	if m := &n.db.of(t)[i]; n.found.wants("internal") {
		n.found.add("internal", n.single([]int32{t}, "A transaction read %s = %s and later, without writing it, %s.", n.db.key(m.key), n.db.show(before.val), n.db.show(m.val)))
	}
}

func (n *inference) futureWrite(t int32, i int) {
	if m := &n.db.of(t)[i]; n.found.wants("future-read") {
		n.found.add("future-read", n.single([]int32{t}, "A transaction read %s = %s, which it wrote only afterwards.", n.db.key(m.key), n.db.show(m.val)))
	}
}

func (n *inference) middle(writer, reader int32, m *mop) {
	if n.found.wants("G1b") {
		n.found.add("G1b", n.single([]int32{writer, reader}, "%s was read as %s, which its writer replaced before it was done: an intermediate read.", n.db.key(m.key), n.db.show(m.val)))
	}
}

func (n *inference) lostWrite(id, a, b int32, r *registers) {
	v := &r.versions[id]
	if n.found.wants("lost-update") {
		n.found.add("lost-update", n.single([]int32{a, b}, "Two transactions read %s = %s and both replaced it: one of the updates does not know of the other.", n.db.key(v.key), n.db.show(v.val)))
	}
}

// tooOld tells of a read of the initial version by somebody who knew better.
func (n *inference) tooOld(r *registers, rel relation) finding {
	a, b := &r.versions[rel.older], &r.versions[rel.newer]
	return n.single([]int32{a.writer, rel.by}, "%s was read as %s, with which it began, by a transaction that had seen, or followed, the work of one that wrote %s = %s.",
		n.db.key(a.key), n.db.show(b.val), n.db.key(a.key), n.db.show(a.val))
}

// registerStep tells why a step between transactions over registers holds.
func (s *story) registerStep(st step, a, b string) string {
	r, d := s.n.registers, s.n.db
	key := d.key(st.key)
	theirs := r.finally(st.to, st.key)
	switch st.kind {
	case wr:
		mine := r.finally(st.from, st.key)
		return fmt.Sprintf("%s read %s = %s, which %s wrote", b, key, d.show(r.versions[mine].val), a)
	case ww:
		mine := r.finally(st.from, st.key)
		return fmt.Sprintf("%s wrote %s = %s and %s wrote %s, and %s is the older one (%s)", a, key, d.show(r.versions[mine].val),
			b, d.show(r.versions[theirs].val), d.show(r.versions[mine].val), r.reason(relation{older: mine, newer: theirs, why: st.why}))
	default:
		mine := r.readOf(st.from, st.key)
		return fmt.Sprintf("%s read %s = %s, which is older than the %s that %s wrote (%s)", a, key, d.show(r.versions[mine].val),
			d.show(r.versions[theirs].val), b, r.reason(relation{older: mine, newer: theirs, why: st.why}))
	}
}

// readOf returns the version of the key that the transaction read.
func (r *registers) readOf(t, key int32) int32 {
	at := slices.IndexFunc(r.reads[t], func(id int32) bool { return r.versions[id].key == key })
	if at < 0 {
		return r.initial[key]
	}
	return r.reads[t][at]
}

// reason tells what the order of two versions rests on.
func (r *registers) reason(rel relation) string {
	d := r.db
	older, newer := r.head(rel.older), rel.newer
	switch rel.why {
	case fromStart:
		if rel.older == r.initial[r.versions[rel.older].key] {
			return "the key began with it"
		}
		return fmt.Sprintf("it goes back, replaced step by step, to the %s with which the key began, and %s does not", d.show(r.versions[older].val), d.show(r.versions[newer].val))
	case fromReplacing:
		return fmt.Sprintf("whoever wrote %s had read what it replaced", d.show(r.versions[newer].val))
	case fromProcess:
		return "a process met them, or what they replaced or were replaced by, in this order"
	case fromRealtime:
		return r.timeReason(rel)
	case fromCommits:
		return "the system says that it committed them in this order"
	case fromReads:
		if r.knower(rel) < 0 {
			return "somebody who had seen the work of the writer of the older one read the newer one instead"
		}
		return fmt.Sprintf("%s came after the work of the writer of the older one, and read the newer one instead", d.at(r.knower(rel)))
	}
	if rel.why == supposed {
		return "as was supposed"
	}
	return "that is one order they can have had"
}

// knower returns a transaction that read the newer version though it knew of
// the older: it read from its writer, or follows it in its session, or at some
// remove.
func (r *registers) knower(rel relation) int32 {
	writer := r.versions[rel.older].writer
	best := r.versions[rel.newer].writer
	for _, t := range r.versions[rel.newer].readers {
		if writer >= 0 && r.db.txns[t].process == r.db.txns[writer].process && r.db.txns[t].invoked > r.db.txns[writer].done {
			best = t
		}
	}
	for _, t := range r.versions[rel.newer].readers {
		if writer >= 0 && slices.ContainsFunc(r.reads[t], func(id int32) bool { return r.versions[id].writer == writer }) {
			return t
		}
	}
	return best
}

// witnesses returns the transactions that the reasons for the steps of a cycle
// speak of, beside those in it.
func (n *inference) witnesses(f finding) []int32 {
	var more []int32
	r := n.registers
	for _, st := range slices.Concat(f.cycles()...) {
		if n.lists != nil && st.kind == ww {
			more = append(more, n.lists[st.key].witness)
		}
		if r == nil || st.kind != ww && st.kind != rw {
			continue
		}
		rel := relation{older: r.readOf(st.from, st.key), newer: r.finally(st.to, st.key), why: st.why}
		if st.kind == ww {
			rel.older = r.finally(st.from, st.key)
		}
		switch st.why {
		case fromReads:
			more = append(more, r.knower(rel))
		case fromRealtime:
			more = append(more, r.witness(rel.older, false), r.witness(rel.newer, true))
		}
	}
	return slices.DeleteFunc(more, func(t int32) bool { return t < 0 })
}

func (r *registers) timeReason(rel relation) string {
	first, second := r.witness(rel.older, false), r.witness(rel.newer, true)
	if first < 0 || second < 0 || r.db.txns[first].done >= r.db.txns[second].invoked {
		return "somebody who met it, or what replaced it, had completed before somebody who met the other, or what that replaced, began"
	}
	return fmt.Sprintf("%s met it and had completed before %s, which met the other, began", r.db.at(first), r.db.at(second))
}
