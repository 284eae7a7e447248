package linear

import (
	"math/rand/v2"
)

// A load says what a large history of a register looks like.
type load struct {
	operations, clients int
	// values is how many different values are written; 0: each once.
	values int
	// cas, unknown and refused are shares of 1000: compare-and-sets, unknown
	// outcomes of updates, and compare-and-sets that do not say what they saw.
	cas, unknown int
	refuse       bool
	seed         uint64
}

// register plays clients that are always busy against a register that is right.
// Every event has an index of its own. Unknown operations happen at some time
// or never; their clients go on at once.
func (l load) register() []Op {
	rng := rand.New(rand.NewPCG(l.seed, 99))
	ops := make([]Op, 0, l.operations)
	open := make([]int, l.clients) // position of the open operation, -1: none
	happened := make([]bool, l.clients)
	for i := range open {
		open[i] = -1
	}
	var late []int
	state, written, event := 0, 0, 0
	value := func() int {
		written++
		if l.values > 0 {
			return 1 + rng.IntN(l.values)
		}
		return written
	}
	happen := func(o *Op) {
		switch o.Kind {
		case Read:
			o.Value = state
		case Write:
			state = o.Value
		case CAS:
			if o.Value == state {
				state = o.New
			} else if !o.Unknown {
				o.Kind = Read
				if o.Value, o.New = state, 0; l.refuse {
					o.Kind, o.Value = Refuse, 1+(state+1)%max(1, written)
					if o.Value == state {
						o.Kind = Read
					}
				}
			}
		}
	}
	for len(ops) < l.operations {
		c := rng.IntN(l.clients)
		switch {
		case open[c] < 0:
			o := Op{Call: event, Kind: Read}
			switch n := rng.IntN(1000); {
			case n < l.cas:
				o.Kind, o.Value, o.New = CAS, state, value()
			case n < l.cas+(1000-l.cas)/2:
				o.Kind, o.Value = Write, value()
			}
			event++
			ops = append(ops, o)
			if o.Kind != Read && rng.IntN(1000) < l.unknown {
				ops[len(ops)-1].Unknown = true
				if rng.IntN(2) == 0 {
					late = append(late, len(ops)-1)
				}
				continue
			}
			open[c], happened[c] = len(ops)-1, false
		case !happened[c]:
			happen(&ops[open[c]])
			happened[c] = true
		default:
			ops[open[c]].Return = event
			event++
			open[c] = -1
		}
		if len(late) > 0 && rng.IntN(2*l.clients) == 0 {
			i := rng.IntN(len(late))
			happen(&ops[late[i]])
			late[i] = late[len(late)-1]
			late = late[:len(late)-1]
		}
	}
	for c, i := range open {
		if i < 0 {
			continue
		}
		if !happened[c] {
			happen(&ops[i])
		}
		ops[i].Return = event
		event++
	}
	return ops
}
