package fold

import (
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// WriteSkew decides whether two transactions that each made sure that the
// other had not happened both committed: Adya's G2, by predicates.
//
// It reads: insert, with a key. An insert is a transaction that looks whether
// anything was inserted for its key, by a predicate, and inserts only if
// nothing was; its value ([a, null] or [null, b], ids of rows of two tables)
// is not looked at.
//
// Property: of the inserts of a key at most one ends ok ("write-skew"). Cost:
// O(n). Unknown: for no key did two inserts begin before either had ended, so
// that nothing was put to the test. Counterexample: "process 3 and process 4
// both inserted (#9 and #11), though each had to see that nobody had."
func WriteSkew() checkers.Checker {
	return checker{
		name: "write-skew", judge: judgeWriteSkew,
		lacking: "For no key two inserts were under way at a time, so nothing was put to the test.",
		sum: func(r *report) string {
			return fmt.Sprintf("Of the concurrent inserts of each key (%d) at most one was accepted.", r.counts["contended"])
		},
	}
}

func judgeWriteSkew(r *report, ops []history.Operation) {
	var accepted []history.Operation
	last, contended := -1, false
	for i, o := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		if o.Invoke.F != "insert" {
			continue
		}
		contended = contended || call(o) < last
		last = max(last, ret(o))
		if o.Type() == history.OK {
			accepted = append(accepted, o)
		}
	}
	if contended {
		r.judged = true
		r.count("contended", 1)
	}
	for _, o := range accepted[min(1, len(accepted)):] {
		if r.found("write-skew", accepted[0], o) {
			r.tell("write-skew", "%s and %s both inserted (#%d and #%d), though each had to see that nobody had.",
				who(accepted[0]), who(o), ret(accepted[0]), ret(o))
		}
	}
}
