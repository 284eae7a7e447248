package report

import (
	"cmp"
	"regexp"
	"slices"
	"time"
)

// A logMark is a line of a node's log that deserves a place on the time axis.
type logMark struct {
	At   int64  `json:"at"`
	Node string `json:"node"`
	Kind string `json:"kind"` // "leader", "lost", "start", "panic", "error" or "warning"
	Text string `json:"text"`
}

var (
	ledPattern   = regexp.MustCompile(`(?i)\bbecame (?:the )?(?:leader|primary|master)\b|\bbecomes leader\b`)
	lostPattern  = regexp.MustCompile(`(?i)\blost (?:the )?leader\b|\bstepp(?:ed|ing) down\b`)
	startPattern = regexp.MustCompile(`(?i)\bstarting (?:etcd|server|node|up)\b|\bserver started\b|\bready to serve\b`)
	panicPattern = regexp.MustCompile(`(?i)^panic:|\bfatal\b|data corruption|"level":"(?:fatal|panic)"`)
	errorPattern = regexp.MustCompile(`"level":"error"|\bERROR\b|level=error`)
	warnPattern  = regexp.MustCompile(`"level":"warn"|\bWARN(?:ING)?\b|level=warn`)
)

// kindOf sorts a line; empty for one that is of no interest on an axis.
func kindOf(text string) string {
	switch {
	case panicPattern.MatchString(text):
		return "panic"
	case ledPattern.MatchString(text):
		return "leader"
	case lostPattern.MatchString(text):
		return "lost"
	case startPattern.MatchString(text):
		return "start"
	case errorPattern.MatchString(text):
		return "error"
	case warnPattern.MatchString(text):
		return "warning"
	}
	return ""
}

// marks are the lines for the axis. Where there are too many, warnings go first.
func (f *facts) marks() []logMark {
	out := []logMark{}
	for _, n := range f.logs {
		for _, l := range n.Lines {
			if !l.Timed || l.At < 0 || l.At > f.end {
				continue
			}
			if kind := kindOf(l.Text); kind != "" {
				out = append(out, logMark{micros(l.At), n.Node, kind, clip(l.Text, 200)})
			}
		}
	}
	for _, kind := range []string{"warning", "error"} {
		if len(out) > maxMarks {
			out = slices.DeleteFunc(out, func(m logMark) bool { return m.Kind == kind })
		}
	}
	out = out[:min(len(out), maxMarks)]
	slices.SortStableFunc(out, func(a, b logMark) int { return cmp.Compare(a.At, b.At) })
	return out
}

// leaders are the stretches between one node's word that it leads and the
// next's. It is what the nodes say, and two may believe it at once.
func (f *facts) leaders() []payloadSpan {
	type claim struct {
		at   time.Duration
		node string
	}
	var claims []claim
	for _, n := range f.logs {
		for _, l := range n.Lines {
			if l.Timed && l.At <= f.end && ledPattern.MatchString(l.Text) {
				claims = append(claims, claim{l.At, n.Node})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.at, b.at) })
	out := []payloadSpan{}
	for i, c := range claims {
		to := f.end
		if i+1 < len(claims) {
			to = claims[i+1].at
		}
		if to > 0 {
			out = append(out, payloadSpan{c.node, max(micros(c.at), 0), micros(to)})
		}
	}
	return out
}
