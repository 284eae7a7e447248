package report

import (
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// facts are what the page's parts need of a history, found once: with a
// million operations, each further walk costs.
type facts struct {
	run        Run
	operations []history.Operation
	windows    []history.FaultWindow
	phases     []history.PhaseWindow
	announced  history.Announcement
	end        time.Duration
	total      Count
	served     map[string]*Count // by node
	logs       []nodeLog
	// hasTimes is false where only an order is known: each event then stands a
	// millisecond after the one before.
	hasTimes bool
}

func newFacts(r Run) *facts {
	f := &facts{run: r.clipped(), hasTimes: true}
	if r.History == nil {
		return f
	}
	if f.hasTimes = timed(r.History); !f.hasTimes {
		f.run.History = evenly(r.History)
	}
	h := f.run.History
	f.operations, f.windows, f.phases = h.Operations(), clippedFaults(h), clippedPhases(h)
	f.announced, _ = h.Announcement()
	f.announced.Nodes = clipAll(f.announced.Nodes, maxName)
	if n := len(h.Ops); n > 0 {
		f.end = max(h.Ops[n-1].Time, time.Millisecond)
	}
	f.served = map[string]*Count{}
	for _, o := range f.operations {
		f.total.add(o.Type())
		if f.served[o.Invoke.Node] == nil {
			f.served[o.Invoke.Node] = &Count{}
		}
		f.served[o.Invoke.Node].add(o.Type())
	}
	f.logs = readLogs(r, f.windows)
	return f
}

// nodes are the names of all nodes that appear anywhere, n2 before n10.
func (f *facts) nodes() []string {
	seen := map[string]bool{}
	for _, n := range f.announced.Nodes {
		seen[n] = true
	}
	for n := range f.served {
		if n != "" {
			seen[clip(n, maxName)] = true
		}
	}
	for _, w := range f.windows {
		for _, n := range w.Nodes {
			seen[n] = true
		}
	}
	for _, l := range f.logs {
		seen[l.Node] = true
	}
	var out []string
	for n := range seen {
		out = append(out, n)
	}
	slices.SortFunc(out, compareNodes)
	return out
}

// timed tells that the history's times mean something: in some that come from
// elsewhere all are zero, or only count the events.
func timed(h *history.History) bool {
	return !h.SessionOnly && len(h.Ops) > 0 && h.Ops[len(h.Ops)-1].Time-h.Ops[0].Time >= time.Millisecond
}

// evenly is a history with a millisecond between its events, so that their order
// can be drawn.
func evenly(h *history.History) *history.History {
	out := *h
	out.Ops = slices.Clone(h.Ops)
	for i := range out.Ops {
		out.Ops[i].Time = time.Duration(i) * time.Millisecond
	}
	return &out
}

// lanes is how many clients there are; 0 gives each process its own lane.
func (f *facts) lanes() int { return f.announced.Clients }

// payload is what the script draws beside the operations.
func (f *facts) payload() payload {
	p := payload{
		Count: len(f.operations), Clients: f.lanes(), End: micros(f.end), OrderOnly: !f.hasTimes,
		Phases: []payloadSpan{}, Faults: f.payloadFaults(), Nodes: f.nodes(), Clocks: clockOffsets(f.run.History),
		Leaders: f.leaders(), Marks: f.marks(), Evidence: []int{},
	}
	for _, w := range f.phases {
		p.Phases = append(p.Phases, payloadSpan{w.Name, micros(w.From), micros(w.To)})
	}
	for _, r := range f.run.Results {
		p.Evidence = append(p.Evidence, r.Evidence...)
	}
	return p
}
