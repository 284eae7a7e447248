package linear

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// mostRelaxed is the length of a history up to which we look for a small
	// witness; beyond it a first guess has to do.
	mostRelaxed = 2000
	// shrinkTime bounds the looking.
	shrinkTime = time.Second
)

// Minimize gives a violation that the search found on a register, a [Mutex] or
// a [Lock], a witness of as few operations as possible: operations that cannot
// be put in order whatever the others did, which may have happened at any time
// after their calls, or not. (What makes a write unknown, or takes away an
// observation, leaves a linearizable history linearizable.) Other results it
// returns as they are: engines that are not searches name few operations at
// once, and of other objects nothing can be taken away so simply. So it does if
// the history is longer than 2000 operations up to the violation; and it takes
// no longer than a second.
func Minimize(ctx context.Context, object Object, ops []Op, r Result) Result {
	swapped := ops
	switch {
	case r.Verdict != Violated || !strings.HasSuffix(r.Engine, "-search") || len(r.Witness) == 0:
		return r
	case object == Mutex || object == Lock:
		swapped = swaps(ops, object)
	case object != Register:
		return r
	}
	// The witness is the first operation that cannot have returned, and those
	// open then: it returned first.
	until := Open
	for _, w := range r.Witness {
		until = min(until, ops[w].Return)
	}
	var near []Op
	var at, certain []int
	for i, o := range swapped {
		if o.Call > until {
			continue
		}
		if !o.Unknown && o.Return <= until {
			certain = append(certain, len(near))
		}
		near, at = append(near, o), append(at, i)
	}
	if len(near) > mostRelaxed {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	wrong := func(kept []int) bool { return searchRegister(ctx, relaxed(near, kept)).Verdict == Violated }
	if !wrong(certain) {
		return r
	}
	r.Witness = nil
	for _, i := range strike(certain, wrong) {
		r.Witness = append(r.Witness, at[i])
	}
	return r
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
