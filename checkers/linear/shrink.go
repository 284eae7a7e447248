package linear

import (
	"context"
	"slices"
	"time"
)

const (
	// mostRelaxed is the length of a history up to which we look for a small
	// witness; beyond it a first guess has to do.
	mostRelaxed = 2000
	// shrinkTime bounds the looking.
	shrinkTime = time.Second
)

// relax finds a smallest set of operations of a register that cannot be put in
// order whatever the others did: the others may have happened at any time after
// their calls, or not. (What makes a write unknown, or takes away an
// observation, leaves a linearizable history linearizable.) If the history is
// too long or the time is up, it returns guess.
func relax(ctx context.Context, ops []Op, guess []int) []int {
	if len(ops) > mostRelaxed {
		return guess
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	certain := make([]int, 0, len(ops))
	for i := range ops {
		if !ops[i].Unknown {
			certain = append(certain, i)
		}
	}
	core := strike(certain, func(kept []int) bool {
		return searchValues(ctx, relaxed(ops, kept)).Verdict == Violated
	})
	if len(core) == 0 {
		return guess
	}
	return core
}

// relaxed returns the operations with only those in kept certain.
func relaxed(ops []Op, kept []int) []Op {
	var some []Op
	for i, o := range ops {
		if _, certain := slices.BinarySearch(kept, i); !certain {
			if o.Kind == Read || o.Kind == Refuse {
				continue
			}
			o.Unknown = true
		}
		some = append(some, o)
	}
	return some
}

// strike takes away what it can, in pieces that get smaller, as long as the
// rest is wrong (after Zeller's delta debugging). A wrong that answers false
// once time is up, ends it.
func strike[T any](all []T, wrong func([]T) bool) []T {
	for size := (len(all) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(all); {
			rest := slices.Concat(all[:at], all[min(at+size, len(all)):])
			if len(rest) > 0 && wrong(rest) {
				all = rest
			} else {
				at += size
			}
		}
	}
	return all
}
