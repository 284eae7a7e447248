package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// The limits of a counterexample that a person still reads.
const (
	maxSteps   = 12
	maxStories = 6
	maxProofs  = 5
)

// A story is one violation: its sentences, then its proofs.
type story struct {
	Check  string
	Rule   *ruleBox
	Says   [][]piece
	Proofs []proof
}

// A proof is one thing that must not be: its sentences, the operations that
// prove it, in order, and pictures of them.
type proof struct {
	// Kind is empty where the check has no more than one thing to tell.
	Kind     string
	Timed    bool // else there is only an order
	Says     [][]piece
	Cycle    *cycle
	Steps    []step
	More     int // operations that prove it too, and are not shown
	Diagram  *diagram
	Sequence *sequence
}

// A step is an operation of a counterexample.
type step struct {
	Index, Done    int // events; Done is -1 if the operation never ended
	Process        int
	Node, What     string
	From, To, Took string
	Word           string // ok, fail or unknown
	operation      history.Operation
}

// stories are the violations with their proof, most urgent first.
func (f *facts) stories() []story {
	var out []story
	for _, c := range f.run.with(checkers.Violation) {
		if len(out) == maxStories {
			break
		}
		out = append(out, f.story(c))
	}
	return out
}

func (f *facts) story(c checkers.Result) story {
	s := story{Check: c.Check, Rule: f.newRuleBox(c.Rule)}
	told := map[string]bool{}
	for _, found := range c.Findings[:min(len(c.Findings), maxProofs)] {
		for _, says := range found.Says {
			told[says] = true
		}
		s.Proofs = append(s.Proofs, f.proof(found))
	}
	for _, says := range c.Says {
		if !told[says] {
			s.Says = append(s.Says, pieces(says))
		}
	}
	if len(c.Findings) == 0 {
		s.Proofs = []proof{f.proof(checkers.Finding{Events: c.Evidence})}
	}
	return s
}

func (f *facts) proof(found checkers.Finding) proof {
	p := proof{Kind: found.Kind, Timed: f.hasTimes, Cycle: f.newCycle(found.Cycle)}
	says := found.Says
	if p.Cycle != nil {
		says = says[:min(len(says), 1)] // the others are in its tables
	}
	for _, s := range says {
		p.Says = append(p.Says, pieces(s))
	}
	operations := f.operationsOf(found.Events)
	if len(operations) > maxSteps {
		p.More = len(operations) - maxSteps
		operations = operations[len(operations)-maxSteps:] // the latest: that is where it came out
	}
	for _, o := range operations {
		p.Steps = append(p.Steps, newStep(o, p.Timed))
	}
	if len(p.Steps) > 0 && !f.run.History.SessionOnly {
		if p.Timed {
			p.Diagram = newDiagram(p.Steps, f.windows, f.end)
		}
		p.Sequence = f.newSequence(operations)
	}
	return p
}

// operationsOf finds the operations that have one of the events.
func (f *facts) operationsOf(events []int) []history.Operation {
	if f.run.History == nil {
		return nil
	}
	ops := f.run.History.Ops
	seen := map[int]bool{}
	var out []history.Operation
	for _, e := range events {
		if e < 0 || e >= len(ops) || ops[e].Process == history.Nemesis {
			continue
		}
		invoke := e
		for invoke > 0 && !(ops[invoke].Process == ops[e].Process && ops[invoke].Type == history.Invoke) {
			invoke--
		}
		i, found := slices.BinarySearchFunc(f.operations, invoke, func(o history.Operation, index int) int { return cmp.Compare(o.Invoke.Index, index) })
		if found && !seen[invoke] {
			seen[invoke] = true
			out = append(out, f.operations[i])
		}
	}
	slices.SortFunc(out, func(a, b history.Operation) int { return cmp.Compare(a.Invoke.Index, b.Invoke.Index) })
	return out
}

// newStep tells an operation, with its times if they mean something.
func newStep(o history.Operation, timed bool) step {
	s := step{
		Index: o.Invoke.Index, Done: -1, Process: o.Invoke.Process, Node: clip(o.Invoke.Node, maxName), What: deed(o),
		Word: word(o.Type()), operation: o,
	}
	if o.Complete != nil {
		s.Done = o.Complete.Index
	}
	if !timed {
		return s
	}
	s.From, s.To = seconds(o.Start()), "never"
	if o.Complete != nil {
		s.To, s.Took = seconds(o.Complete.Time), short(o.Complete.Time-o.Start())
	}
	return s
}

// word is an outcome for people.
func word(t history.Type) string {
	switch t {
	case history.OK:
		return "ok"
	case history.Fail:
		return "fail"
	}
	return "unknown"
}

// short is a length of time with three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// classOf is the class in the page's style of an outcome.
func classOf(word string) string {
	if word == "unknown" {
		return "info" // unknown is a verdict too, which has another colour
	}
	return word
}
