package linear

import (
	"context"
	"fmt"
	"slices"
)

// judgeContainer judges a queue, stack, priority queue or bag. Values must be put
// once and nobody peeks; else the search takes over.
//
// A take with an unknown outcome took any value, or none. If there are such,
// the history lies between two others: without these takes it has fewer
// linearizations (they need not have happened); without the puts of all values
// that nobody is known to have taken, it has no fewer (a value's put and take
// can be struck out together, whoever took it). If the first is linearizable,
// so is the history; if the second is not, nor is the history; in between the
// search decides.
func judgeContainer(ctx context.Context, object Object, ops []Op) Result {
	b, r := newBox(ops)
	switch {
	case r != nil:
		r.Engine = object.engine()
		return *r
	case object == Bag && (b.peeked || b.twice):
		return Result{Engine: object.engine(), Reason: "values were put twice, or somebody peeked"}
	case b.peeked || b.twice:
		return searchSequences(ctx, ops, shapeOf(object))
	}
	verdict := b.judge(object)
	if verdict.Verdict == Linearizable || b.eaten == 0 {
		return verdict
	}
	b.items = slices.DeleteFunc(b.items, func(i item) bool { return i.take == none })
	if sure := b.judge(object); sure.Verdict == Violated {
		return sure
	}
	if object == Bag {
		return Result{Engine: object.engine(), Reason: "nobody knows what takes of unknown outcome took"}
	}
	return searchSequences(ctx, ops, shapeOf(object))
}

func shapeOf(o Object) shape {
	switch o {
	case Queue:
		return fifo
	case Stack:
		return lifo
	}
	return heaped
}

// engine names what decides a container.
func (o Object) engine() string {
	switch o {
	case Queue:
		return "queue"
	case Stack:
		return "stack"
	case Bag:
		return "bag"
	}
	return "priority-queue"
}

// An item is a value that is put, and perhaps taken.
type item struct {
	value, putCall, takeEnd int
	// putEnd is when the value was there at the latest: when its put returned
	// or, if that is earlier, its take. takeCall is when it was still to be
	// taken: when its take was called, or its put if that was later; Open if
	// it is not taken. These bounds hold in every linearization, for the put
	// comes before the take.
	putEnd, takeCall int
	put, take        int32
	putEndOp         int32
	takeCallOp       int32
}

// surely reports whether the value was surely there between putEnd and takeCall.
func (i *item) surely() bool { return i.putEnd < i.takeCall }

// A box is a queue, stack or priority queue whose values are put once.
type box struct {
	ops   []Op
	items []item
	// empties found nothing.
	empties []int32
	// eaten counts takes with an unknown outcome.
	eaten int
	// peeked says that somebody peeked, twice that a value was put twice.
	peeked, twice bool
}

// newBox pairs puts and takes. It returns a violation if that already shows
// one, and an unknown result if an operation is none of a container's.
// An unknown put whose value nobody took is dropped: put at the end of a
// linearization it disturbs nobody, and struck out neither. One whose value was
// taken happened, at any time after its call.
func newBox(ops []Op) (*box, *Result) {
	b := &box{ops: ops}
	numbers := newNumbering(len(ops) / 2)
	var bad *Result
	blame := func(format string, value int, i ...int32) {
		if bad == nil {
			bad = violation("container", fmt.Sprintf(format, value), i...)
		}
	}
	for i := range ops {
		o := &ops[i]
		switch {
		case o.Kind == Put:
			n, fresh := numbers.of(o.Value)
			if fresh {
				b.items = append(b.items, item{value: o.Value, put: none, take: none})
			}
			b.twice = b.twice || b.items[n].put != none
			b.items[n].put = int32(i)
		case o.Kind == Take && o.Unknown:
			b.eaten++
		case o.Kind == Take:
			n, fresh := numbers.of(o.Value)
			if fresh {
				b.items = append(b.items, item{value: o.Value, put: none, take: none})
			}
			if b.items[n].take != none {
				blame("%d was taken twice, but put once", o.Value, b.items[n].take, int32(i))
			}
			b.items[n].take = int32(i)
		case o.Kind == Empty && !o.Unknown:
			b.empties = append(b.empties, int32(i))
		case o.Kind == Peek && !o.Unknown:
			b.peeked = true
		case o.Kind == Empty || o.Kind == Peek:
		default:
			r := strange("container", i)
			return b, &r
		}
	}
	if b.twice {
		return b, nil
	}
	for i := range b.items {
		switch it := &b.items[i]; {
		case it.put == none:
			blame("%d was taken, but nobody put it", it.value, it.take)
		case it.take != none && ops[it.take].Return < ops[it.put].Call:
			blame("%d was taken before anybody put it", it.value, it.put, it.take)
		default:
			it.bound(ops)
		}
	}
	b.items = slices.DeleteFunc(b.items, func(i item) bool { return i.take == none && ops[i.put].Unknown })
	return b, bad
}

