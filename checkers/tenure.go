package checkers

import (
	"cmp"
	"slices"
)

// A tenure is the time in which a register holds one value. Where values are
// [unique] a value comes once and goes once, so that the accesses that set it
// or need it stand side by side in every linearization: a tenure is wholly
// before another one, or wholly after it (but for a compare-and-set, which
// ends one and begins the next). This is the zone of Gibbons and Korach,
// Testing Shared Memories, 1997.
type tenure struct {
	value int
	// setter is nil for the initial value, and for a value that nobody sets.
	setter *access
	// observers need the value, in order of invocation.
	observers []*access
	// next is the value that a compare-and-set put in this one's place; nil if
	// there is none.
	next *tenure
	// begin is the earliest return of setter and observers: by then the value
	// had come. It is given by first. The initial value was always there:
	// begin is -1 and first is nil.
	begin int
	first *access
	// end is the latest call of them: until then it had not gone. It is given
	// by last. The initial value without observers has end -1 and last nil.
	end  int
	last *access
}

// tenures sorts reduced accesses by the value they set or need. The initial
// value's comes first, then those of the others by the order of first use.
func tenures(accesses []access) []*tenure {
	byValue := map[int]*tenure{}
	var all []*tenure
	of := func(value int) *tenure {
		t, ok := byValue[value]
		if !ok {
			t = &tenure{value: value, begin: open, end: -1}
			byValue[value] = t
			all = append(all, t)
		}
		return t
	}
	of(initial).begin = -1
	for i := range accesses {
		a := &accesses[i]
		if a.needs != nothing {
			t := of(a.needs)
			t.observers = append(t.observers, a)
			t.stretch(a)
		}
		if a.sets != nothing {
			t := of(a.sets)
			t.setter = a
			t.stretch(a)
			if a.needs != nothing {
				of(a.needs).next = t
			}
		}
	}
	return all
}

// stretch makes the tenure hold a. Of two that return at once, one was closed
// by what the other saw: the other is the better proof.
func (t *tenure) stretch(a *access) {
	if a.ret < t.begin || a.ret == t.begin && a.certain() {
		t.begin, t.first = a.ret, a
	}
	if a.call > t.end {
		t.end, t.last = a.call, a
	}
}

// appears reports whether the value is explained: it was there at first, or
// somebody set it.
func (t *tenure) appears() bool { return t.value == initial || t.setter != nil }

// comes is the call of the setter: the value was not there before. -1 for the
// initial value.
func (t *tenure) comes() int {
	if t.setter == nil {
		return -1
	}
	return t.setter.call
}

// clash returns two tenures of which each has an access that returned before
// one of the other was called, so that each must be before the other; nil, nil
// if there are none. It takes O(n log n).
//
// A tenure with begin < end certainly held its value from begin to end. Two
// such clash if these intervals overlap, and if any two overlap, then two that
// are neighbours by begin do. One with end <= begin clashes if all its accesses
// lie within such an interval of another. Two of the latter kind never clash.
func clash(all []*tenure) (a, b *tenure) {
	var held, brief []*tenure
	for _, t := range all {
		switch {
		case !t.appears():
		case t.begin < t.end:
			held = append(held, t)
		case t.value != initial:
			brief = append(brief, t)
		}
	}
	slices.SortFunc(held, func(a, b *tenure) int { return cmp.Compare(a.begin, b.begin) })
	for i := 1; i < len(held); i++ {
		if held[i].begin < held[i-1].end && held[i-1].begin < held[i].end {
			return held[i-1], held[i]
		}
	}
	for _, t := range brief {
		after, _ := slices.BinarySearchFunc(held, t.end, func(h *tenure, end int) int { return cmp.Compare(h.begin, end) })
		if after > 0 && t.begin < held[after-1].end {
			return held[after-1], t
		}
	}
	return nil, nil
}
