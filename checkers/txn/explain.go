package txn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

// A story tells a cycle edge by edge, with short names for its transactions.
type story struct {
	n     *inference
	names map[int32]string
	order []int32
}

func newStory(n *inference, steps []step) *story {
	s := &story{n: n, names: make(map[int32]string)}
	for _, st := range steps {
		s.meet(st.from)
	}
	return s
}

// meet gives a transaction a name, unless it has one.
func (s *story) meet(t int32) {
	if _, ok := s.names[t]; !ok {
		s.names[t] = fmt.Sprintf("T%d", len(s.names)+1)
		s.order = append(s.order, t)
	}
}

// tell returns who takes part, then what precedes what, and that this cannot be.
func (s *story) tell(steps []step) []string {
	var says []string
	for _, t := range s.order {
		says = append(says, s.names[t]+" is "+s.n.db.is(t)+".")
	}
	for i, st := range steps {
		line := s.because(st) + "."
		if i == len(steps)-1 {
			line = "But " + s.because(st) + ": a contradiction."
		}
		says = append(says, line)
	}
	return says
}

// loop returns the cycle in one line: T1 →rw T2 →wr T1.
func (s *story) loop(steps []step) string {
	var b strings.Builder
	for _, st := range steps {
		fmt.Fprintf(&b, "%s –%s→ ", s.names[st.from], kindName(st.kind))
	}
	b.WriteString(s.names[steps[0].from])
	return b.String()
}

// edge is a step as a page draws it.
func (s *story) edge(st step) checkers.Edge {
	d := s.n.db
	e := checkers.Edge{
		From: s.names[st.from], To: s.names[st.to], FromEvent: int(d.txns[st.from].invoked), ToEvent: int(d.txns[st.to].invoked),
		Kind: kindName(st.kind), Says: say.Capital(s.because(st)) + ".",
	}
	if st.kind != process && st.kind != realtime {
		e.Key = d.key(st.key)
	}
	e.Events = d.events(append([]int32{st.from, st.to}, s.n.witnesses(finding{steps: []step{st}})...))
	slices.Sort(e.Events)
	e.Events = slices.Compact(e.Events)
	return e
}

func kindName(kind uint8) string {
	switch kind {
	case ww:
		return "ww"
	case wr:
		return "wr"
	case rw:
		return "rw"
	case process:
		return "process"
	}
	return "realtime"
}

// because tells why the step's first transaction precedes the second.
func (s *story) because(st step) string {
	a, b := s.names[st.from], s.names[st.to]
	so := fmt.Sprintf(", so %s precedes %s", a, b)
	d := s.n.db
	switch {
	case st.kind == process:
		return fmt.Sprintf("process %d carried out %s before it began %s%s", d.txns[st.from].process, a, b, so)
	case st.kind == realtime:
		first, second := d.txns[st.from].op.Complete, d.txns[st.to].op.Invoke
		gap := ""
		if d := (second.Time - first.Time).Round(time.Microsecond); d > 0 {
			gap = d.String() + " "
		}
		return fmt.Sprintf("%s was complete (event %d) %sbefore %s began (event %d)%s", a, first.Index, gap, b, second.Index, so)
	case d.lists:
		return s.listStep(st, a, b) + so
	}
	return s.registerStep(st, a, b) + so
}

func (s *story) listStep(st step, a, b string) string {
	d, k := s.n.db, &s.n.lists[st.key]
	key := d.key(st.key)
	switch st.kind {
	case ww:
		mine, next := lastAppend(d, k, st.from, st.key), firstAppend(d, k, st.to, st.key)
		if st.why == supposed {
			return fmt.Sprintf("%s appended %s to key %s before %s appended %s, as was supposed", a, d.show(mine), key, b, d.show(next))
		}
		if slices.Contains(k.unseen, st.to) && !slices.Contains(k.writers, st.to) {
			return fmt.Sprintf("%s appended %s to key %s, and what %s appended, %s, came after all that anybody read there", a, d.show(mine), key, b, d.show(next))
		}
		return fmt.Sprintf("%s appended %s to key %s right after %s's %s (as in %s, read by %s)", b, d.show(next), key, a, d.show(mine), d.list(k.order), d.at(k.witness))
	case wr:
		seen := s.seen(st.to, st.key, st.from)
		return fmt.Sprintf("%s observed %s = %s, in which %s comes from %s", b, key, d.list(seen), d.show(lastFrom(d, seen, st)), a)
	default:
		seen, next, right := s.without(k, st)
		if right {
			return fmt.Sprintf("%s observed %s = %s, and %s appended %s right after it", a, key, d.list(seen), b, d.show(next))
		}
		return fmt.Sprintf("%s observed %s = %s, without the %s that %s appended", a, key, d.list(seen), d.show(next), b)
	}
}

// lastAppend returns the last element of the order that the transaction
// appended; if there is none, the last that it appended at all.
func lastAppend(d *db, k *list, t, key int32) value {
	for i := len(k.writers) - 1; i >= 0; i-- {
		if k.writers[i] == t {
			return k.order[i]
		}
	}
	return ownAppend(d, t, key, true)
}

func firstAppend(d *db, k *list, t, key int32) value {
	if i := slices.Index(k.writers, t); i >= 0 {
		return k.order[i]
	}
	return ownAppend(d, t, key, false)
}

func ownAppend(d *db, t, key int32, last bool) value {
	v := nilValue
	for _, m := range d.of(t) {
		if m.kind == write && m.key == key {
			if v = m.val; !last {
				break
			}
		}
	}
	return v
}

// seen returns the transaction's read of the key that shows the writer's work.
func (s *story) seen(reader, key, writer int32) []value {
	for _, m := range s.n.db.of(reader) {
		if m.kind != read || m.key != key || !m.known {
			continue
		}
		for _, v := range s.n.db.read(&m) {
			if s.n.db.writer(key, v) == writer {
				return s.n.db.read(&m)
			}
		}
	}
	return nil
}

// without returns the read of the step's first transaction that lacks what the
// second appended, and what that is; right says that it comes right after.
func (s *story) without(k *list, st step) (seen []value, next value, right bool) {
	d := s.n.db
	for _, m := range d.of(st.from) {
		if m.kind != read || m.key != st.key || !m.known {
			continue
		}
		seen = d.read(&m)
		at := len(seen)
		for at < k.trusted && k.writers[at] < 0 {
			at++
		}
		if at < k.trusted && k.writers[at] == st.to {
			return seen, k.order[at], at == len(seen)
		}
	}
	return seen, ownAppend(d, st.to, st.key, true), false
}

func lastFrom(d *db, seen []value, st step) value {
	for i := len(seen) - 1; i >= 0; i-- {
		if d.writer(st.key, seen[i]) == st.from {
			return seen[i]
		}
	}
	return nilValue
}
