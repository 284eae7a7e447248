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
// message is missing if it was never delivered though a drain, or a dequeue
// that found the queue empty, began after it was acknowledged. A dequeue with
// an unknown outcome may have taken one message, if it was called before the
// queue was found empty for the last time, and such a drain any number: so of
// m messages missing and k such dequeues, m-k are lost at least, though nobody
// knows which; all are in the evidence. (Jepsen calls all m lost.) A message
// whose enqueue has an unknown outcome may come out ("recovered") or not.
//
// Cost: O(n), with FIFO O(n log n). Unknown: messages were not delivered but the
// queue was never emptied after them, or dequeues or drains with an unknown
// outcome may have taken all that are missing; nothing was enqueued, or nothing
// dequeued. Counterexample:
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
	// unknown are the dequeues and drains with an unknown outcome.
	unknown []history.Operation
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
	if o.FIFO {
		q.order(r)
	}
	q.missing(r, ops, delivered)
}

// take takes in what came out of the queue.
func (q *queue) take(r *report, o history.Operation) {
	drain := o.Invoke.F == "drain"
	if !drain && o.Invoke.F != "dequeue" || o.Type() == history.Fail {
		return
	}
	if o.Type() == history.Info {
		q.unknown = append(q.unknown, o)
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

// missing judges what did not come out: of a message enqueued several times, so
// many as did not.
func (q *queue) missing(r *report, ops []history.Operation, delivered []int) {
	acked := oks(ops, fEnqueue)
	r.count("acknowledged", len(acked))
	due := func(o history.Operation) bool { return q.emptied.Invoke != nil && ret(o) < call(q.emptied) }
	var gone []history.Operation
	for _, o := range acked {
		if due(o) && !came(delivered, q.ids.of(o.Invoke.Value)) {
			gone = append(gone, o)
		}
	}
	undrained := 0
	for _, o := range acked {
		if !due(o) && !came(delivered, q.ids.of(o.Invoke.Value)) {
			undrained++
		}
	}
	for id := range q.items {
		if a := &q.items[id]; a.acked.Invoke == nil && delivered[id] > 0 && a.attempts > 0 {
			r.count("recovered", 1)
		}
	}
	if undrained > 0 {
		r.doubt("%s acknowledged but never delivered, and the queue was not emptied after that: no drain ended ok, and no dequeue found it empty.",
			say.Number(undrained, "message"))
	}
	q.lose(r, gone)
}

// came uses up one delivery of the message, if there is one left.
func came(delivered []int, id int32) bool {
	if delivered[id] == 0 {
		return false
	}
	delivered[id]--
	return true
}

// lose judges the messages that are gone, though the queue was emptied.
func (q *queue) lose(r *report, gone []history.Operation) {
	takers, drained := q.takers()
	lost := len(gone) - len(takers)
	if len(gone) == 0 {
		return
	}
	r.count("missing", len(gone))
	if drained || lost <= 0 {
		r.doubt("%s missing, which may have been taken by those who took and have an unknown outcome (%d).", say.Number(len(gone), "message"), len(takers))
		return
	}
	for i, o := range gone {
		if i >= lost {
			r.prove(o) // this one, or another
			continue
		}
		if r.found("lost", o, q.emptied) {
			r.tell("lost", "message %s is lost%s: enqueued by %s and %s, it was never delivered, though the %s of %s, %s, %s.",
				show(o.Invoke.Value), alibi(len(gone), takers), who(o), ended(o), q.emptied.Invoke.F, who(q.emptied), began(q.emptied), emptiness(q.emptied))
		}
	}
	r.prove(takers...)
}

// takers are the operations with an unknown outcome that may have taken a
// message before the queue was empty. drained says that one of them is a drain,
// which may have taken all.
func (q *queue) takers() (takers []history.Operation, drained bool) {
	for _, o := range q.unknown {
		if call(o) < ret(q.emptied) {
			takers = append(takers, o)
			drained = drained || o.Invoke.F == "drain"
		}
	}
	return takers, drained
}

// alibi tells how many of the missing messages takers may have.
func alibi(gone int, takers []history.Operation) string {
	if len(takers) == 0 {
		return ""
	}
	return fmt.Sprintf(" (or another of %s missing, of which dequeues with an unknown outcome may have taken %d)", say.Number(gone, "message"), len(takers))
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
