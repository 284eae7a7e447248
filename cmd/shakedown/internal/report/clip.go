package report

import (
	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// How much of a text a page shows. Names, nodes and values come from strangers
// and may be of any size; a page that shows a megabyte shows nothing.
const (
	maxName     = 200
	maxSentence = 1600
)

// clip cuts a text that is too long for a page, at the end of a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "… (" + plural(len(s), "byte") + ")"
}

func clipAll(texts []string, most int) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, clip(t, most))
	}
	return out
}

// clipped is r with all its texts short enough; the history stays as it is.
func (r Run) clipped() Run {
	r.ID, r.Scenario, r.System, r.Folder = clip(r.ID, maxName), clip(r.Scenario, maxName), clip(r.System, maxName), clip(r.Folder, maxName*4)
	r.About, r.Reasons = clip(r.About, maxSentence), clipAll(r.Reasons, maxSentence)
	results := make([]checkers.Result, 0, len(r.Results))
	for _, c := range r.Results {
		c.Check, c.Says = clip(c.Check, maxName), clipAll(c.Says, maxSentence)
		counts := make(map[string]int64, len(c.Counts))
		for name, n := range c.Counts {
			counts[clip(name, maxName)] = n
		}
		c.Counts, c.Findings, c.Rule = counts, clippedFindings(c.Findings), clippedRule(c.Rule)
		results = append(results, c)
	}
	r.Results = results
	planned := make([]Planned, 0, len(r.Planned))
	for _, p := range r.Planned {
		p.ID, p.Fault, p.Says, p.When = clip(p.ID, maxName), clip(p.Fault, maxName), clip(p.Says, maxName), clip(p.When, maxName)
		planned = append(planned, p)
	}
	r.Planned = planned
	facts := make([]Fact, 0, len(r.Facts))
	for _, f := range r.Facts {
		facts = append(facts, Fact{clip(f.Name, maxName), clip(f.Value, maxSentence)})
	}
	r.Facts = facts
	if r.Compared != nil {
		c := *r.Compared
		c.With, c.Why, c.Says, c.Rows, c.Checks = clip(c.With, maxName), clip(c.Why, maxName), clip(c.Says, maxName), clippedRows(c.Rows), clippedRows(c.Checks)
		r.Compared = &c
	}
	return r
}

func clippedRows(rows []ComparedRow) []ComparedRow {
	out := make([]ComparedRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, ComparedRow{clip(row.Name, maxName), clip(row.A, maxName*2), clip(row.B, maxName*2), row.Differs})
	}
	return out
}

func clippedFindings(findings []checkers.Finding) []checkers.Finding {
	var out []checkers.Finding
	for _, f := range findings {
		f.Kind, f.Says = clip(f.Kind, maxName), clipAll(f.Says, maxSentence)
		edges := make([]checkers.Edge, 0, len(f.Cycle))
		for _, e := range f.Cycle {
			e.From, e.To, e.Kind, e.Key = clip(e.From, 20), clip(e.To, 20), clip(e.Kind, 20), clip(e.Key, maxName)
			e.Says = clip(e.Says, maxSentence)
			edges = append(edges, e)
		}
		f.Cycle = edges
		out = append(out, f)
	}
	return out
}

func clippedRule(r *checkers.Rule) *checkers.Rule {
	if r == nil {
		return nil
	}
	short := *r
	short.Says, short.Origin = clip(r.Says, maxSentence), clip(r.Origin, maxSentence)
	return &short
}

// clippedFaults are the faults of a history with short texts.
func clippedFaults(h *history.History) []history.FaultWindow {
	windows := h.Faults()
	for i := range windows {
		w := &windows[i]
		w.ID, w.Fault, w.Role = clip(w.ID, maxName), clip(w.Fault, maxName), clip(w.Role, maxName)
		w.Says, w.Evidence, w.Error = clip(w.Says, maxName*2), clip(w.Evidence, maxName*2), clip(w.Error, maxName*2)
		w.Nodes = clipAll(w.Nodes, maxName)
	}
	return windows
}

// clippedPhases are the phases of a history with short names.
func clippedPhases(h *history.History) []history.PhaseWindow {
	phases := h.Phases()
	for i := range phases {
		phases[i].Name = clip(phases[i].Name, maxName)
	}
	return phases
}
