package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// Without this a sentence could link to what is no event, or lose its text.
func TestPieces(t *testing.T) {
	tests := map[string][]piece{
		"":                           {{"", -1}},
		"plain":                      {{"plain", -1}},
		"read 1 (#12), then #3.":     {{"read 1 (", -1}, {"#12", 12}, {"), then ", -1}, {"#3", 3}, {".", -1}},
		"storm/split#1 was in force": {{"storm/split#1 was in force", -1}},
		"#7":                         {{"#7", 7}},
		"#12345678901234567890":      {{"#12345678901234567890", -1}},
		"no # alone, no #x":          {{"no # alone, no #x", -1}},
	}
	for in, want := range tests {
		if diff := cmp.Diff(want, pieces(in)); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}

// Without this the counterexample could miss an operation, or show another.
func TestStory(t *testing.T) {
	r := sampleRun(t)
	r.Results[1].Evidence = []int{3, 9, -1, 4, 9999, 17} // a completion, an invocation, nonsense, a phase, nonsense, one that never ended
	s := newFacts(r).stories()
	if len(s) != 1 || len(s[0].Proofs) != 1 || len(s[0].Proofs[0].Steps) != 3 {
		t.Fatalf("the stories are %+v, want one with 3 steps", s)
	}
	var got []string
	for _, step := range s[0].Proofs[0].Steps {
		got = append(got, fmt.Sprint(step.Index, " ", step.Done, " ", step.Process, " ", step.Node, " ", step.What, " ", step.Word, " ", step.To))
	}
	want := []string{"2 3 0 n1 write r1 = 1 ok 0.200s", "9 10 1 n2 write r1 = 1 unknown 2.200s", "17 -1 0 n1 write r1 = 1 unknown never"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out := render(t, r)
	for _, part := range []string{`<a href="#op9">#9</a> <a href="#op10">#10</a>`, `class="diagram"`, `class="open"`, "on n2</text>"} {
		if !strings.Contains(out, part) {
			t.Errorf("the page has no %s", part)
		}
	}
}

// Without this a counterexample of a thousand operations would be no page.
func TestStoryIsShort(t *testing.T) {
	r := longRun(2_000, 4)
	r.Results[0].Evidence = nil
	for i := range 900 {
		r.Results[0].Evidence = append(r.Results[0].Evidence, i)
	}
	s := newFacts(r).stories()[0].Proofs[0]
	if len(s.Steps) != maxSteps || s.More < 100 {
		t.Errorf("%d steps are shown and %d are not, want %d", len(s.Steps), s.More, maxSteps)
	}
}

// Without this the diagram could show a moment where it was not.
func TestDiagramIsDrawnToTime(t *testing.T) {
	r := sampleRun(t)
	r.Results[1].Evidence = []int{7, 9, 11}
	f := newFacts(r)
	d := f.stories()[0].Proofs[0].Diagram
	if len(d.Bars) != 3 || len(d.Bands) != 1 {
		t.Fatalf("%d bars and %d bands, want 3 and 1 (the pause came later)", len(d.Bars), len(d.Bands))
	}
	// 1.2 s and 2.3 s begin 1.1 s apart; the first bar ends at 1.3 s, 0.1 s later.
	apart, long := d.Bars[2].X-d.Bars[0].X, d.Bars[0].W
	if ratio := apart / long; ratio < 10.9 || ratio > 11.1 {
		t.Errorf("1.1 s is drawn %.2f times as long as 0.1 s", ratio)
	}
	if !d.Bars[1].Open || d.Bars[0].Open {
		t.Error("only the unknown operation has an open end")
	}
}

// Without this an empty cell could pass for a test that was made.
func TestCoverage(t *testing.T) {
	c := newFacts(sampleRun(t)).coverage()
	var got []string
	for _, row := range c.Rows {
		got = append(got, fmt.Sprint(row.Fault, " ", row.Role, row.Cells))
	}
	want := []string{"kill not known[{0 0} {0 0}]", "partition not known[{0 0} {1 1}]", "pause not known[{0 0} {1 0}]"}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(c.Phases, []string{"calm", "storm"}) {
		t.Error(c.Phases, diff)
	}
	if c.Empty != 5 || !strings.Contains(c.Untried, "clock") || strings.Contains(c.Untried, "kill") {
		t.Errorf("%d cells are empty, untried %q", c.Empty, c.Untried)
	}
}

// Without this the role could be lost that a fault was aimed at.
func TestCoverageTellsRolesApart(t *testing.T) {
	f := newFacts(sampleRun(t))
	again := f.windows[0]
	again.Role = "leader"
	f.windows = append(f.windows, again)
	var got []string
	for _, row := range f.coverage().Rows {
		if row.Fault == "partition" {
			got = append(got, row.Role)
		}
	}
	if diff := cmp.Diff([]string{"not known", "the leader"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrency(t *testing.T) {
	ms := time.Millisecond
	h := history.New([]history.Op{
		{Time: 0, Process: 0, Type: history.Invoke}, {Time: 10 * ms, Process: 1, Type: history.Invoke},
		{Time: 20 * ms, Process: 0, Type: history.OK}, {Time: 40 * ms, Process: 1, Type: history.Info},
		{Time: 40 * ms, Process: 1, Type: history.OK}, // of nothing that is open
	})
	if most, mean := concurrency(h); most != 2 || mean != 1.25 {
		t.Errorf("%d at most and %.2f on average, want 2 and (1+2+1+1)/4", most, mean)
	}
	if most, mean := concurrency(history.New(nil)); most != 0 || mean != 0 {
		t.Errorf("nothing has %d and %.2f at a time", most, mean)
	}
}

// logged is a run whose nodes left logs: n1 led at first, then n2, whose clock
// was an hour ahead when it said so.
func logged(t *testing.T) Run {
	t.Helper()
	r := sampleRun(t)
	r.Zero = r.Started
	clock := func(at time.Duration, stage history.Stage, offset string) history.Op {
		return history.Op{Time: at, Process: history.Nemesis, Type: history.Info, F: "clock", Value: value(t, history.FaultEvent{
			ID: "storm/skew#1", Stage: stage, Nodes: []string{"n2"}, Evidence: "n2: clock offset " + offset + " in 1 of 1 process"})}
	}
	ops := r.History.Ops
	last := ops[len(ops)-1]
	ops = append(ops[:len(ops)-1:len(ops)-1], clock(3500*time.Millisecond, history.StageInForce, "+1h0m0s"), clock(3900*time.Millisecond, history.StageHealed, "0s"), last)
	for i := range ops {
		ops[i].Index = i
	}
	r.History = history.New(ops)
	stamp := func(d time.Duration) string { return r.Zero.Add(d).Format(time.RFC3339Nano) }
	r.Logs = fstest.MapFS{
		"n1/stderr.log":   {Data: []byte("no time yet\n" + `{"level":"info","ts":"` + stamp(500*time.Millisecond) + `","msg":"n1 became leader at term 2"}` + "\n  more of it\n")},
		"n1/inspect.json": {Data: []byte(`{"RestartCount":2,"State":{"Status":"exited","ExitCode":137,"OOMKilled":true}}`)},
		"n2/stdout.log":   {Data: []byte(stamp(time.Hour+3600*time.Millisecond) + " WARN slow\n" + stamp(time.Hour+3700*time.Millisecond) + " became leader\n" + stamp(3950*time.Millisecond) + " lost leader\n")},
	}
	return r
}

// Without this a log could be shown an hour away from what it tells of.
func TestLogsAreOnTheAxis(t *testing.T) {
	f := newFacts(logged(t))
	ms := int64(1000)
	want := []logMark{{500 * ms, "n1", "leader", ""}, {3600 * ms, "n2", "warning", ""}, {3700 * ms, "n2", "leader", ""}, {3950 * ms, "n2", "lost", ""}}
	got := f.marks()
	for i := range got {
		got[i].Text = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]payloadSpan{{"n1", 500 * ms, 3700 * ms}, {"n2", 3700 * ms, 4000 * ms}}, f.leaders()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]clockSteps{{"n2", []clockStep{{3500 * ms, 3600_000 * ms}, {3900 * ms, 0}}}}, clockOffsets(f.run.History)); diff != "" {
		t.Error(diff)
	}
	if lines := f.logs[0].Lines; len(lines) != 3 || lines[0].Timed || !lines[2].Timed || lines[2].At != 500*time.Millisecond {
		t.Errorf("lines without a time are placed wrongly: %+v", lines)
	}
}

// Without this a node that was killed for its memory could look like any other.
func TestNodes(t *testing.T) {
	r := logged(t)
	out := render(t, r)
	for _, part := range []string{"exited with code 137, restarted 2 times by docker", "it had used up its memory", "Log of n1", "n1 became leader at term 2", `<div class="line leader">`} {
		if !strings.Contains(out, part) {
			t.Errorf("the page has no %q", part)
		}
	}
	r.Zero = time.Time{} // nobody knows when the run began: no marks, but the lines
	if f := newFacts(r); len(f.marks()) != 0 || len(f.nodeParts()[0].Lines) != 3 {
		t.Error("logs without a known beginning are not shown by themselves")
	}
}

// Without this the lines that matter could be cut away from a long log.
func TestLogTailIsAroundTheMoment(t *testing.T) {
	r := sampleRun(t)
	r.Zero = r.Started
	r.Results[1].Evidence = []int{3} // at 0.2 s
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "%s line %d\n", r.Zero.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), i)
	}
	r.Logs = fstest.MapFS{"n1/stdout.log": {Data: []byte(b.String())}}
	p := newFacts(r).nodeParts()[0]
	if p.Around != "0.200s" || len(p.Lines) != shownLines || p.Before+p.After+shownLines != 1000 {
		t.Fatalf("around %q there are %d lines, %d before and %d after", p.Around, len(p.Lines), p.Before, p.After)
	}
	if !slices.ContainsFunc(p.Lines, func(l shownLine) bool { return strings.HasSuffix(l.Text, " line 200") }) {
		t.Error("the line of the moment is not among them")
	}
	r.Verdict, r.Results = checkers.Valid, nil
	p = newFacts(r).nodeParts()[0]
	if last := p.Lines[len(p.Lines)-1].Text; p.Around != "" || !strings.HasSuffix(last, " line 999") {
		t.Errorf("without a violation the last line is %q", last)
	}
}

// Without this the page could say that a node had recovered when it had not.
func TestRecovered(t *testing.T) {
	f := newFacts(sampleRun(t))
	w := f.windows[0]
	w.Nodes, w.Heal = []string{"n1"}, time.Second
	if got := f.recovered(w); got != 1300*time.Millisecond {
		t.Errorf("n1 recovered at %s, want 1.3s", got)
	}
	w.Nodes = []string{"n1", "n2"}
	if got := f.recovered(w); got != -1 {
		t.Errorf("n2 served nothing, and recovered at %s", got)
	}
}
