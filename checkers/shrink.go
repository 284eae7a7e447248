package checkers

import (
	"context"
	"sort"
)

// shrink returns a small part of accesses, which are not linearizable, that is
// not linearizable either and from which no single access can be struck out.
// When ctx is done it returns the smallest part found until then.
//
// First it looks for the shortest prefix that is wrong, by bisection: every
// prefix of a linearizable history is linearizable. Then it strikes out what
// it can, in pieces that get smaller (after Zeller's delta debugging). What may
// be struck out is in without.
func shrink(ctx context.Context, accesses []access) []access {
	wrong := func(some []access) bool {
		verdict, _, _ := decide(ctx, some)
		return verdict == Violation
	}
	small := shortestPrefix(accesses, wrong)
	for size := (len(small) + 1) / 2; size > 0; size /= 2 {
		small = strike(small, size, wrong)
	}
	small = recorded(accesses, small)
	for before := len(small) + 1; len(small) < before; {
		before = len(small)
		small = strike(small, 1, wrong)
	}
	return small
}

// strike goes once over the accesses and strikes out pieces of the given size
// as long as what is left is wrong.
func strike(accesses []access, size int, wrong func([]access) bool) []access {
	for at := 0; at < len(accesses); {
		rest := without(accesses, at, min(at+size, len(accesses)))
		if wrong(rest) {
			accesses = rest
		} else {
			at += size
		}
	}
	return accesses
}

// recorded returns the accesses that are in some, with their own intervals: a
// prefix may have made them unknown. With more known they are no less wrong.
func recorded(accesses, some []access) []access {
	wanted := make(map[int]bool, len(some))
	for i := range some {
		wanted[some[i].id()] = true
	}
	var core []access
	for _, a := range accesses {
		if wanted[a.id()] {
			core = append(core, a)
		}
	}
	return core
}

// shortestPrefix returns what had been observed when the history first was
// wrong: accesses that were called before the moment, with those that had not
// returned by then as unknown.
func shortestPrefix(accesses []access, wrong func([]access) bool) []access {
	var ends []int
	for _, a := range accesses {
		if a.ret != open {
			ends = append(ends, a.ret)
		}
	}
	sort.Ints(ends)
	n := sort.Search(len(ends), func(i int) bool { return wrong(prefix(accesses, ends[i])) })
	if n == len(ends) {
		// Only if time was up: the whole is wrong.
		return accesses
	}
	return prefix(accesses, ends[n])
}

// prefix returns what was known right after the event with index last.
func prefix(accesses []access, last int) []access {
	var known []access
	for _, a := range accesses {
		if a.call > last {
			continue
		}
		if a.ret != open && a.ret > last {
			if a.sets == nothing {
				continue
			}
			a.ret = open
		}
		known = append(known, a)
	}
	return known
}

// without strikes out accesses[from:to] and whatever cannot stay without them,
// such that what is left of a linearizable history is linearizable. A read may
// always go. If an access that sets v goes, all that need v must go, and so on
// with what those set; all that refuse any value must go, too. Take
// a linearization and strike these out: at each access left, the last access
// before it that set a value is still there if the access needs that value, and
// does not matter if it does not. (An unknown compare-and-set that found another
// value may find its own now; but it can be moved to the end.)
func without(accesses []access, from, to int) []access {
	gone := make([]bool, len(accesses))
	for i := from; i < to; i++ {
		gone[i] = true
	}
	for again := true; again; {
		again = false
		lost := lostValues(accesses, gone)
		for i := range accesses {
			a := &accesses[i]
			if !gone[i] && (lost[a.needs] || a.refuses != nothing && len(lost) > 0) {
				gone[i], again = true, true
			}
		}
	}
	var left []access
	for i := range accesses {
		if !gone[i] {
			left = append(left, accesses[i])
		}
	}
	return left
}

func lostValues(accesses []access, gone []bool) map[int]bool {
	lost := make(map[int]bool)
	for i := range accesses {
		if gone[i] && accesses[i].sets != nothing {
			lost[accesses[i].sets] = true
		}
	}
	return lost
}
