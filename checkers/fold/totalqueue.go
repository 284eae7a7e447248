package fold

import (
	"encoding/json"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// TotalQueueOptions are what [TotalQueue] can be asked beyond the least.
type TotalQueueOptions struct {
	// Once makes a message that was delivered more often than it was enqueued
	// a violation ("duplicated"); without it that is only counted.
	Once bool
	// FIFO makes it a violation ("reordered") that a message was delivered
	// wholly before another one whose enqueue had been acknowledged before its
	// own began.
	FIFO bool
}

// TotalQueue decides whether what goes into a queue comes out of it.
//
// It reads: enqueue, the value being the message; dequeue, ok with the message,
// or with null if the queue was empty; drain, ok with the array of messages
// that were left, in order. A drain counts as that many dequeues.
//
// Property: every acknowledged message is delivered ("lost" if not); every
// message delivered was being enqueued before ("unexpected", "aborted"). A
// message that is missing is lost only if a drain, or a dequeue that found the
// queue empty, began after it was acknowledged, and if more are missing than
// dequeues with an unknown outcome may have taken. A message whose enqueue has
// an unknown outcome may come out ("recovered") or not.
//
// Cost: O(n), with FIFO O(n log n). Unknown: messages are missing but the queue
// was never emptied, or dequeues or drains with an unknown outcome may have
// taken them; nothing was enqueued, or nothing dequeued. Counterexample:
// "message 17 is lost: enqueued by process 3 and acknowledged at 2.1s (#9), it
// was never delivered, though the drain of process 1, begun at 5.0s (#40),
// emptied the queue."
func TotalQueue(o TotalQueueOptions) checkers.Checker {
	return checker{
		name:    "total-queue",
		judge:   func(r *report, ops []history.Operation) { judgeTotalQueue(r, ops, o) },
		lacking: "Nothing was enqueued, or nothing came out of the queue, so nothing is known about it.",
		sum: func(r *report) string {
			return fmt.Sprintf("All acknowledged messages (%d) were delivered, and nothing that nobody enqueued; messages of enqueues with an unknown outcome: %d; delivered more than once: %d.",
				r.counts["acknowledged"], r.counts["recovered"], r.counts["duplicated"])
		},
	}
}

// A delivery is one message that came out.
type delivery struct {
	id int32
	op history.Operation
	// at is its place among the messages of the same drain.
	at int
}

// A queue is what is known about all that went in and came out.
type queue struct {
	inventory
	out []delivery
	// emptied is the last operation to begin that found, or left, the queue empty.
	emptied history.Operation
	// taken is how many dequeues have an unknown outcome, and drained whether
	// a drain has one.
	taken   int
	drained bool
}

func judgeTotalQueue(r *report, ops []history.Operation, o TotalQueueOptions) {
	q := &queue{inventory: *stock(r, ops, fEnqueue)}
	r.count("attempted", q.ids.len())
	for i, op := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		q.take(r, op)
	}
	q.grow()
	if q.ids.len() == 0 || len(q.out) == 0 && q.emptied.Invoke == nil {
		return
	}
	r.judged = true
	delivered := q.deliveries(r, o)
	q.missing(r, delivered)
	if o.FIFO {
		q.order(r)
	}
}

// take takes in what came out of the queue.
func (q *queue) take(r *report, o history.Operation) {
	drain := o.Invoke.F == "drain"
	if !drain && o.Invoke.F != "dequeue" || o.Type() == history.Fail {
		return
	}
	if o.Type() == history.Info {
		q.taken++
		q.drained = q.drained || drain
		return
	}
	if drain || isNull(o.Complete.Value) {
		q.emptied = o
	}
	if !drain {
		if !isNull(o.Complete.Value) {
			q.out = append(q.out, delivery{id: q.ids.of(o.Complete.Value), op: o})
		}
		return
	}
	messages, found := q.ids.elements(o.Complete.Value, nil)
	if !found {
		r.doubt("the drain #%d has no array of messages: %s.", ret(o), show(o.Complete.Value))
	}
	for at, id := range messages {
		q.out = append(q.out, delivery{id: id, op: o, at: at})
	}
}

// deliveries judges what came out, and returns how often each message did.
func (q *queue) deliveries(r *report, o TotalQueueOptions) []int {
	delivered := make([]int, len(q.items))
	first := make([]history.Operation, len(q.items))
	for _, d := range q.out {
		if delivered[d.id] == 0 {
			first[d.id] = d.op
		}
		delivered[d.id]++
		if q.strange(r, d.id, d.op, "message") || delivered[d.id] <= q.items[d.id].attempts {
			continue
		}
		if !o.Once {
			r.count("duplicated", 1)
		} else if r.found("duplicated", q.items[d.id].first, first[d.id], d.op) {
			r.tell("duplicated", "message %s was enqueued %s and delivered %s: to %s (#%d) and to %s (#%d).", q.ids.name(d.id),
				times(q.items[d.id].attempts), times(delivered[d.id]), who(first[d.id]), ret(first[d.id]), who(d.op), ret(d.op))
		}
	}
	return delivered
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// missing judges what did not come out.
func (q *queue) missing(r *report, delivered []int) {
	var gone []int32
	undrained := 0
	for id := range q.items {
		a := &q.items[id]
		switch {
		case a.acked.Invoke == nil:
			if delivered[id] > 0 && a.attempts > 0 {
				r.count("recovered", 1)
			}
			continue
		case delivered[id] > 0:
		case q.emptied.Invoke == nil || call(q.emptied) < a.known:
			undrained++
		default:
			gone = append(gone, int32(id))
		}
		r.count("acknowledged", 1)
	}
	if undrained > 0 {
		r.doubt("%s acknowledged but never delivered, and the queue was not emptied after that: no drain ended ok, and no dequeue found it empty.",
			say.Number(undrained, "message"))
	}
	if len(gone) > 0 && (q.drained || len(gone) <= q.taken) {
		r.doubt("%s missing; they may have been taken by dequeues whose outcome is unknown (%d).", say.Number(len(gone), "message"), q.taken)
		return
	}
	for _, id := range gone {
		a := &q.items[id]
		if r.found("lost", a.acked, q.emptied) {
			r.tell("lost", "message %s is lost: enqueued by %s and %s, it was never delivered, though the %s of %s, %s, %s.",
				q.ids.name(id), who(a.acked), ended(a.acked), q.emptied.Invoke.F, who(q.emptied), began(q.emptied), emptiness(q.emptied))
		}
	}
}

func emptiness(o history.Operation) string {
	if o.Invoke.F == "drain" {
		return "emptied the queue"
	}
	return "found the queue empty"
}

// microOperation reports whether value is an array of arrays that begin with
// a word, as transactions are written.
func microOperation(value json.RawMessage) bool {
	c := scan(value)
	if !c.open('[') {
		return false
	}
	return c.open('[') && c.peek() == '"'
}
