package fold

import (
	"cmp"
	"slices"
)

// order looks for two messages of which the one enqueued first, the other's
// enqueue having begun only after its own was acknowledged, came out second:
// the other's delivery had ended when its own began. Of messages delivered
// more than once the first delivery counts.
func (q *queue) order(r *report) {
	var out []delivery
	seen := make([]bool, len(q.items))
	for _, d := range q.out {
		if !seen[d.id] && q.items[d.id].attempts == 1 {
			seen[d.id] = true
			out = append(out, d)
		}
	}
	q.orderWithin(r, out)
	byBegin := slices.Clone(out)
	slices.SortFunc(byBegin, func(a, b delivery) int { return cmp.Compare(q.items[a.id].called, q.items[b.id].called) })
	byAck := slices.Clone(out)
	slices.SortFunc(byAck, func(a, b delivery) int { return cmp.Compare(q.items[a.id].known, q.items[b.id].known) })
	// The sweep goes through the messages as they began to be enqueued, and
	// keeps, of those acknowledged by then, the one whose delivery began last.
	next := 0
	var last *delivery
	for _, b := range byBegin {
		for next < len(byAck) && q.items[byAck[next].id].known < q.items[b.id].called {
			if last == nil || call(byAck[next].op) > call(last.op) {
				last = &byAck[next]
			}
			next++
		}
		if last != nil && call(last.op) > ret(b.op) {
			q.reordered(r, *last, b)
		}
		if r.spend(1) {
			r.doubt("Time ran out while the order of messages was looked at.")
			return
		}
	}
}

// orderWithin looks for the same among the messages of one drain. Going
// through them from the last, it keeps the one that was acknowledged first.
func (q *queue) orderWithin(r *report, out []delivery) {
	var first *delivery
	for i := len(out) - 1; i >= 0; i-- {
		b := &out[i]
		if first == nil || call(first.op) != call(b.op) {
			first = b
			continue
		}
		if q.items[first.id].known < q.items[b.id].called {
			q.reordered(r, *first, *b)
		}
		if q.items[b.id].known < q.items[first.id].known {
			first = b
		}
	}
}

func (q *queue) reordered(r *report, a, b delivery) {
	first, second := q.items[a.id].first, q.items[b.id].first
	if r.found("reordered", first, second, a.op, b.op) {
		r.tell("reordered", "message %s, enqueued by %s and %s, came out after %s, whose enqueue had %s: %s got the second (#%d) before %s got the first (#%d).",
			q.ids.name(a.id), who(first), ended(first), q.ids.name(b.id), began(second), who(b.op), ret(b.op), who(a.op), ret(a.op))
	}
}
