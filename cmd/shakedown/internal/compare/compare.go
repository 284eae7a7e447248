// Package compare puts two runs side by side: plan, rates, latencies, verdicts.
package compare

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
)

// A Comparison is two runs side by side.
type Comparison struct {
	A, B Side
	// SamePlan tells that the plans are the same, byte for byte.
	SamePlan bool
	// Rows are the figures, Checks the verdicts, each in words.
	Rows, Checks []report.ComparedRow
}

// A Side is one of the two runs.
type Side struct {
	ID, Scenario string
	facts        map[string]string
	checks       map[string]string
	plan         []byte // its digest; empty if there is none
}

// Of compares two sides.
func Of(a, b Side) Comparison {
	return Comparison{
		A: a, B: b, SamePlan: len(a.plan) > 0 && bytes.Equal(a.plan, b.plan),
		Rows: rows(names(), a.facts, b.facts), Checks: rows(keysOf(a.checks, b.checks), a.checks, b.checks),
	}
}

// names are the figures that are compared, in order.
func names() []string {
	return []string{"scenario", "verdict", "expected", "started", "seed", "shakedown", "image", "docker", "host", "ended",
		"operations", "ok", "fail", "unknown", "length", "ok a second", "latency p50", "latency p95", "latency p99", "latency max", "faults", "faults that took hold"}
}

func keysOf(a, b map[string]string) []string {
	var out []string
	for _, m := range []map[string]string{a, b} {
		for k := range m {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	slices.Sort(out)
	return out
}

func rows(names []string, a, b map[string]string) []report.ComparedRow {
	var out []report.ComparedRow
	for _, n := range names {
		if a[n] != "" || b[n] != "" {
			out = append(out, report.ComparedRow{Name: n, A: a[n], B: b[n], Differs: a[n] != b[n]})
		}
	}
	return out
}

// Read reads what is compared of a run. What cannot be read is left out.
func Read(f *store.Folder) Side {
	s := Side{ID: f.ID(), Scenario: f.Scenario(), facts: map[string]string{"scenario": f.Scenario()}, checks: map[string]string{}}
	var run store.RunInfo
	if f.ReadJSON(store.RunFile, &run) == nil {
		s.facts["started"] = run.Started.UTC().Format("2006-01-02 15:04:05")
		s.facts["seed"] = fmt.Sprint(run.Seed)
		s.facts["shakedown"] = strings.TrimSpace(run.Shakedown.Version + " " + run.Shakedown.Commit)
		s.facts["image"] = strings.TrimSpace(run.Image.Ref + " " + run.Image.ID)
		s.facts["docker"] = run.Docker.Engine
		s.facts["host"] = strings.TrimSpace(run.Host.OS + " " + run.Host.Arch + " " + run.Host.Kernel)
	}
	var result store.Result
	s.facts["verdict"] = "not judged"
	if f.ReadJSON(store.ResultFile, &result) == nil {
		s.facts["verdict"], s.facts["expected"] = report.Word(result.Verdict), result.Expect
		for _, c := range result.Checks {
			s.checks[c.Check] = strings.TrimRight(report.Word(c.Verdict)+": "+strings.Join(c.Says[:min(1, len(c.Says))], ""), ": ")
		}
	}
	s.plan = digest(f, store.PlanFile)
	s.readHistory(f)
	return s
}

// digest is that of a file, empty if it cannot be read.
func digest(f *store.Folder, name string) []byte {
	file, err := f.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil
	}
	return sum.Sum(nil)
}

// readHistory adds the figures of what the clients saw. Of all that is read, only
// how long operations took is kept, and what the nemesis did.
func (s *Side) readHistory(f *store.Folder) {
	file, err := f.Open(store.HistoryFile)
	if err != nil {
		return
	}
	defer file.Close()
	var seen tally
	if err := history.Each(file, seen.see); err != nil || seen.events == 0 {
		return
	}
	end, h := seen.last, history.New(seen.nemesis)
	counts, took := seen.counts, seen.took
	s.facts["operations"] = grouped(counts[1] + counts[2] + counts[3])
	s.facts["ok"], s.facts["fail"], s.facts["unknown"] = grouped(counts[history.OK]), grouped(counts[history.Fail]), grouped(counts[history.Info])
	s.facts["length"] = short(end)
	s.facts["ended"] = map[bool]string{true: "whole", false: "cut short"}[h.Ended()]
	if end > 0 {
		s.facts["ok a second"] = fmt.Sprintf("%.0f", float64(counts[history.OK])/end.Seconds())
	}
	slices.Sort(took)
	for _, p := range []struct {
		name  string
		share float64
	}{{"latency p50", 0.5}, {"latency p95", 0.95}, {"latency p99", 0.99}, {"latency max", 1}} {
		if n := len(took); n > 0 {
			s.facts[p.name] = short(took[min(int(p.share*float64(n)), n-1)])
		}
	}
	s.addFaults(h.Faults())
}

// A tally is what a comparison wants to know of a history.
type tally struct {
	events  int
	counts  [4]int // by how operations ended
	took    []time.Duration
	nemesis []history.Op
	last    time.Duration
	open    map[int]time.Duration // when the operation of a process began
}

// see adds an event.
func (t *tally) see(op *history.Op) error {
	t.events++
	t.last = max(t.last, op.Time)
	switch {
	case op.Process == history.Nemesis:
		t.nemesis = append(t.nemesis, *op)
	case op.Type == history.Invoke:
		if t.open == nil {
			t.open = map[int]time.Duration{}
		}
		t.open[op.Process] = op.Time
		t.counts[history.Info]++ // until it is known to have ended otherwise
	default:
		began, ok := t.open[op.Process]
		if !ok {
			break
		}
		delete(t.open, op.Process)
		t.counts[history.Info]--
		t.counts[op.Type]++
		if op.Type == history.OK {
			t.took = append(t.took, op.Time-began)
		}
	}
	return nil
}

func (s *Side) addFaults(faults []history.FaultWindow) {
	held := 0
	for _, f := range faults {
		if f.TookHold() {
			held++
		}
	}
	s.facts["faults"], s.facts["faults that took hold"] = fmt.Sprint(len(faults)), fmt.Sprint(held)
}

// grouped writes a number in groups of three.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// short is a length of time with about three digits.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}
