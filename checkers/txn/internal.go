package txn

import "slices"

// A state is what a transaction must find in a key, by what it did before.
type state struct {
	// base says that elements are the whole list, not only its end.
	base     bool
	elements []value
}

// manyMops is from how many micro-operations on a transaction's keys are
// looked up in a map.
const manyMops = 24

// internal checks the transaction against itself: every read shows its own
// appends, nothing that it appends only later, and what it read before.
func (l *lister) internal(t int32) {
	mops := l.db.of(t)
	if len(mops) < 2 {
		return
	}
	if len(mops) < manyMops && !repeats(mops) {
		return
	}
	states := make(map[int32]state)
	for i := range mops {
		m := &mops[i]
		s, met := states[m.key]
		switch {
		case m.kind == write:
			s.elements = append(slices.Clip(s.elements), m.val)
			states[m.key] = s
		case m.known:
			seen := l.db.read(m)
			l.future(t, i, seen)
			if met && !s.allows(seen) && l.found.wants("internal") {
				l.found.add("internal", l.notItself(t, i, s))
			}
			states[m.key] = state{base: true, elements: seen}
		}
	}
}

// repeats reports whether two micro-operations are about one key.
func repeats(mops []mop) bool {
	for i := range mops {
		for j := range i {
			if mops[i].key == mops[j].key {
				return true
			}
		}
	}
	return false
}

func (s state) allows(seen []value) bool {
	if s.base {
		return slices.Equal(seen, s.elements)
	}
	n := len(seen) - len(s.elements)
	return n >= 0 && slices.Equal(seen[n:], s.elements)
}

// future finds what the transaction read before it appended it.
func (l *lister) future(t int32, i int, seen []value) {
	mops := l.db.of(t)
	for j := i + 1; j < len(mops); j++ {
		if mops[j].kind == write && mops[j].key == mops[i].key && slices.Contains(seen, mops[j].val) &&
			l.db.writer(mops[j].key, mops[j].val) == t && l.found.wants("future-read") {
			l.found.add("future-read", l.fromFuture(t, i, j))
		}
	}
}
