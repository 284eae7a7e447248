package fold

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// ConvergenceOptions say when two answers are alike.
type ConvergenceOptions struct {
	// Unordered takes arrays with the same elements in another order for equal.
	Unordered bool
}

// Convergence decides whether all nodes answer alike after the storm.
//
// It reads: read, marked final, ok with any value, of each key through each
// node; every other operation that is no read counts as an update.
//
// Property: all final reads of a key have the same value ("diverged"). An
// update of the key that was under way during them, or has an unknown outcome,
// may still arrive between two of them: a write or cas of a value explains that
// some nodes answer with it, one of another kind explains any difference.
//
// Cost: O(n + size of the values). Unknown: no final reads ended ok; a key was
// only read through one node; a node of the plan did not answer for a key; an
// update that may still arrive explains a difference. Counterexample: "process
// 3 through n1 read 17 in the end (#20), process 4 through n2 read 18 (#22)."
func Convergence(o ConvergenceOptions) checkers.Checker {
	return checker{
		name:    "convergence",
		judge:   func(r *report, ops []history.Operation) { judgeConvergence(r, ops, o) },
		lacking: "No final read ended ok, so it is not known what the nodes answer in the end.",
		sum: func(r *report) string {
			return fmt.Sprintf("For every key (%d) all nodes gave the same answer in the end, by %s.", r.counts["keys"], say.Number(r.counts["final_reads"], "read"))
		},
	}
}

// An answer is what final reads of a key said, and who said so first.
type answer struct {
	value string
	op    history.Operation
}

func judgeConvergence(r *report, ops []history.Operation, o ConvergenceOptions) {
	var reads []history.Operation
	for _, read := range oks(ops, fRead) {
		if read.Invoke.Final {
			reads = append(reads, read)
		}
	}
	if r.spend(len(ops)) {
		r.cutShort(0, len(ops))
		return
	}
	if len(reads) == 0 {
		if updated(ops) && r.key != "" {
			r.doubt("no final read of it ended ok, though clients changed it.")
		}
		return
	}
	r.judged = true
	r.count("keys", 1)
	r.count("final_reads", len(reads))
	answers := distinct(reads, o)
	r.silent(reads)
	if len(answers) < 2 {
		return
	}
	if why := explained(ops, answers, reads); why != "" {
		r.doubt("the final reads differ (#%d and #%d), but %s.", ret(answers[0].op), ret(answers[1].op), why)
		return
	}
	a, b := answers[0], answers[1]
	if r.found("diverged", a.op, b.op) {
		r.tell("diverged", "%s read %s in the end (#%d), %s read %s (#%d)%s.", who(a.op), show(a.op.Complete.Value), ret(a.op),
			who(b.op), show(b.op.Complete.Value), ret(b.op), others(len(answers)-2))
	}
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; other answers: %d", n)
}

// updated reports whether anything but reads was done.
func updated(ops []history.Operation) bool {
	return slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Invoke.F != fRead && o.Type() != history.Fail })
}

// distinct returns the different answers, in order.
func distinct(reads []history.Operation, o ConvergenceOptions) []answer {
	var answers []answer
	for _, read := range reads {
		value := canonical(read.Complete.Value)
		if isNull(read.Complete.Value) {
			value = "null"
		}
		if o.Unordered {
			value = sorted(value)
		}
		if !slices.ContainsFunc(answers, func(a answer) bool { return a.value == value }) {
			answers = append(answers, answer{value, read})
		}
	}
	return answers
}

// sorted puts the elements of an array in order; other values stay as they are.
func sorted(value string) string {
	var elements []string
	c := scan(json.RawMessage(value))
	if !c.open('[') {
		return value
	}
	for c.more(']') {
		elements = append(elements, string(c.value()))
	}
	slices.Sort(elements)
	return fmt.Sprint(elements)
}

// silent doubts keys for which not every node has answered.
func (r *report) silent(reads []history.Operation) {
	var heard []string
	for _, read := range reads {
		if !slices.Contains(heard, read.Invoke.Node) {
			heard = append(heard, read.Invoke.Node)
		}
	}
	var missing []string
	plan, _ := r.h.Announcement()
	for _, node := range plan.Nodes {
		if !slices.Contains(heard, node) {
			missing = append(missing, node)
		}
	}
	switch {
	case len(missing) > 0:
		r.doubt("no final read through %s ended ok.", say.Few(missing, 5))
	case len(heard) < 2:
		r.doubt("it was read in the end through one node only.")
	}
}

// explained says why answers may differ though all is well, or nothing.
func explained(ops []history.Operation, answers []answer, reads []history.Operation) string {
	from := open
	for _, read := range reads {
		from = min(from, call(read))
	}
	late := make(map[string]bool)
	for _, o := range ops {
		if o.Invoke.F == fRead || o.Type() == history.Fail || ret(o) < from {
			continue
		}
		value, isWrite := sets(o)
		if !isWrite {
			return fmt.Sprintf("the %s of %s (#%d) may have arrived between them", o.Invoke.F, who(o), call(o))
		}
		late[value] = true
	}
	settled := 0
	for _, a := range answers {
		if !late[a.value] {
			settled++
		}
	}
	if settled > 1 {
		return ""
	}
	return "writes with an unknown outcome may have arrived between them"
}

// sets returns the value that a write or a cas sets.
func sets(o history.Operation) (string, bool) {
	switch o.Invoke.F {
	case fWrite:
		return canonical(o.Invoke.Value), true
	case "cas":
		c := scan(o.Invoke.Value)
		if c.open('[') && c.more(']') {
			c.value()
			if c.more(']') {
				return canonical(c.value()), true
			}
		}
	}
	return "", false
}
