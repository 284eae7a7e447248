package linear

import (
	"context"
	"fmt"
)

// judgeSet judges a set element by element: elements are independent objects,
// so the set is linearizable if and only if each of them is (Herlihy and Wing,
// 1990). An element is a register that is 0, absent, or 1, present.
//
// An element that is added at most once and removed at most once is decided by
// [element]; any other by the search.
func judgeSet(ctx context.Context, ops []Op) Result {
	numbers := newNumbering(len(ops))
	var groups [][]int32
	for i := range ops {
		switch ops[i].Kind {
		case Add, Insert, Remove, Discard, Has, Lacks:
		default:
			return strange("elements", i)
		}
		n, fresh := numbers.of(ops[i].Value)
		if fresh {
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], int32(i))
	}
	engine := "elements"
	for _, group := range groups {
		e, ok := newElement(ops, group)
		var r Result
		if ok {
			r = e.judge()
		} else {
			engine = "elements and register-search"
			r = searchElement(ctx, ops, group)
		}
		if r.Verdict != Linearizable {
			return r
		}
	}
	return legal(engine)
}

// searchElement judges one element as a register.
func searchElement(ctx context.Context, ops []Op, group []int32) Result {
	some, at := make([]Op, len(group)), make([]int, len(group))
	for i, o := range group {
		some[i], at[i] = bit(ops[o]), int(o)
	}
	r := translate(searchRegister(ctx, some), at)
	r.Engine = "elements and register-search"
	return r
}

// bit is an operation on an element as one on a register.
func bit(o Op) Op {
	switch o.Kind {
	case Add:
		o.Kind, o.Value = Write, 1
	case Discard:
		o.Kind, o.Value = Write, 0
	case Insert:
		o.Kind, o.Value, o.New = CAS, 0, 1
	case Remove:
		o.Kind, o.Value, o.New = CAS, 1, 0
	case Has:
		o.Kind, o.Value = Read, 1
	case Lacks:
		o.Kind, o.Value = Read, 0
	}
	return o
}

// An element is what happened to one element that is added at most once and
// removed at most once: it is absent, then perhaps present, then perhaps
// absent again.
//
// If it is never seen, added only by an operation with an unknown outcome and
// not removed for sure, then the add may never have happened, and that is best:
// nobody else needs it. Otherwise the add happened. Whether the remove did is
// known, or both are tried. All that saw the element, and the add, and the
// remove stand in the order add, sightings, remove; so none may return before
// an earlier one of these was called. The element was surely there between
// the first return and the last call of them (to the end, if it is not
// removed): who did not see it must not lie strictly within. And that is
// enough: put the add as late and the remove as early as these allow.
type element struct {
	ops         []Op
	add, remove int32
	has, lacks  []int32
}

// newElement sorts the operations of a group; false if it is not as simple.
func newElement(ops []Op, group []int32) (element, bool) {
	e := element{ops: ops, add: none, remove: none}
	for _, i := range group {
		switch o := &ops[i]; {
		case o.Kind == Add || o.Kind == Insert:
			if e.add != none {
				return e, false
			}
			e.add = i
		case o.Kind == Remove || o.Kind == Discard:
			// A discard may find nothing; then it is not the one that ends it.
			if e.remove != none || o.Kind == Discard && !o.Unknown {
				return e, false
			}
			e.remove = i
		case o.Unknown:
		case o.Kind == Has:
			e.has = append(e.has, i)
		default:
			e.lacks = append(e.lacks, i)
		}
	}
	return e, true
}

func (e *element) judge() Result {
	removed := e.remove != none && !e.ops[e.remove].Unknown
	if e.add == none {
		if removed || len(e.has) > 0 {
			return *violation("elements", fmt.Sprintf("%d was there, but nobody added it", e.ops[append(e.has, e.remove)[0]].Value),
				append(e.has, e.remove)[0])
		}
		return legal("elements")
	}
	if e.ops[e.add].Unknown && !removed && len(e.has) == 0 {
		return legal("elements")
	}
	bad := e.try(removed)
	if bad != nil && e.remove != none && !removed {
		first := bad
		if bad = e.try(true); bad != nil {
			bad = violation("elements", first.Reason, merge(first.Witness, bad.Witness)...)
		}
	}
	if bad != nil {
		return *bad
	}
	return legal("elements")
}

func merge(a, b []int) []int32 {
	var all []int32
	for _, list := range [][]int{a, b} {
		for _, i := range list {
			all = append(all, int32(i))
		}
	}
	return all
}

// try judges the element with or without its remove.
func (e *element) try(remove bool) *Result {
	b := zone{first: Open, last: never, firstOp: none, lastOp: none}
	positions := [][]int32{{e.add}, e.has}
	if remove {
		positions = append(positions, []int32{e.remove})
	}
	for _, position := range positions {
		before := b
		for _, i := range position {
			o := &e.ops[i]
			if o.end() < before.last {
				return violation("elements", fmt.Sprintf("the adding of %d, those who saw it and its removing cannot come in this order", o.Value), i, before.lastOp)
			}
			b.extend(o.end(), i, o.Call, i)
		}
	}
	if !remove {
		b.last, b.lastOp = Open, none
	}
	for _, i := range e.lacks {
		if o := &e.ops[i]; b.first < o.Call && o.Return < b.last {
			return violation("elements", fmt.Sprintf("%d was surely there when it was not found", o.Value), b.firstOp, i, b.lastOp)
		}
	}
	return nil
}
