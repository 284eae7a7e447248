package progress

import (
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

// maxRates is how many readings the small curve of the rate shows.
const maxRates = 30

// A Board is what there is to see of a run at a moment. It is fed with what
// happens, and knows neither clock nor terminal.
type Board struct {
	run   Run
	begun time.Duration // by the caller's clock
	note  string        // what was said last, before the first phase

	phase  string
	since  time.Duration // when the phase began, on the run's own axis
	origin time.Duration // where that axis begins on the caller's clock

	struck map[string]bool // the faults that have come
	force  []inForce       // in the order in which they came

	reading runner.Reading
	rates   []float64
}

// An inForce is a fault that has come and not gone.
type inForce struct {
	step runner.FaultStep
	from time.Duration
	long time.Duration // as planned
}

// NewBoard is of a run that begins now.
func NewBoard(r Run, now time.Duration) *Board {
	return &Board{run: r, begun: now, struck: map[string]bool{}}
}

// Event takes in what has happened now.
func (b *Board) Event(e runner.Event, now time.Duration) {
	if e.Kind == "phase" || e.At > 0 {
		b.origin = now - e.At
	}
	switch {
	case e.Kind == "phase":
		b.phase, b.since = e.Text, e.At
	case e.Fault != nil:
		b.fault(*e.Fault, e.At)
	case e.Kind == "note":
		b.note = oneLine(e.Text)
	}
}

// fault takes in a step of a fault.
func (b *Board) fault(step runner.FaultStep, at time.Duration) {
	b.struck[step.ID] = true
	i := slices.IndexFunc(b.force, func(f inForce) bool { return f.step.ID == step.ID })
	switch {
	case step.Stage == history.StageHealed && i >= 0:
		b.force = slices.Delete(b.force, i, i+1)
	case step.Stage == history.StageHealed:
	case i < 0 && step.Stage == history.StageFailed: // there was nobody to hurt
	case i >= 0:
		if step.Says == "" {
			step.Says = b.force[i].step.Says
		}
		b.force[i].step = step
	default:
		f := inForce{step: step, from: at}
		if in, ok := b.planned(step.ID); ok {
			f.long = in.For
		}
		b.force = append(b.force, f)
	}
}

func (b *Board) planned(id string) (nemesis.Injection, bool) {
	i := slices.IndexFunc(b.run.Faults, func(in nemesis.Injection) bool { return in.ID == id })
	if i < 0 {
		return nemesis.Injection{}, false
	}
	return b.run.Faults[i], true
}

// Reading takes in the pace of the run.
func (b *Board) Reading(r runner.Reading) {
	b.reading = r
	b.rates = append(b.rates, r.Rate)
	if len(b.rates) > maxRates {
		b.rates = b.rates[1:]
	}
}

// next is the fault that comes next, if there is one.
func (b *Board) next(at time.Duration) (nemesis.Injection, bool) {
	for _, in := range b.run.Faults {
		if in.At >= at && !b.struck[in.ID] {
			return in, true
		}
	}
	return nemesis.Injection{}, false
}

// suffers are the kinds of the faults on a node, each once.
func (b *Board) suffers(node string) []string {
	var kinds []string
	for _, f := range b.force {
		seen := f.step.Stage == history.StageInForce || f.step.Stage == history.StageInject
		if seen && slices.Contains(f.step.Nodes, node) && !slices.Contains(kinds, f.step.Fault) {
			kinds = append(kinds, f.step.Fault)
		}
	}
	return kinds
}
