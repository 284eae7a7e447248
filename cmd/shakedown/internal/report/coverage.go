package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A coverage tells which faults hit which role in which phase. What stays
// empty was not tested, whatever the verdict says.
type coverage struct {
	Phases  []string
	Rows    []coverageRow
	Empty   int
	Untried string // faults that exist and were not used at all
}

// A coverageRow is one fault on one role.
type coverageRow struct {
	Fault, Role string
	Cells       []coverageCell
}

// A coverageCell counts the injections in one phase, and those that took hold.
type coverageCell struct{ Injected, Held int }

// aftermath tells the phases that come after the plan's own.
func aftermath(phase string) bool {
	return phase == "heal" || phase == "settle" || phase == "final-reads"
}

// The roles that a fault can hit, where the leader is known.
const (
	anyRole   = "not known"
	leader    = "the leader"
	followers = "others"
	everybody = "the leader and others"
)

// coverage counts the injections by fault, role and phase. Where the leader is
// known, each fault has a row for it and one for the others if there are any,
// though they be empty.
func (f *facts) coverage() coverage {
	var c coverage
	for _, p := range f.phases {
		if !aftermath(p.Name) && !slices.Contains(c.Phases, p.Name) {
			c.Phases = append(c.Phases, p.Name)
		}
	}
	leaders := f.leaders()
	for _, fault := range f.faultNames() {
		if len(leaders) > 0 {
			c.row(fault, leader)
			if len(f.nodes()) > 1 {
				c.row(fault, followers)
			}
		}
	}
	for _, w := range f.windows {
		if w.Inject < 0 {
			continue
		}
		if i := slices.Index(c.Phases, f.phaseAt(w.Inject)); i >= 0 {
			cell := &c.row(w.Fault, roleOf(w, leaders)).Cells[i]
			cell.Injected++
			if w.TookHold() {
				cell.Held++
			}
		}
	}
	for _, fault := range f.faultNames() {
		if !slices.ContainsFunc(c.Rows, func(r coverageRow) bool { return r.Fault == fault }) {
			c.row(fault, anyRole)
		}
	}
	c.finish()
	return c
}

// faultNames are the faults of the plan and of the history.
func (f *facts) faultNames() []string {
	var names []string
	for _, p := range f.run.Planned {
		names = append(names, p.Fault)
	}
	for _, w := range f.windows {
		names = append(names, w.Fault)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// roleOf tells whom a fault hit: by the word of whoever chose the nodes, or by
// the leader at the moment of the injection as the nodes' logs tell it.
func roleOf(w history.FaultWindow, leaders []payloadSpan) string {
	if w.Role == "leader" {
		return leader
	}
	at := micros(w.Inject)
	i := slices.IndexFunc(leaders, func(l payloadSpan) bool { return l.From <= at && at < l.To })
	switch {
	case len(leaders) == 0 && w.Role == "":
		return anyRole
	case w.Role != "":
		return w.Role
	case i < 0:
		return "nobody led"
	case !slices.Contains(w.Nodes, leaders[i].Name):
		return followers
	case len(w.Nodes) == 1:
		return leader
	}
	return everybody
}

// row finds the row of a fault on a role, or makes it.
func (c *coverage) row(fault, role string) *coverageRow {
	for i := range c.Rows {
		if c.Rows[i].Fault == fault && c.Rows[i].Role == role {
			return &c.Rows[i]
		}
	}
	c.Rows = append(c.Rows, coverageRow{Fault: fault, Role: role, Cells: make([]coverageCell, len(c.Phases))})
	return &c.Rows[len(c.Rows)-1]
}

func (c *coverage) finish() {
	slices.SortStableFunc(c.Rows, func(a, b coverageRow) int { return strings.Compare(a.Fault+a.Role, b.Fault+b.Role) })
	for _, r := range c.Rows {
		for _, cell := range r.Cells {
			if cell.Held == 0 {
				c.Empty++
			}
		}
	}
	var untried []string
	for _, w := range scenarios.Faults() {
		if !slices.ContainsFunc(c.Rows, func(r coverageRow) bool { return r.Fault == w.Name }) {
			untried = append(untried, w.Name)
		}
	}
	c.Untried = strings.Join(untried, ", ")
}

// phaseAt is the phase at a moment.
func (f *facts) phaseAt(t time.Duration) string {
	for _, p := range f.phases {
		if p.From <= t && t < p.To {
			return p.Name
		}
	}
	return ""
}

// goodness are the figures that tell how hard the test tried.
func (f *facts) goodness() []Fact {
	if len(f.operations) == 0 {
		return nil
	}
	most, mean := concurrency(f.run.History)
	keys := map[string]bool{}
	for _, o := range f.operations {
		keys[o.Invoke.Key] = true
	}
	out := []Fact{
		{"operations with an unknown result", fmt.Sprintf("%s of %s (%.2f %%)", grouped(f.total.Info), grouped(f.total.Total()), 100*float64(f.total.Info)/float64(f.total.Total()))},
		{"operations at a time", fmt.Sprintf("%d at most, %.1f on average", most, mean)},
		{"keys touched", grouped(len(keys))},
	}
	if f.end > 0 && f.hasTimes {
		out = append(out, Fact{"rate", fmt.Sprintf("%.0f operations a second over the whole run", float64(f.total.Total())/f.end.Seconds())})
	}
	if leaders := f.leaders(); len(leaders) > 0 {
		out = append(out, Fact{"changes of the leader", fmt.Sprintf("%d, as the nodes' logs tell", len(leaders)-1)})
	}
	return out
}

// concurrency is how many operations were open at a time: at most, and on
// average over the time between the first event and the last.
func concurrency(h *history.History) (most int, mean float64) {
	open, area := 0, 0.0
	first, last := time.Duration(-1), time.Duration(0)
	busy := map[int]bool{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Process == history.Nemesis {
			continue
		}
		if first < 0 {
			first, last = op.Time, op.Time
		}
		area += float64(open) * float64(op.Time-last)
		last = op.Time
		switch {
		case op.Type == history.Invoke && !busy[op.Process]:
			busy[op.Process] = true
			open++
			most = max(most, open)
		case op.Type != history.Invoke && busy[op.Process]:
			delete(busy, op.Process)
			open--
		}
	}
	if last > first {
		mean = area / float64(last-first)
	}
	return most, mean
}
