package fold

import (
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// UniqueIDs decides whether generated identifiers are all different.
//
// It reads: generate, ok with the identifier, any JSON value.
//
// Property: no two generate operations that ended ok, of one key, have the same
// value ("duplicate"). Cost: O(n). Unknown: none ended ok, or one without a
// value. Counterexample: "identifier 17 was generated twice: for process 3
// through n1 (#9) and for process 4 through n2 (#20)."
func UniqueIDs() checkers.Checker {
	return checker{
		name: "unique-ids", judge: judgeUniqueIDs,
		lacking: "No identifier was generated, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("All identifiers (%d) are different.", r.counts["generated"])
		},
	}
}

func judgeUniqueIDs(r *report, ops []history.Operation) {
	var known ids
	var first []history.Operation
	for i, o := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		if !ok(o, "generate") {
			continue
		}
		if isNull(o.Complete.Value) {
			r.doubt("the generate #%d ended ok without a value.", ret(o))
			continue
		}
		r.judged = true
		r.count("generated", 1)
		id := known.of(o.Complete.Value)
		if int(id) == len(first) {
			first = append(first, o)
			continue
		}
		if r.found("duplicate", first[id], o) {
			r.tell("duplicate", "identifier %s was generated twice: for %s (#%d) and for %s (#%d).",
				show(o.Complete.Value), who(first[id]), ret(first[id]), who(o), ret(o))
		}
	}
}
