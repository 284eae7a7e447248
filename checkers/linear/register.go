package linear

import "context"

// judgeRegister tries zones, which decide where every value is written once
// and every compare-and-set says what it saw; else it searches. Without the
// refusals a history is no less linearizable, so what zones find wrong then is
// wrong.
func judgeRegister(ctx context.Context, ops []Op) Result {
	if r, ok := zones(ops); ok {
		return r
	}
	if some, at := without(ops, Refuse); len(at) < len(ops) {
		if r, ok := zones(some); ok && r.Verdict == Violated {
			return translate(r, at)
		}
	}
	return searchRegister(ctx, ops)
}

// searchRegister is the search for a register, with a small witness if a
// violation is found and there is time to look for one.
func searchRegister(ctx context.Context, ops []Op) Result {
	r := searchValues(ctx, ops)
	if r.Verdict == Violated {
		r.Witness = relax(ctx, ops, r.Witness)
	}
	return r
}

func searchValues(ctx context.Context, ops []Op) Result {
	m, bad := newValues(ops)
	if bad != none {
		return strange("register-search", bad)
	}
	return search(ctx, "register-search", ops, func() machine { return m })
}

// without returns the operations that are not of the kind, and where they were.
func without(ops []Op, kind Kind) (some []Op, at []int) {
	for i := range ops {
		if ops[i].Kind != kind {
			some, at = append(some, ops[i]), append(at, i)
		}
	}
	return some, at
}

// translate gives the witness its positions in the whole.
func translate(r Result, at []int) Result {
	for i, w := range r.Witness {
		r.Witness[i] = at[w]
	}
	return r
}

// judgeMutex judges a mutex as a register that is replaced by 1 and then by 0.
func judgeMutex(ctx context.Context, ops []Op) Result {
	swaps := make([]Op, len(ops))
	for i, o := range ops {
		switch o.Kind {
		case Acquire:
			o.Kind, o.Value, o.New = CAS, 0, 1
		case Release:
			o.Kind, o.Value, o.New = CAS, 1, 0
		default:
			return strange("mutex-search", i)
		}
		swaps[i] = o
	}
	r := searchRegister(ctx, swaps)
	r.Engine = "mutex-search"
	return r
}
