package fold

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// CounterOptions are what [Counter] can be asked beyond the bounds.
type CounterOptions struct {
	// Session makes it a violation ("back-in-session") that a process reads
	// less than it did before, and Realtime ("back") that a read yields less
	// than one that had ended before it began. Both apply only to counters
	// to which nothing negative is added.
	Session, Realtime bool
}

// Counter decides whether reads of a counter lie within what the additions
// allow.
//
// It reads: add, the value being an integer, also a negative one; read, ok with
// the integer. The counter begins at 0.
//
// Property: a read yields at least the sum of what was certainly added, or may
// have been subtracted, and at most the sum of what may have been added, or was
// certainly subtracted ("out-of-bounds"). An addition is certain if it was
// acknowledged before the read began, and possible if it began before the read
// ended and did not fail. The bounds are necessary, not sufficient.
//
// Cost: O(n), with Realtime O(n log n). Unknown: no read ended ok, or a value
// is no integer. Counterexample: "process 3 through n2 read 15 (#20), but at
// least 3 and at most 10 can have been counted: 2 additions were acknowledged
// before the read began (#12), …".
func Counter(o CounterOptions) checkers.Checker {
	return checker{
		name:    "counter",
		judge:   func(r *report, ops []history.Operation) { judgeCounter(r, ops, o) },
		lacking: "No read of the counter ended ok, so nothing is known about it.",
		sum: func(r *report) string {
			return fmt.Sprintf("All reads (%d) lie within what the additions (%d) allow.", r.counts["reads"], r.counts["additions"])
		},
	}
}

// A bound is what may have been counted at a moment.
type bound struct {
	// certain are additions that were acknowledged, possible those that began
	// and did not fail, each for itself of positive (up) and negative (down).
	certainUp, certainDown, possibleUp, possibleDown int64
}

// A counted is a read with its value.
type counted struct {
	op    history.Operation
	value int64
}

func judgeCounter(r *report, ops []history.Operation, o CounterOptions) {
	steps := timeline(r, ops)
	var b bound
	began := make(map[int]bound)
	var reads []counted
	for i, s := range steps {
		if r.spend(1) {
			r.cutShort(i, len(steps))
			return
		}
		switch {
		case s.op.Invoke.F == fAdd:
			b.count(s)
		case !s.end:
			began[s.op.Invoke.Process] = b
		default:
			n, isInteger := whole(s.op.Complete.Value)
			if !isInteger {
				r.doubt("the read #%d is no integer: %s.", ret(s.op), show(s.op.Complete.Value))
				continue
			}
			reads = append(reads, counted{s.op, n})
			within(r, counted{s.op, n}, began[s.op.Invoke.Process], b)
		}
	}
	r.count("reads", len(reads))
	if b.possibleDown < 0 {
		return
	}
	if o.Session {
		forwardInSession(r, reads)
	}
	if o.Realtime {
		forward(r, reads)
	}
}

// A step is an event of an operation that matters to a counter.
type step struct {
	at    int
	end   bool
	delta int64
	op    history.Operation
}

// timeline returns the events of additions that did not fail and reads that
// ended ok, in order.
func timeline(r *report, ops []history.Operation) []step {
	var steps []step
	for _, o := range ops {
		if !ok(o, fRead) && (o.Invoke.F != fAdd || o.Type() == history.Fail) {
			continue
		}
		s := step{at: call(o), op: o}
		if o.Invoke.F == fAdd {
			r.count("additions", 1)
			var isInteger bool
			if s.delta, isInteger = whole(o.Invoke.Value); !isInteger {
				r.doubt("the add #%d is of no integer: %s.", call(o), show(o.Invoke.Value))
				return nil
			}
		}
		steps = append(steps, s)
		if o.Type() == history.OK {
			s.at, s.end = ret(o), true
			steps = append(steps, s)
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return steps
}

// count takes in an addition.
func (b *bound) count(s step) {
	switch {
	case s.end && s.delta > 0:
		b.certainUp += s.delta
	case s.end:
		b.certainDown += s.delta
	case s.delta > 0:
		b.possibleUp += s.delta
	default:
		b.possibleDown += s.delta
	}
}

// within judges a read that began at one bound and ended at another.
func within(r *report, c counted, began, ended bound) {
	r.judged = true
	low, high := began.certainUp+ended.possibleDown, ended.possibleUp+began.certainDown
	if c.value >= low && c.value <= high {
		return
	}
	if r.found("out-of-bounds", c.op) {
		r.tell("out-of-bounds", "%s read %d (#%d), but when the read began (#%d) at least %d had been counted, and when it ended at most %d.",
			who(c.op), c.value, ret(c.op), call(c.op), low, high)
	}
}

// forwardInSession judges the reads of each process in turn.
func forwardInSession(r *report, reads []counted) {
	last := make(map[int]counted)
	for _, c := range reads {
		before, again := last[c.op.Invoke.Process]
		if again && c.value < before.value && r.found("back-in-session", before.op, c.op) {
			r.tell("back-in-session", "%s read %d (#%d) after it had read %d (#%d).", who(c.op), c.value, ret(c.op), before.value, ret(before.op))
		}
		last[c.op.Invoke.Process] = c
	}
}

// forward judges every read by the largest of those that had ended before it
// began. reads are in order of their ends.
func forward(r *report, reads []counted) {
	byBegin := slices.Clone(reads)
	slices.SortFunc(byBegin, func(a, b counted) int { return cmp.Compare(call(a.op), call(b.op)) })
	next, largest := 0, -1
	for _, c := range byBegin {
		for ; next < len(reads) && ret(reads[next].op) < call(c.op); next++ {
			if largest < 0 || reads[next].value > reads[largest].value {
				largest = next
			}
		}
		if largest >= 0 && c.value < reads[largest].value && r.found("back", reads[largest].op, c.op) {
			r.tell("back", "%s read %d (#%d), but %s had read %d before that read began (#%d).", who(c.op), c.value, ret(c.op),
				who(reads[largest].op), reads[largest].value, ret(reads[largest].op))
		}
	}
}
