package fold

import (
	"encoding/json"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// LeaderOptions are what [Leader] can be asked beyond uniqueness.
type LeaderOptions struct {
	// Forward makes it a violation ("term-back") that a node answers with a
	// smaller term than it had answered with before, as seen by one process.
	Forward bool
}

// Leader decides whether there was at most one leader in each term.
//
// It reads: leader, ok with {"term": 3, "leader": "n1"}, leader being null if
// there is none: what a node knows, or what an election came to. The key is the
// group that elects, if there are several.
//
// Property: all answers for one term of one group name the same leader
// ("two-leaders"). Cost: O(n). Unknown: no answer named a leader, or one cannot
// be read. Counterexample: "in term 3 n1 was leader for process 4 through n2
// (#9), and n5 for process 6 through n5 (#20)."
func Leader(o LeaderOptions) checkers.Checker {
	return checker{
		name:    "leader",
		judge:   func(r *report, ops []history.Operation) { judgeLeader(r, ops, o) },
		lacking: "Nobody was ever told who leads, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("In every term (%d) there was one leader, by %s.", r.counts["terms"], say.Number(r.counts["answers"], "answer"))
		},
	}
}

// A reign is the first answer that names a leader for a term.
type reign struct {
	leader string
	op     history.Operation
}

func judgeLeader(r *report, ops []history.Operation, o LeaderOptions) {
	reigns := make(map[int64]reign)
	latest := make(map[int]history.Operation)
	terms := make(map[int]int64)
	for i, op := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		if !ok(op, "leader") {
			continue
		}
		term, leader, isAnswer := parseLeader(op.Complete.Value)
		if !isAnswer {
			r.doubt("the answer #%d does not say term and leader: %s.", ret(op), show(op.Complete.Value))
			continue
		}
		process := op.Invoke.Process
		if before, again := terms[process]; o.Forward && again && term < before && r.found("term-back", latest[process], op) {
			r.tell("term-back", "%s was told of term %d (#%d) and later of term %d (#%d).", who(op), before, ret(latest[process]), term, ret(op))
		}
		terms[process], latest[process] = term, op
		if leader == "" {
			continue
		}
		r.judged = true
		r.count("answers", 1)
		first, known := reigns[term]
		if !known {
			r.count("terms", 1)
			reigns[term] = reign{leader, op}
			continue
		}
		if first.leader != leader && r.found("two-leaders", first.op, op) {
			r.tell("two-leaders", "in term %d %s was leader for %s (#%d), and %s for %s (#%d).",
				term, first.leader, who(first.op), ret(first.op), leader, who(op), ret(op))
		}
	}
}

// parseLeader reads {"term": 3, "leader": "n1"} or [3, "n1"].
func parseLeader(value json.RawMessage) (term int64, leader string, isAnswer bool) {
	c := scan(value)
	switch {
	case c.open('['):
		for i := 0; c.more(']'); i++ {
			switch text := c.value(); {
			case i == 0:
				term, isAnswer = whole(text)
			case i == 1 && !isNull(text):
				leader = unquote(text)
			}
		}
	case c.open('{'):
		for c.more('}') {
			switch name, text := c.name(), c.value(); {
			case name == "term":
				term, isAnswer = whole(text)
			case name == "leader" && !isNull(text):
				leader = unquote(text)
			}
		}
	}
	return term, leader, isAnswer && !c.bad
}
