package report

import (
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The measures of the picture of a counterexample.
const (
	diagramWidth = 1000
	diagramLeft  = 150
	stepHeight   = 40
	bandHeight   = 22
)

// A diagram shows the operations of a counterexample at their real moments,
// one below the other, and behind them the faults that were in force.
type diagram struct {
	Width, Left, Height int
	StepsTop            int
	Bands               []band
	Bars                []stepBar
	Ticks               []tick
	From, To            string
}

// A band is a fault: a hatched bar at the top, and its shade over all steps.
type band struct {
	X, W  float64
	Y     int
	Name  string
	TextX float64
	Kind  string // "force" if it took hold, else "failed"
	Title string
}

// A stepBar is an operation. An open one has no end that anyone knows.
type stepBar struct {
	X, W         float64
	Y            int
	Index        int
	Who, Node    string
	What         string
	TextX        float64
	Anchor       string
	Word         string
	Open         bool
	Right, Title string
	RightX       float64
}

// A ruler maps a stretch of time to the picture.
type ruler struct{ from, to time.Duration }

func (r ruler) x(t time.Duration) float64 {
	t = min(max(t, r.from), r.to)
	return diagramLeft + float64(diagramWidth-diagramLeft-14)*float64(t-r.from)/float64(r.to-r.from)
}

// newDiagram draws the steps with some room on both sides.
func newDiagram(steps []step, faults []history.FaultWindow, end time.Duration) *diagram {
	r := ruler{from: steps[0].operation.Start(), to: 0}
	for _, s := range steps {
		r.from = min(r.from, s.operation.Start())
		r.to = max(r.to, until(s.operation))
	}
	room := max((r.to-r.from)/10, 100*time.Microsecond)
	r.from, r.to = max(r.from-room, 0), r.to+room
	d := &diagram{Width: diagramWidth, Left: diagramLeft, From: seconds(r.from), To: seconds(r.to)}
	d.addBands(r, faults)
	d.StepsTop = 8 + len(d.Bands)*bandHeight
	for i, s := range steps {
		d.Bars = append(d.Bars, newStepBar(r, s, d.StepsTop+6+i*stepHeight))
	}
	d.Height = d.StepsTop + len(steps)*stepHeight + 30
	d.Ticks = diagramTicks(r)
	return d
}

// until is where an operation's bar ends: an unknown one is known to be open
// until its client gave up.
func until(o history.Operation) time.Duration {
	if o.Complete == nil {
		return o.Start()
	}
	return o.Complete.Time
}

func (d *diagram) addBands(r ruler, faults []history.FaultWindow) {
	const most = 8
	for _, f := range faults {
		if len(d.Bands) == most || !f.Covers(r.from, r.to) {
			continue
		}
		from, to := f.Inject, f.Healed
		if to < 0 {
			to = r.to
		}
		b := band{X: r.x(from), Y: 6 + len(d.Bands)*bandHeight, Name: f.ID, Kind: "force", Title: describe(f)}
		if f.Says != "" {
			b.Name += ": " + clip(f.Says, 80)
		}
		if !f.TookHold() {
			b.Kind, b.Name = "failed", b.Name+" (did not take hold)"
		}
		b.W = max(r.x(to)-b.X, 2)
		b.TextX = b.X + 6
		if b.X > diagramWidth*6/10 {
			b.TextX = diagramLeft + 6
		}
		d.Bands = append(d.Bands, b)
	}
}

func newStepBar(r ruler, s step, y int) stepBar {
	b := stepBar{
		X: r.x(s.operation.Start()), Y: y, Index: s.Index, Who: "process " + grouped(s.Process), Node: s.Node, What: clip(s.What, 90),
		Word: s.Word, Open: s.operation.Type() == history.Info, Anchor: "start",
	}
	b.W = max(r.x(until(s.operation))-b.X, 3)
	b.TextX = b.X
	if b.X > diagramWidth*6/10 {
		b.TextX, b.Anchor = b.X+b.W, "end"
	}
	b.RightX = diagramWidth - 14
	b.Title = strings.Join([]string{b.Who, s.Node, s.What, s.From + " to " + s.To, s.Word}, ", ")
	return b
}

// diagramTicks are about six round moments.
func diagramTicks(r ruler) []tick {
	step := time.Microsecond
	for _, unit := range []time.Duration{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9} {
		steps := []time.Duration{unit * time.Microsecond, 2 * unit * time.Microsecond, 5 * unit * time.Microsecond}
		if i := slices.IndexFunc(steps, func(s time.Duration) bool { return (r.to-r.from)/s <= 7 }); i >= 0 {
			step = steps[i]
			break
		}
	}
	var out []tick
	for t := (r.from/step + 1) * step; t <= r.to && len(out) < 20; t += step {
		label := t.String()
		if r.x(t) > diagramWidth-40 {
			label = "" // it would not fit
		}
		out = append(out, tick{X: r.x(t), Label: label})
	}
	return out
}
