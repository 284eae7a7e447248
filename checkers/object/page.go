package object

import (
	"io"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/history"
)

// windowSize is how many operations porcupine's page shows.
const windowSize = 40

// pages are the files that go with a violation: those who contradict each
// other, and porcupine's picture of them.
func (m *model) pages(j *judgement, faults []history.FaultWindow) []checkers.Page {
	if len(j.witness) == 0 {
		return nil
	}
	all := []checkers.Page{{Name: "counterexample.jsonl", Write: func(w io.Writer) error {
		return checkers.WriteEvents(w, operationsOf(j.witness))
	}}}
	if m.step == nil {
		return all
	}
	return append(all, checkers.Page{Name: checkers.PictureName(j.key), Write: func(w io.Writer) error {
		shown := j.window(m)
		return checkers.Draw(w, m.porcupine(j), calls(shown), operationsOf(shown), faults)
	}})
}

func operationsOf(acts []act) []history.Operation {
	all := make([]history.Operation, len(acts))
	for i := range acts {
		all[i] = acts[i].op
	}
	return all
}

// porcupine is the model with captions.
func (m *model) porcupine(j *judgement) porcupine.Model {
	p := m.plain()
	if m.many {
		all := m.nondeterministic()
		p = all.ToModel()
	}
	p.DescribeOperation = func(input, _ any) string {
		a := input.(*act)
		says := j.done(a)
		if a.unknown {
			says = j.asked(a) + " (unknown)"
		}
		return says
	}
	return p
}

// window returns the witness and, where values have nothing to do with each
// other, all operations of further values around it: without them the picture
// would be as wrong as with them.
func (j *judgement) window(m *model) []act {
	object, known := m.pick(&thing{acts: slices.Clone(j.acts)})
	apart := known && (object == linear.Queue || object == linear.Stack || object == linear.PriorityQueue || object == linear.Bag || object == linear.Set)
	if !apart || len(j.witness) == 0 {
		return j.witness
	}
	shown, shows := slices.Clone(j.witness), map[int]bool{}
	for i := range j.witness {
		shows[j.witness[i].op.Invoke.Index] = true
	}
	add := func(value int) {
		var more []act
		for _, a := range j.acts {
			if a.lin.Value == value && a.lin.Kind != linear.Empty && !shows[a.op.Invoke.Index] && !(a.unknown && a.lin.Kind == linear.Take) {
				more = append(more, a)
			}
		}
		if len(shown)+len(more) > windowSize {
			return
		}
		shown = append(shown, more...)
		for i := range more {
			shows[more[i].op.Invoke.Index] = true
		}
	}
	from := slices.IndexFunc(j.acts, func(a act) bool { return a.op.Invoke.Index == j.witness[0].op.Invoke.Index })
	for at := max(from-windowSize/2, 0); at < min(from+windowSize/2, len(j.acts)); at++ {
		if a := &j.acts[at]; !shows[a.op.Invoke.Index] && a.lin.Kind != linear.Empty {
			add(a.lin.Value)
		}
	}
	slices.SortFunc(shown, func(a, b act) int { return a.lin.Call - b.lin.Call })
	return shown
}
