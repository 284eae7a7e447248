package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// The limits of a counterexample that a person still reads.
const (
	maxSteps   = 12
	maxStories = 6
)

// A story is one violation: its sentences, the operations that prove it, in
// order, and a picture of them.
type story struct {
	Check   string
	Says    [][]piece
	Steps   []step
	More    int // operations that prove it too, and are not shown
	Diagram *diagram
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
	s := story{Check: c.Check}
	for _, says := range c.Says {
		s.Says = append(s.Says, pieces(says))
	}
	proof := f.proof(c.Evidence)
	if len(proof) > maxSteps {
		s.More = len(proof) - maxSteps
		proof = proof[len(proof)-maxSteps:] // the latest: that is where it came out
	}
	for _, o := range proof {
		s.Steps = append(s.Steps, newStep(o))
	}
	if len(s.Steps) > 0 && !f.run.History.SessionOnly {
		s.Diagram = newDiagram(s.Steps, f.windows, f.end)
	}
	return s
}

// proof finds the operations that have one of the events.
func (f *facts) proof(events []int) []history.Operation {
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

func newStep(o history.Operation) step {
	s := step{
		Index: o.Invoke.Index, Done: -1, Process: o.Invoke.Process, Node: clip(o.Invoke.Node, maxName), What: deed(o),
		From: seconds(o.Start()), To: "never", Word: word(o.Type()), operation: o,
	}
	if o.Complete != nil {
		s.Done, s.To, s.Took = o.Complete.Index, seconds(o.Complete.Time), short(o.Complete.Time-o.Start())
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

// deed is an operation in a few words: "write r1 = 17", "read r1 → 17".
func deed(o history.Operation) string {
	what := clip(o.Invoke.F, maxName)
	if o.Invoke.Key != "" {
		what += " " + clip(o.Invoke.Key, 60)
	}
	value := o.Value()
	switch {
	case o.Invoke.F == "read" && o.Type() == history.OK:
		return what + " → " + shownValue(value)
	case o.Invoke.F == "read":
		return what
	case o.Invoke.F == "write":
		return what + " = " + shownValue(value)
	case o.Invoke.F == "cas":
		var pair []json.RawMessage
		if json.Unmarshal(value, &pair) == nil && len(pair) == 2 {
			return fmt.Sprintf("%s %s → %s", what, shownValue(pair[0]), shownValue(pair[1]))
		}
	}
	if len(value) == 0 {
		return what
	}
	return what + " " + shownValue(value)
}

func shownValue(v json.RawMessage) string {
	if len(v) == 0 {
		return "null"
	}
	return printable(clip(string(v), maxName/2))
}

// classOf is the class in the page's style of an outcome.
func classOf(word string) string {
	if word == "unknown" {
		return "info" // unknown is a verdict too, which has another colour
	}
	return word
}
