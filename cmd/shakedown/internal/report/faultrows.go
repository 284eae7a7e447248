package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A faultRow is a line of the table that tells whether the faults bit.
type faultRow struct {
	ID, What, Planned string
	Inject, InForce   string
	Heal, Healed      string
	Recovered         string
	Hold              string // "yes", "no" or "never injected"
	Evidence          string
	OKDuring          int
}

// origin is where the plan's time axis begins on that of the history.
func (f *facts) origin() time.Duration {
	if len(f.phases) == 0 {
		return 0
	}
	return f.phases[0].From
}

// faultRows joins the plan with what really happened.
func (f *facts) faultRows() []faultRow {
	planned := f.plannedByID()
	seen := map[string]bool{}
	ok := newOverlaps(f.operations)
	var out []faultRow
	for _, w := range f.windows {
		row := newFaultRow(w)
		row.OKDuring, row.Recovered = ok.during(w), moment(f.recovered(w))
		if p, known := planned[w.ID]; known {
			row.Planned = plannedText(p)
		}
		seen[w.ID] = true
		out = append(out, row)
	}
	for _, p := range f.run.Planned {
		if !seen[p.ID] {
			out = append(out, faultRow{ID: p.ID, What: p.Says, Hold: "never injected", Planned: plannedText(p)})
		}
	}
	return out
}

func (f *facts) plannedByID() map[string]Planned {
	planned := map[string]Planned{}
	for _, p := range f.run.Planned {
		planned[p.ID] = p
	}
	return planned
}

func plannedText(p Planned) string {
	if p.When != "" {
		return fmt.Sprintf("from %s on, %s, for %s", seconds(p.At), p.When, seconds(p.For))
	}
	return fmt.Sprintf("%s for %s", seconds(p.At), seconds(p.For))
}

func newFaultRow(w history.FaultWindow) faultRow {
	row := faultRow{
		ID: w.ID, What: strings.Join(w.Nodes, " "), Evidence: w.Evidence, Hold: "no",
		Inject: moment(w.Inject), InForce: moment(w.InForce), Heal: moment(w.Heal), Healed: moment(w.Healed),
	}
	if w.Says != "" && slices.ContainsFunc(w.Nodes, func(n string) bool { return strings.Contains(w.Says, n) }) {
		row.What = w.Says
	} else if w.Says != "" {
		row.What = strings.TrimSuffix(w.Says+" on "+row.What, " on ")
	}
	if w.Role != "" {
		row.What += " (" + w.Role + ")"
	}
	switch {
	case w.TookHold():
		row.Hold = "yes"
	case w.Inject < 0:
		row.Hold = "never injected"
	}
	if w.Error != "" {
		row.Evidence = strings.TrimPrefix(row.Evidence+"; "+w.Error, "; ")
	}
	return row
}

// overlaps answers how many operations were ok while a fault was in force
// without a walk over all of them for each fault.
type overlaps struct{ starts, ends []time.Duration }

func newOverlaps(operations []history.Operation) overlaps {
	var o overlaps
	for _, op := range operations {
		if op.Type() == history.OK {
			o.starts = append(o.starts, op.Start())
			o.ends = append(o.ends, op.End())
		}
	}
	slices.Sort(o.starts)
	slices.Sort(o.ends)
	return o
}

// during counts those that began before the fault was over, less those that
// were over before it began.
func (o overlaps) during(w history.FaultWindow) int {
	if w.Inject < 0 {
		return 0
	}
	began := len(o.starts)
	if w.Healed >= 0 {
		began, _ = slices.BinarySearch(o.starts, w.Healed+1)
	}
	over, _ := slices.BinarySearch(o.ends, w.Inject)
	return max(began-over, 0)
}

// payloadFaults are the faults for the time axis: those that were planned and
// never came too.
func (f *facts) payloadFaults() []payloadFault {
	planned := f.plannedByID()
	out := make([]payloadFault, 0, len(f.windows))
	for _, w := range f.windows {
		row := newFaultRow(w)
		p := payloadFault{
			ID: w.ID, Fault: w.Fault, Says: row.What, Nodes: w.Nodes, Evidence: row.Evidence, Held: w.TookHold(), PlanFrom: -1, PlanTo: -1,
			Inject: at(w.Inject), InForce: at(w.InForce), Heal: at(w.Heal), Healed: at(w.Healed), Recovered: at(f.recovered(w)),
		}
		if plan, ok := planned[w.ID]; ok {
			p.PlanFrom, p.PlanTo = micros(f.origin()+plan.At), micros(f.origin()+plan.At+plan.For)
			delete(planned, w.ID)
		}
		out = append(out, p)
	}
	for _, plan := range f.run.Planned {
		if _, left := planned[plan.ID]; left {
			out = append(out, payloadFault{ID: plan.ID, Fault: plan.Fault, Says: plan.Says, Evidence: "never injected",
				PlanFrom: micros(f.origin() + plan.At), PlanTo: micros(f.origin() + plan.At + plan.For),
				Inject: -1, InForce: -1, Heal: -1, Healed: -1, Recovered: -1})
		}
	}
	return out
}

// at is a moment for the script; one that did not come stays negative.
func at(t time.Duration) int64 {
	if t < 0 {
		return -1
	}
	return micros(t)
}

// recovered is when each node of the fault had served an operation that was
// invoked after the heal began; -1 if one did not. Where the history does not
// say, as those of older programs, it is found here.
func (f *facts) recovered(w history.FaultWindow) time.Duration {
	if w.Recovered >= 0 || slices.ContainsFunc(f.windows, func(o history.FaultWindow) bool { return o.Recovered >= 0 }) {
		return w.Recovered
	}
	if w.Heal < 0 || len(w.Nodes) == 0 {
		return -1
	}
	waiting := map[string]bool{}
	for _, n := range w.Nodes {
		waiting[n] = true
	}
	from, _ := slices.BinarySearchFunc(f.operations, w.Heal, func(o history.Operation, t time.Duration) int { return int(o.Start() - t) })
	last := time.Duration(-1)
	for _, o := range f.operations[from:] {
		if o.Type() != history.OK || !waiting[o.Invoke.Node] {
			continue
		}
		delete(waiting, o.Invoke.Node)
		last = max(last, o.Complete.Time)
		if len(waiting) == 0 {
			return last
		}
	}
	return -1
}
