package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The measures of the timeline, in the units of its picture.
const (
	timelineWidth = 1000
	timelineLeft  = 110 // where the time axis begins; names stand left of it
	laneHeight    = 22
	rateHeight    = 90
	maxBuckets    = 300
)

// A timeline is the run on one time axis, ready to be drawn.
type timeline struct {
	Width, Left, Height int
	PhasesBottom        int
	Phases              []phaseBand
	Lanes               []lane
	RateTop, RateBottom int
	Bars                []bar
	Ticks               []tick
	PeakPerSecond       int
}

// A phaseBand is the stretch of one phase.
type phaseBand struct {
	X, W float64
	Name string
	Odd  bool
}

// A lane is the row of one fault.
type lane struct {
	Y, TextY int
	Name     string
	Marks    []mark
}

// A mark is a window of one injection: where the plan put it ("planned"), the
// time between the request and the proof ("injecting", "healing"), or the time
// for which it was shown to bite ("force"). Failed marks never took hold.
type mark struct {
	X, W  float64
	Kind  string
	Title string
}

// A bar is one slice of time with the operations that were invoked in it.
type bar struct {
	X, W         float64
	OKY, OKH     float64
	FailY, FailH float64
	InfoY, InfoH float64
	Title        string
}

// A tick is a labelled moment of the axis.
type tick struct {
	X     float64
	Label string
}

// A scale maps moments of the history to the picture.
type scale struct{ end time.Duration }

func (s scale) x(t time.Duration) float64 {
	t = min(max(t, 0), s.end)
	return timelineLeft + float64(timelineWidth-timelineLeft-10)*float64(t)/float64(s.end)
}

// span is a stretch in the picture, never too thin to be seen.
func (s scale) span(from, to time.Duration) (x, w float64) {
	x = s.x(from)
	return x, max(s.x(to)-x, 1.5)
}

// newTimeline lays r out; ok is false when there is nothing to lay out.
func newTimeline(f *facts) (t timeline, ok bool) {
	r := f.run
	if r.History == nil || len(r.History.Ops) == 0 {
		return timeline{}, false
	}
	s := scale{end: f.end}
	phases := f.phases
	t = timeline{Width: timelineWidth, Left: timelineLeft}
	t.Phases = phaseBands(s, phases)
	y := 24
	t.Lanes, y = lanes(s, y, f)
	t.RateTop = y + 12
	t.RateBottom = t.RateTop + rateHeight
	t.Bars, t.PeakPerSecond = bars(s, f.operations, float64(t.RateBottom))
	t.PhasesBottom = t.RateBottom
	t.Ticks = ticks(s)
	t.Height = t.RateBottom + 24
	return t, true
}

func phaseBands(s scale, phases []history.PhaseWindow) []phaseBand {
	var out []phaseBand
	for i, p := range phases {
		x, w := s.span(p.From, p.To)
		out = append(out, phaseBand{X: x, W: w, Name: p.Name, Odd: i%2 == 1})
	}
	return out
}

// lanes gives each fault of the plan or the history a row.
func lanes(s scale, y int, f *facts) ([]lane, int) {
	r, origin := f.run, f.origin()
	var out []lane
	row := func(name string) *lane {
		for i := range out {
			if out[i].Name == name {
				return &out[i]
			}
		}
		out = append(out, lane{Name: name, Y: y, TextY: y + 15})
		y += laneHeight
		return &out[len(out)-1]
	}
	for _, p := range r.Planned {
		x, w := s.span(origin+p.At, origin+p.At+p.For)
		l := row(p.Fault)
		l.Marks = append(l.Marks, mark{X: x, W: w, Kind: "planned", Title: p.ID + " planned: " + p.Says})
	}
	for _, w := range f.windows {
		l := row(w.Fault)
		l.Marks = append(l.Marks, faultMarks(s, w)...)
		if at := f.recovered(w); at >= 0 {
			x, _ := s.span(at, at)
			l.Marks = append(l.Marks, mark{X: x, W: 3, Kind: "recovered", Title: w.ID + ": its nodes had served again by " + seconds(at)})
		}
	}
	return out, y
}

// faultMarks draws one injection as it really went.
func faultMarks(s scale, f history.FaultWindow) []mark {
	if f.Inject < 0 {
		return nil
	}
	title := describe(f)
	until := func(t time.Duration) time.Duration {
		if t < 0 {
			return s.end
		}
		return t
	}
	if !f.TookHold() {
		x, w := s.span(f.Inject, until(f.Heal))
		return []mark{{X: x, W: w, Kind: "failed", Title: title}}
	}
	out := make([]mark, 0, 3)
	x, w := s.span(f.Inject, f.InForce)
	out = append(out, mark{X: x, W: w, Kind: "injecting", Title: title})
	x, w = s.span(f.InForce, until(f.Heal))
	out = append(out, mark{X: x, W: w, Kind: "force", Title: title})
	if f.Heal >= 0 {
		x, w = s.span(f.Heal, until(f.Healed))
		out = append(out, mark{X: x, W: w, Kind: "healing", Title: title})
	}
	return out
}

// describe is a fault in a line.
func describe(f history.FaultWindow) string {
	s := f.ID
	if f.Says != "" {
		s += ": " + f.Says
	}
	if f.Recovered >= 0 {
		return fmt.Sprintf("%s (injected %s, in force %s, healed %s, recovered %s)", s, moment(f.Inject), moment(f.InForce), moment(f.Healed), moment(f.Recovered))
	}
	return fmt.Sprintf("%s (injected %s, in force %s, healed %s)", s, moment(f.Inject), moment(f.InForce), moment(f.Healed))
}

// bars counts the operations by the moment of their invocation.
func bars(s scale, operations []history.Operation, bottom float64) ([]bar, int) {
	width := time.Second
	for s.end/width > maxBuckets {
		width *= 2
	}
	counts := make([]Count, s.end/width+1)
	for _, o := range operations {
		if i := int(o.Start() / width); i >= 0 && i < len(counts) {
			counts[i].add(o.Type())
		}
	}
	peak := slices.MaxFunc(counts, func(a, b Count) int { return a.Total() - b.Total() }).Total()
	var out []bar
	for i, c := range counts {
		if c.Total() > 0 {
			out = append(out, newBar(s, time.Duration(i)*width, width, c, rateHeight/float64(peak), bottom))
		}
	}
	return out, int(float64(peak) / width.Seconds())
}

// newBar stacks one slice: ok at the bottom, then fail, then unknown.
func newBar(s scale, from, width time.Duration, c Count, unit, bottom float64) bar {
	x, w := s.span(from, from+width)
	b := bar{X: x, W: max(w-0.5, 1)}
	b.OKH, b.FailH, b.InfoH = float64(c.OK)*unit, float64(c.Fail)*unit, float64(c.Info)*unit
	b.OKY = bottom - b.OKH
	b.FailY = b.OKY - b.FailH
	b.InfoY = b.FailY - b.InfoH
	b.Title = fmt.Sprintf("%s–%s: %d ok, %d fail, %d unknown", seconds(from), seconds(from+width), c.OK, c.Fail, c.Info)
	return b
}

// ticks are about ten round moments.
func ticks(s scale) []tick {
	step := time.Second
	for _, f := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600} {
		step = f * time.Second
		if s.end/step <= 12 {
			break
		}
	}
	var out []tick
	for t := time.Duration(0); t <= s.end && len(out) < 100; t += step {
		out = append(out, tick{X: s.x(t), Label: t.String()})
	}
	return out
}
