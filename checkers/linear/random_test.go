package linear

import (
	"math/rand/v2"
	"slices"
)

// A script makes random small histories of one object: right ones, nearly
// right ones and nonsense.
type script struct {
	rng    *rand.Rand
	object Object
	// repeat lets values come more than once.
	repeat bool
	// wide lets operations be that the special engines do not treat.
	wide bool
}

// history plays the object: operations take effect in order, each at a moment
// of its own inside its interval; some outcomes are then forgotten, and some
// results falsified. Times are small numbers, so that ties are common.
func (s script) history() []Op {
	n := 1 + s.rng.IntN(8)
	spread := 1 + s.rng.IntN(8)
	var ops []Op
	var state []int
	for i := range n {
		o := s.invent(i, state)
		moment := 2 * i
		o.Call = moment - s.rng.IntN(spread+1)
		o.Return = moment + s.rng.IntN(spread+1)
		happens := true
		if s.rng.IntN(5) == 0 && s.mayForget(o.Kind) {
			o.Unknown = true
			happens = s.rng.IntN(2) == 0
		}
		if happens {
			if ok, next := oracleStep(s.object, state, &o); ok {
				state = next
			}
		}
		ops = append(ops, o)
	}
	for range s.rng.IntN(8) {
		s.falsify(ops)
	}
	s.rng.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
	return ops
}

func (s script) mayForget(k Kind) bool {
	return k != Refuse && (k != Take || s.wide)
}

// value is one that was not used before, or a small one.
func (s script) value(i int) int {
	if s.repeat {
		return s.rng.IntN(3)
	}
	return i + 1
}

func (s script) invent(i int, state []int) Op {
	any := s.rng.IntN(i + 2)
	if s.repeat {
		any = s.rng.IntN(3)
	}
	now := 0
	if len(state) > 0 {
		now = state[0]
	}
	switch s.object {
	case Register:
		return s.inventRegister(i, now, any)
	case Counter:
		return s.inventCounter(now)
	case Set:
		return s.inventSet(i, state)
	case GrowSet, Log:
		return s.inventWhole(i, state)
	case Mutex, Lock:
		return s.inventLock(state)
	}
	return s.inventContainer(i, state)
}

func (s script) inventRegister(i, now, any int) Op {
	switch n := s.rng.IntN(10); {
	case n < 4:
		return Op{Kind: Read, Value: now}
	case n < 7:
		return Op{Kind: Write, Value: s.value(i)}
	case n < 9 || !s.wide:
		return Op{Kind: CAS, Value: now, New: s.value(i)}
	case any == now:
		return Op{Kind: Read, Value: now}
	default:
		return Op{Kind: Refuse, Value: any}
	}
}

func (s script) inventCounter(now int) Op {
	step := 2
	if s.wide {
		step = 1 + s.rng.IntN(3)
	}
	switch n := s.rng.IntN(10); {
	case n < 5:
		return Op{Kind: Read, Value: now}
	case n < 8 && !(s.wide && s.repeat):
		return Op{Kind: Add, Value: step}
	}
	return Op{Kind: FetchAdd, Value: step, New: now + step}
}

func (s script) inventSet(i int, state []int) Op {
	element := s.rng.IntN(2)
	if !s.repeat && s.rng.IntN(2) == 0 {
		element = i
	}
	has := slices.Contains(state, element)
	pick := func(kinds ...Kind) Op { return Op{Kind: kinds[s.rng.IntN(len(kinds))], Value: element} }
	switch {
	case has && s.wide:
		return pick(Has, Remove, Discard, Add)
	case has:
		return pick(Has, Has, Remove)
	case s.wide:
		return pick(Lacks, Insert, Add, Discard)
	}
	return pick(Lacks, Insert, Add)
}

func (s script) inventWhole(i int, state []int) Op {
	if s.rng.IntN(2) == 0 {
		return Op{Kind: Add, Value: s.value(i)}
	}
	return Op{Kind: Snapshot, Whole: slices.Clone(state)}
}

func (s script) inventLock(state []int) Op {
	holder := 1 + s.rng.IntN(3)
	if len(state) == 0 {
		return Op{Kind: Acquire, Value: holder}
	}
	if s.rng.IntN(6) == 0 {
		return Op{Kind: Acquire, Value: holder}
	}
	return Op{Kind: Release, Value: state[0]}
}

func (s script) inventContainer(i int, state []int) Op {
	at := len(state) - 1
	if s.object == Queue {
		at = 0
	}
	switch n := s.rng.IntN(10); {
	case n < 4:
		return Op{Kind: Put, Value: s.value(i)}
	case len(state) == 0:
		return Op{Kind: Empty}
	case n == 9 && s.wide:
		return Op{Kind: Peek, Value: state[at]}
	}
	return Op{Kind: Take, Value: state[at]}
}

// falsify changes one result, one kind or one interval.
func (s script) falsify(ops []Op) {
	o, other := &ops[s.rng.IntN(len(ops))], &ops[s.rng.IntN(len(ops))]
	switch s.rng.IntN(4) {
	case 0:
		o.Call, o.Return = other.Call, max(other.Call, o.Return)
	case 1:
		shift := s.rng.IntN(9) - 4
		o.Call, o.Return = o.Call+shift, o.Return+shift
	case 2:
		s.swap(ops)
	case 3:
		if o.Kind == Read {
			o.Value = s.rng.IntN(len(ops) + 1)
		}
		if n := len(o.Whole); n > 0 {
			o.Whole = slices.Delete(slices.Clone(o.Whole), s.rng.IntN(n), n)
		}
		if o.Kind == Take && s.rng.IntN(3) == 0 {
			o.Kind, o.Value = Empty, 0
		}
	}
}

// swap exchanges what two observers saw.
func (s script) swap(ops []Op) {
	for range 4 {
		o, other := &ops[s.rng.IntN(len(ops))], &ops[s.rng.IntN(len(ops))]
		switch {
		case o == other || o.Kind != other.Kind:
		case o.Kind == Snapshot:
			o.Whole, other.Whole = other.Whole, o.Whole
			return
		case o.Kind == Read || o.Kind == Take || o.Kind == Peek || o.Kind == FetchAdd || s.object == Set || s.repeat:
			o.Value, other.Value, o.New, other.New = other.Value, o.Value, other.New, o.New
			return
		}
	}
}
