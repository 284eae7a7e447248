package linear

// A machine is an object as the search sees it: states are small numbers, and
// operations are positions in the history.
type machine interface {
	// start returns the states that the object may be in at first.
	start() []int32
	// step appends to next the states that operation op may lead to from
	// state; none if it cannot have happened there.
	step(op int, state int32, next []int32) []int32
	// traits tells what the search may make use of.
	traits(op int) traits
	// class is equal for operations that do the same; none if the operation
	// is like no other. It is asked once for each.
	class(op int) int32
	// retire returns the state that state may be taken for from now on, given
	// that all operations that return before time have returned; state itself
	// if it matters.
	retire(state int32, time int) int32
	// dies returns when an unknown operation can no longer be of use to any
	// other; Open if that is not known.
	dies(op int) int
	// size is how many states there are in memory, 0 if they are few and known
	// beforehand. When that is much more than
	// the search holds, it calls keep, with the states it holds; keep may
	// give them new numbers in place, from 0 on.
	size() int
	keep(states []int32)
}

// traits are facts about an operation that hold in all states.
type traits uint8

const (
	// pure operations never change the state.
	pure traits = 1 << iota
	// blind operations are possible in every state, and lead to the same one
	// from each. A machine that has blind operations promises that one that is
	// neither pure nor blind is possible in one state only.
	blind
)

// values is the machine of a register: the state is the number of a value.
//
// Values that no operation needs or refuses cannot be told from one another:
// they are one value, junk. A value that no operation needs any more, is junk
// from then on.
type values struct {
	ops []Op
	// needs, sets and refuses are numbers of values by operation, or none.
	needs, sets, refuses []int32
	// last is, by value, when the last operation that could need it returns;
	// never if none does.
	last    []int
	classes map[[3]int32]int32
	// refusing is when the last operation that refuses a value returns.
	refusing int
}

// junk is the number of all values that do not matter.
const junk = 0

// newValues returns the machine, and false if some operation is none of a
// register's.
func newValues(ops []Op) (*values, int) {
	m := &values{
		ops: ops, needs: make([]int32, len(ops)), sets: make([]int32, len(ops)), refuses: make([]int32, len(ops)),
		classes: map[[3]int32]int32{}, refusing: never, last: []int{never},
	}
	numbers := newNumbering(len(ops))
	number := func(value int, need int) int32 {
		n, fresh := numbers.of(value)
		if fresh {
			m.last = append(m.last, never)
		}
		m.last[n+1] = max(m.last[n+1], need)
		return n + 1
	}
	number(Initial, never)
	for i := range ops {
		o := &ops[i]
		m.needs[i], m.sets[i], m.refuses[i] = none, none, none
		switch o.Kind {
		case Read:
			m.needs[i] = number(o.Value, o.end())
		case Write:
			m.sets[i] = number(o.Value, never)
		case CAS:
			// What an unknown one needs, matters only as long as what it sets.
			need := o.end()
			if o.Unknown {
				need = never
			}
			m.needs[i], m.sets[i] = number(o.Value, need), number(o.New, never)
		case Refuse:
			m.refuses[i] = number(o.Value, o.end())
			m.refusing = max(m.refusing, o.end())
		default:
			return nil, i
		}
	}
	m.spread()
	return m, none
}

// spread lets the values that unknown compare-and-sets need, matter as long
// as those that they set, and if some operation refuses, as long as that.
func (m *values) spread() {
	var maybe []int
	for i := range m.ops {
		if m.ops[i].Unknown && m.needs[i] != none && m.sets[i] != none {
			maybe = append(maybe, i)
		}
	}
	for again := true; again; {
		again = false
		for _, i := range maybe {
			if t := max(m.last[m.sets[i]], m.refusing); t > m.last[m.needs[i]] {
				m.last[m.needs[i]], again = t, true
			}
		}
	}
	for i, v := range m.sets {
		if v != none && m.last[v] == never {
			m.sets[i] = junk
		}
	}
}

func (m *values) start() []int32 { return []int32{1} }

func (m *values) step(op int, state int32, next []int32) []int32 {
	switch {
	case m.refuses[op] != none:
		if state == m.refuses[op] {
			return next
		}
		return append(next, state)
	case m.needs[op] != none && m.needs[op] != state:
		return next
	case m.sets[op] != none:
		return append(next, m.sets[op])
	}
	return append(next, state)
}

func (m *values) traits(op int) traits {
	switch {
	case m.sets[op] == none:
		return pure
	case m.needs[op] == none:
		return blind
	}
	return 0
}

func (m *values) class(op int) int32 {
	key := [3]int32{m.needs[op], m.sets[op], m.refuses[op]}
	c, ok := m.classes[key]
	if !ok {
		c = int32(len(m.classes))
		m.classes[key] = c
	}
	return c
}

func (m *values) retire(state int32, time int) int32 {
	if m.last[state] < time {
		return junk
	}
	return state
}

// dies: an unknown operation helps those that need what it sets, and those that
// refuse anything else.
func (m *values) dies(op int) int { return max(m.last[m.sets[op]], m.refusing) }

func (m *values) size() int    { return 0 }
func (m *values) keep([]int32) {}
