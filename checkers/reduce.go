package checkers

import "slices"

// unique reports whether no two accesses set the same value, none sets the
// initial one, and none refuses a value. It is what makes [reduce] and the
// patterns of a contradiction possible: a value then says who set it.
func unique(accesses []access) bool {
	set := make(map[int]bool, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		if a.refuses != nothing || a.sets == initial || a.sets != nothing && set[a.sets] {
			return false
		}
		set[a.sets] = true
	}
	return true
}

// reduce takes the guessing out of a register's history: of the accesses with
// an unknown result it drops those that nobody saw, and closes the interval of
// the others. The history that it returns is linearizable if and only if the
// given one is. It needs accesses that are [unique].
//
// Let an access be certain if its operation ended ok, else unknown; setter(v)
// the only access that sets v. A value is seen if a certain access needs it or
// if an unknown access needs it whose own value is seen, and only then: seen
// values are found by walking from those that certain accesses need, through
// unknown compare-and-sets, back to where they came from.
//
// Fact. In every linearization of the history, setter(v) of a seen v takes
// effect, and before all accesses that need v and take effect. For if a certain
// access needs v, the register held v, which nobody else sets. Else v is needed
// by an unknown compare-and-set whose value is seen in fewer steps; that one
// takes effect by induction, so it found v. (A seen value that nobody sets
// and that is not initial makes the history impossible; so it stays.)
//
// (a) Dropping D, the unknown accesses whose value is not seen, is exact. Put
// back at the end of a linearization of the rest, where nobody looks any more,
// they make one of the whole, since their intervals are open. Conversely
// take a linearization of the whole and strike out D. Every remaining access x
// that needs a value n takes effect: it is certain, or its value is seen (by the
// fact). n is seen by definition, so setter(n) is not in D, nor is anything
// that is left between setter(n) and x new there. So x still finds n, and the
// rest is a linearization.
//
// (b) Closing is exact. Let v be seen, setter(v) unknown, and the deadline of v
// the earliest return of the certain accesses that need v, or, if that is
// earlier, the deadline of a seen value whose unknown setter needs v. In every
// linearization setter(v) takes effect before whatever gave the deadline, which
// took effect before the deadline. So setter(v), too, took effect before the
// deadline, in every linearization: to demand it takes away none; and it adds
// none, as it only demands more. From then on the access counts as certain.
//
// A deadline may come before the invocation; the history is then impossible,
// and the access returns with ret < call.
//
// Cost: O(n log n).
func reduce(accesses []access) []access {
	setters := make(map[int]int, len(accesses))
	for i := range accesses {
		if accesses[i].sets != nothing {
			setters[accesses[i].sets] = i
		}
	}
	deadlines := seenBefore(accesses, setters)
	reduced := make([]access, 0, len(accesses))
	for _, a := range accesses {
		if a.ret == open {
			d, seen := deadlines[a.sets]
			if !seen {
				continue
			}
			a.ret, a.witness = d.at, d.witness
		}
		reduced = append(reduced, a)
	}
	return reduced
}

// A deadline is when a value must have been set, and the id of the certain
// access that proves it.
type deadline struct{ at, witness int }

// seenBefore returns the deadlines of all seen values. Taking the certain
// accesses by their return, the first to reach a value is the one that gives
// its deadline, so no value is reached twice.
func seenBefore(accesses []access, setters map[int]int) map[int]deadline {
	var certain []*access
	for i := range accesses {
		if accesses[i].ret != open && accesses[i].needs != nothing {
			certain = append(certain, &accesses[i])
		}
	}
	slices.SortFunc(certain, func(a, b *access) int { return a.ret - b.ret })
	deadlines := make(map[int]deadline, len(certain))
	for _, c := range certain {
		for v := c.needs; v != nothing; {
			if _, reached := deadlines[v]; reached {
				break
			}
			deadlines[v] = deadline{at: c.ret, witness: c.id()}
			s, ok := setters[v]
			if !ok || accesses[s].ret != open {
				break
			}
			v = accesses[s].needs
		}
	}
	return deadlines
}
