package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// What an event that somebody else recorded may lack, for [Mend].
const (
	// NoIndex is the Index, and NoTime the Time, of an event that has none.
	NoIndex = -1
	NoTime  = time.Duration(-1)
	// NoProcess is the Process of an event that does not say who it was.
	NoProcess = -2
)

// Mend makes a History that [History.Validate] accepts of events as others
// record them, in the order of their file. It changes ops. What it does about
// what they lack is what Jepsen means, and never makes a true history false:
//
//   - If all events have an index, their order is that of the indexes, else
//     that of the file. Indexes are given anew, without gaps.
//   - If no event has a time, event i is at i ns. An event without a time
//     among others with one, or with one before that of the event before, is
//     as late as that one: the order of the events is the truth, the clock was
//     read a moment too early. Equal times stay, and the index decides.
//   - A process that goes on after an operation ended as Info goes on under a
//     number that nobody else has. One that invokes while it has an operation
//     open never heard of that one: an Info completes it, and then the same.
//     Operations that are open at the end stay so, which means Info.
//   - A completion without an invocation gets one as early as it can have been:
//     after the process's last completion, or at the beginning.
//   - Events without a process are one more process. Completions that lack F or
//     Key have those of the invocation.
//   - Events of the nemesis are Info. Those whose value is not that of a
//     [FaultEvent] are understood by their order; see [mender.nemesis].
//
// A completion of another operation or key than was invoked is an error that
// names the line, by line(i) of ops[i], or the event if line is nil. A history
// that is valid already comes back as it was.
func Mend(ops []Op, line func(i int) int) (*History, error) {
	m := mender{ops: ops, line: line, faults: newFaultMender()}
	m.sort()
	m.times()
	m.lanes = newLanes(ops)
	for i := range ops {
		if err := m.step(i); err != nil {
			return nil, err
		}
	}
	h := New(m.merge())
	if m.timeless {
		for i := range h.Ops {
			h.Ops[i].Time = time.Duration(i)
		}
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// A mender holds what Mend knows on its way through the events.
type mender struct {
	ops  []Op
	line func(i int) int
	// order is where each of ops stood before it was sorted; nil if it was not.
	order    []int
	timeless bool
	lanes    *lanes
	faults   *faultMender
	added    []addition
}

// An addition is an event that nobody recorded, to be put before ops[before].
type addition struct {
	before int
	op     Op
}

// where says which event i is, for an error.
func (m *mender) where(i int) string {
	if m.order != nil {
		i = m.order[i]
	}
	if m.line == nil {
		return fmt.Sprintf("event %d", i)
	}
	return fmt.Sprintf("line %d", m.line(i))
}

// sort orders the events by index, if all have one and they are not in order.
func (m *mender) sort() {
	sorted := true
	for i := range m.ops {
		if m.ops[i].Index < 0 {
			return
		}
		sorted = sorted && (i == 0 || m.ops[i-1].Index <= m.ops[i].Index)
	}
	if sorted {
		return
	}
	m.order = make([]int, len(m.ops))
	for i := range m.order {
		m.order[i] = i
	}
	slices.SortStableFunc(m.order, func(a, b int) int { return cmp.Compare(m.ops[a].Index, m.ops[b].Index) })
	was := slices.Clone(m.ops)
	for i, from := range m.order {
		m.ops[i] = was[from]
	}
}

// times makes no time go back.
func (m *mender) times() {
	m.timeless = true
	last := time.Duration(0)
	for i := range m.ops {
		op := &m.ops[i]
		m.timeless = m.timeless && op.Time < 0
		last = max(last, op.Time)
		op.Time = last
	}
}

// step brings event i in line with those before it.
func (m *mender) step(i int) error {
	op := &m.ops[i]
	if op.Process == Nemesis {
		op.Type = Info
		return m.faults.nemesis(op)
	}
	if op.Process < NoProcess || op.Process == math.MaxInt {
		return fmt.Errorf("%s: process %d is neither a client's nor the nemesis", m.where(i), op.Process)
	}
	l := m.lanes.of(op.Process)
	if op.Type == Invoke {
		m.invoke(i, l)
		return nil
	}
	return m.complete(i, l)
}

func (m *mender) invoke(i int, l *lane) {
	op := &m.ops[i]
	if l.open >= 0 {
		unheard := m.ops[l.open]
		unheard.Type, unheard.Time, unheard.Value, unheard.Error = Info, m.ops[i-1].Time, nil, "never completed"
		m.added = append(m.added, addition{i, unheard})
		l.retired = true
	}
	m.renew(l)
	op.Process, l.open = l.process, i
}

// renew gives a lane whose process is retired the next one.
func (m *mender) renew(l *lane) {
	if l.retired {
		l.process, l.retired = m.lanes.next, false
		m.lanes.next++
	}
}

func (m *mender) complete(i int, l *lane) error {
	op := &m.ops[i]
	if l.open < 0 {
		m.renew(l)
		m.inventInvocation(op, l)
	} else if err := m.match(i, l.open); err != nil {
		return err
	}
	op.Process, l.open, l.last = l.process, -1, i
	l.retired = op.Type == Info
	return nil
}

// match lets a completion have what only its invocation says.
func (m *mender) match(i, invocation int) error {
	op, invoke := &m.ops[i], &m.ops[invocation]
	if op.F == "" {
		op.F = invoke.F
	}
	if op.Key == "" {
		op.Key = invoke.Key
	}
	if op.F != invoke.F || op.Key != invoke.Key {
		return fmt.Errorf("%s: process %d completes %s of key %q, but had invoked %s of key %q (%s)",
			m.where(i), op.Process, op.F, op.Key, invoke.F, invoke.Key, m.where(invocation))
	}
	return nil
}

// inventInvocation adds the invocation of a completion that has none.
func (m *mender) inventInvocation(op *Op, l *lane) {
	invoke := *op
	invoke.Type, invoke.Process, invoke.Error = Invoke, l.process, ""
	if observes(op.F) {
		invoke.Value = nil
	}
	invoke.Time = m.ops[max(l.last, 0)].Time
	m.added = append(m.added, addition{l.last + 1, invoke})
}

// observes reports whether the value of an operation is its answer alone.
func observes(f string) bool {
	switch f {
	case "read", "get", "dequeue", "pop", "poll", "peek", "drain":
		return true
	}
	return false
}

// merge puts the added events in their places and numbers all.
func (m *mender) merge() []Op {
	merged := m.ops
	if len(m.added) > 0 {
		slices.SortStableFunc(m.added, func(a, b addition) int { return cmp.Compare(a.before, b.before) })
		merged = make([]Op, 0, len(m.ops)+len(m.added))
		next := 0
		for i := range m.ops {
			for ; next < len(m.added) && m.added[next].before == i; next++ {
				merged = append(merged, m.added[next].op)
			}
			merged = append(merged, m.ops[i])
		}
	}
	for i := range merged {
		merged[i].Index = i
		if string(merged[i].Value) == "null" {
			merged[i].Value = json.RawMessage(nil)
		}
	}
	return merged
}
