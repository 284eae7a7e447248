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

// searchRegister is the search for a register.
func searchRegister(ctx context.Context, ops []Op) Result {
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
	for i := range ops {
		if k := ops[i].Kind; k != Acquire && k != Release {
			return strange("mutex-search", i)
		}
	}
	r := searchRegister(ctx, swaps(ops, Mutex))
	r.Engine = "mutex-search"
	return r
}
