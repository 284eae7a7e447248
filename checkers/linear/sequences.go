package linear

import (
	"context"
	"encoding/binary"
	"slices"
)

// A shape tells what the state of a [sequences] machine is.
type shape uint8

const (
	// fifo, lifo and heaped hold values in order of putting or of size.
	fifo shape = iota
	lifo
	heaped
	// listed and bagged grow, in order of adding or of size, and are read whole.
	listed
	bagged
	// number is one number.
	number
)

func wholes(ordered bool) shape {
	if ordered {
		return listed
	}
	return bagged
}

// sequences is the machine of every object whose state is a sequence of
// numbers: queues, stacks, priority queues, logs, grow-only sets and counters.
type sequences struct {
	ops    []Op
	shape  shape
	states [][]int
	ids    map[string]int32
	// classes number what operations do.
	classes map[[3]int]int32
	text    []byte
}

func searchSequences(ctx context.Context, ops []Op, s shape) Result {
	return search(ctx, "search", ops, func() machine { return newSequences(ops, s) })
}

func newSequences(ops []Op, s shape) *sequences {
	m := &sequences{ops: ops, shape: s, ids: map[string]int32{}, classes: map[[3]int]int32{}}
	var first []int
	if s == number {
		first = []int{0}
	}
	m.state(first)
	return m
}

// state returns the number of a state, which it keeps.
func (m *sequences) state(s []int) int32 {
	m.text = m.text[:0]
	for _, v := range s {
		m.text = binary.AppendVarint(m.text, int64(v))
	}
	if id, ok := m.ids[string(m.text)]; ok {
		return id
	}
	id := int32(len(m.states))
	m.states = append(m.states, s)
	m.ids[string(m.text)] = id
	return id
}

func (m *sequences) start() []int32 { return []int32{0} }

func (m *sequences) step(op int, state int32, next []int32) []int32 {
	o, s := &m.ops[op], m.states[state]
	stays := false
	switch o.Kind {
	case Read:
		stays = s[0] == o.Value
	case Add, FetchAdd, Put:
		if o.Kind == FetchAdd && !o.Unknown && s[0]+o.Value != o.New {
			return next
		}
		return append(next, m.state(m.with(s, o.Value)))
	case Take:
		return m.take(o, s, state, next)
	case Empty:
		stays = len(s) == 0
	case Peek:
		stays = len(s) > 0 && s[m.front(s)] == o.Value
	case Snapshot:
		whole := o.Whole
		if m.shape == bagged {
			whole = slices.Sorted(slices.Values(whole))
		}
		stays = slices.Equal(s, whole)
	}
	if !stays {
		return next
	}
	return append(next, state)
}

// with returns the state with a value added.
func (m *sequences) with(s []int, value int) []int {
	switch m.shape {
	case number:
		return []int{s[0] + value}
	case heaped, bagged:
		at, there := slices.BinarySearch(s, value)
		if there && m.shape == bagged {
			return s
		}
		return slices.Insert(slices.Clone(s), at, value)
	}
	return append(slices.Clip(slices.Clone(s)), value)
}

// front is where the next value to be taken is.
func (m *sequences) front(s []int) int {
	if m.shape == fifo {
		return 0
	}
	return len(s) - 1
}

func (m *sequences) take(o *Op, s []int, state int32, next []int32) []int32 {
	switch {
	case len(s) == 0 && o.Unknown:
		return append(next, state)
	case len(s) == 0 || !o.Unknown && s[m.front(s)] != o.Value:
		return next
	}
	at := m.front(s)
	return append(next, m.state(slices.Delete(slices.Clone(s), at, at+1)))
}

func (m *sequences) traits(op int) traits {
	switch m.ops[op].Kind {
	case Read, Empty, Peek, Snapshot:
		return pure
	}
	return 0
}

func (m *sequences) class(op int) int32 {
	o := &m.ops[op]
	key := [3]int{int(o.Kind), o.Value, o.New}
	switch {
	case o.Kind == Snapshot:
		return none
	case o.Unknown && o.Kind == Take:
		key = [3]int{int(Take), none, none}
	case o.Unknown:
		key = [3]int{int(Add), o.Value, none}
	}
	if o.Unknown {
		key[0] += 100 // an unknown one is like no certain one
	}
	c, ok := m.classes[key]
	if !ok {
		c = int32(len(m.classes))
		m.classes[key] = c
	}
	return c
}

func (m *sequences) retire(state int32, _ int) int32 { return state }
func (m *sequences) dies(int) int                    { return Open }
func (m *sequences) size() int                       { return len(m.states) }

// keep forgets all other states.
func (m *sequences) keep(states []int32) {
	old := m.states
	m.states, m.ids = nil, map[string]int32{}
	for i, s := range states {
		states[i] = m.state(old[s])
	}
}