func (i *item) bound(ops []Op) {
	put := &ops[i.put]
	i.putCall, i.putEnd, i.putEndOp = put.Call, put.end(), i.put
	i.takeCall, i.takeEnd, i.takeCallOp = Open, Open, none
	if i.take == none {
		return
	}
	take := &ops[i.take]
	i.takeCall, i.takeEnd, i.takeCallOp = take.Call, take.Return, i.take
	if take.Return < i.putEnd {
		i.putEnd, i.putEndOp = take.Return, i.take
	}
	if put.Call > i.takeCall {
		i.takeCall, i.takeCallOp = put.Call, i.put
	}
}

// judge decides by the kind of container; unknown takes are not looked at.
func (b *box) judge(object Object) Result {
	decide := map[Object]func() *Result{Queue: b.fifo, Stack: b.lifo, PriorityQueue: b.largest, Bag: func() *Result { return nil }}[object]
	bad := b.empty()
	if bad == nil {
		bad = decide()
	}
	if bad == nil {
		return legal(object.engine())
	}
	bad.Engine = object.engine()
	return *bad
}

// empty checks those that found nothing: each needs a moment at which no value
// was surely there. For all containers that is enough besides what they
// demand otherwise: at such a moment it can be arranged that nothing is there,
// for every value that is not surely there has been taken by then, or can still
// be put.
func (b *box) empty() *Result {
	spans := make([]span, 0, len(b.items))
	for i := range b.items {
		if it := &b.items[i]; it.surely() {
			spans = append(spans, span{it.putEnd, it.takeCall, int32(i)})
		}
	}
	merged := union(spans)
	for _, e := range b.empties {
		o := &b.ops[e]
		if inside(merged, o.Call, o.Return) {
			return violation("", "a container was found empty when something was surely in it",
				append(b.witnesses(covering(spans, o.Call, o.Return)), e)...)
		}
	}
	return nil
}

// witnesses are the operations that show that the items were there.
func (b *box) witnesses(items []int32) []int32 {
	var ops []int32
	for _, i := range items {
		it := &b.items[i]
		ops = append(ops, it.put, it.putEndOp, it.takeCallOp)
	}
	return ops
}

// fifo decides the order of a queue whose values are put once: a contradiction
// is two values a and b of which a must be put before b, as a was there before
// the put of b was called, but b must be taken before a, as its take returned
// before a was still to be taken. If there are no such two, then the order "a
// before b if a must be put first or must be taken first" has no cycle of two,
// and, both being orders of intervals, none at all.
//
// Cost: O(n log n): going through the values by the call of their put, it
// knows of all that were there by then the one that was to be taken last.
func (b *box) fifo() *Result {
	byEnd := order(len(b.items), func(i int) int { return b.items[i].putEnd })
	byCall := order(len(b.items), func(i int) int { return b.items[i].putCall })
	var last *item
	at := 0
	for _, i := range byCall {
		it := &b.items[i]
		for ; at < len(byEnd) && b.items[byEnd[at]].putEnd < it.putCall; at++ {
			if older := &b.items[byEnd[at]]; last == nil || older.takeCall > last.takeCall {
				last = older
			}
		}
		if it.take != none && last != nil && it.takeEnd < last.takeCall {
			return violation("", fmt.Sprintf("%d was put before %d, but not taken before it", last.value, it.value),
				last.put, last.putEndOp, last.takeCallOp, it.put, it.take)
		}
	}
	return nil
}
