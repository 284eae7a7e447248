package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
)

// A nodePart is what the page says about one node.
type nodePart struct {
	Node string
	Count
	State, Trouble string
	Problem        string
	Around         string // of which moment the lines are
	Lines          []shownLine
	Before, After  int // lines that are in the log and not on the page
}

// A shownLine is a line of a log on the page.
type shownLine struct{ At, Kind, Text string }

// nodeParts joins what the clients of each node saw with its logs.
func (f *facts) nodeParts() []nodePart {
	counts := map[string]Count{}
	for n, c := range f.served {
		counts[clip(n, maxName)] = *c
	}
	var out []nodePart
	for _, name := range f.nodes() {
		p := nodePart{Node: name, Count: counts[name]}
		for _, l := range f.logs {
			if l.Node == name {
				p.take(l, f.moment())
			}
		}
		out = append(out, p)
	}
	if c, ok := counts[""]; ok {
		out = append(out, nodePart{Node: "(no node named)", Count: c})
	}
	return out
}

// moment is where the logs are most interesting: at the last event that proves
// the first violation. It is negative if nothing went wrong.
func (f *facts) moment() time.Duration {
	for _, c := range f.run.with(checkers.Violation) {
		if n := len(c.Evidence); n > 0 && c.Evidence[n-1] < len(f.run.History.Ops) {
			return f.run.History.Ops[c.Evidence[n-1]].Time
		}
	}
	return -1
}

// take cuts the lines around the moment out of a log; without a moment, or
// without times in the log, the last ones.
func (p *nodePart) take(l nodeLog, moment time.Duration) {
	p.Problem = l.Problem
	state, trouble := l.State.words()
	p.State, p.Trouble = clip(state, maxName), clip(trouble, maxName)
	to := len(l.Lines)
	timed := slices.ContainsFunc(l.Lines, func(l logLine) bool { return l.Timed })
	if moment >= 0 && timed {
		at := slices.IndexFunc(l.Lines, func(l logLine) bool { return l.Timed && l.At > moment })
		if at >= 0 {
			to = min(at+shownLines/3, to)
		}
		p.Around = seconds(moment)
	}
	from := max(to-shownLines, 0)
	p.Before, p.After = from, len(l.Lines)-to
	for _, line := range l.Lines[from:to] {
		shown := shownLine{Kind: kindOf(line.Text), Text: printable(line.Text)}
		if line.Timed {
			shown.At = seconds(line.At)
		}
		p.Lines = append(p.Lines, shown)
	}
}

// words say how a container ended; trouble is what is wrong with that.
func (s nodeState) words() (state, trouble string) {
	if !s.Known {
		return "", ""
	}
	state = s.State.Status
	if s.State.Status == "exited" || s.State.ExitCode != 0 {
		state = fmt.Sprintf("%s with code %d", s.State.Status, s.State.ExitCode)
	}
	if s.RestartCount > 0 {
		state += fmt.Sprintf(", restarted %d times by docker", s.RestartCount)
	}
	switch {
	case s.State.OOMKilled:
		trouble = "it was killed because it had used up its memory"
	case s.State.Error != "":
		trouble = s.State.Error
	case s.State.Status == "exited":
		trouble = "it was not running at the end"
	}
	return state, trouble
}
