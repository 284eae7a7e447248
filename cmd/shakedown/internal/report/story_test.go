package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// skewed is a write skew: two transactions that each read what the other wrote,
// as it was before.
func skewed() Run {
	ms := time.Millisecond
	op := func(at time.Duration, p int, kind history.Type, node, v string) history.Op {
		return history.Op{Time: at, Process: p, Type: kind, F: "txn", Node: node, Value: json.RawMessage(v)}
	}
	ops := []history.Op{
		op(1*ms, 0, history.Invoke, "n1", `[["append","x",1],["r","y",null]]`), op(2*ms, 1, history.Invoke, "n2", `[["append","y",1],["r","x",null]]`),
		op(5*ms, 0, history.OK, "n1", `[["append","x",1],["r","y",[]]]`), op(7*ms, 1, history.OK, "n2", `[["append","y",1],["r","x",[]]]`),
	}
	for i := range ops {
		ops[i].Index = i
	}
	edge := func(from, to string, a, b int, key string) checkers.Edge {
		return checkers.Edge{From: from, To: to, FromEvent: a, ToEvent: b, Kind: "rw", Key: key, Says: from + " missed it (#3).", Events: []int{0, 1, 2, 3}}
	}
	return Run{Scenario: "skew", History: history.New(ops), Verdict: checkers.Violation, Expect: checkers.Valid, Results: []checkers.Result{{
		Check: "list-append", Verdict: checkers.Violation, Says: []string{"Not serializable.", "G2-item, once.", "T1 is there.", "T2 is there."}, Evidence: []int{0, 1, 2, 3},
		Findings: []checkers.Finding{{Kind: "G2-item", Says: []string{"G2-item, once.", "T1 is there.", "T2 is there."}, Events: []int{0, 1, 2, 3},
			Cycle: []checkers.Edge{edge("T1", "T2", 0, 1, "y"), edge("T2", "T1", 1, 0, "x")}}},
	}}}
}

// Without this a cycle could be drawn that does not close, or an edge shown
// without the operations that prove it.
func TestCycleIsToldEdgeByEdge(t *testing.T) {
	f := newFacts(skewed())
	s := f.stories()[0]
	if len(s.Says) != 1 || len(s.Proofs) != 1 || len(s.Proofs[0].Says) != 1 {
		t.Fatalf("what stands in the tables is told twice: %+v", s)
	}
	c := s.Proofs[0].Cycle
	var members, edges []string
	for _, m := range c.Members {
		members = append(members, m.Name+" "+m.Who+" "+m.What)
	}
	for _, e := range c.Edges {
		text := e.From + " " + e.To + " " + e.Label + " "
		for _, p := range e.Proof {
			text += p.Text
		}
		edges = append(edges, text)
	}
	wantMembers := []string{"T1 process 0 on n1 append x 1 · read y → []", "T2 process 1 on n2 append y 1 · read x → []"}
	wantEdges := []string{"T1 T2 rw y #0\u2060–\u2060#2 #1\u2060–\u2060#3", "T2 T1 rw x #0\u2060–\u2060#2 #1\u2060–\u2060#3"}
	if diff := cmp.Diff(wantMembers, members) + cmp.Diff(wantEdges, edges); diff != "" {
		t.Error(diff)
	}
	for _, m := range c.Members {
		if m.BoxX < 0 || m.BoxY < 0 || m.BoxX+cycleBox > float64(c.Width) || m.BoxY+cycleBoxH > float64(c.Height) {
			t.Errorf("%s is outside of the picture: %+v", m.Name, m)
		}
	}
	page := render(t, skewed())
	for _, part := range []string{`<g class="edge rw">`, "T1 → T2", `<a href="#op3">#3</a>`, "it read a state without what the other wrote"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s", part)
		}
	}
}

// Without this a cycle of a thousand transactions would be no picture.
func TestCycleIsShort(t *testing.T) {
	var edges []checkers.Edge
	for i := range 1000 {
		edges = append(edges, checkers.Edge{From: fmt.Sprint("T", i), To: fmt.Sprint("T", (i+1)%1000), FromEvent: i, ToEvent: i + 1})
	}
	c := newFacts(skewed()).newCycle(edges)
	if len(c.Edges) != maxEdges || c.More != 1000-maxEdges || len(c.Members) != maxEdges+1 {
		t.Errorf("%d edges and %d members are drawn, %d are not", len(c.Edges), len(c.Members), c.More)
	}
}

// Without this the step list could tell an answer before its question, or leave
// out what was done to the cluster meanwhile.
func TestSequence(t *testing.T) {
	r := sampleRun(t)
	r.Results[1].Evidence = []int{7, 9, 11, 17}
	s := newFacts(r).stories()[0].Proofs[0].Sequence
	var got, actors []string
	for _, b := range s.Beats {
		says, _, _ := strings.Cut(b.Says, " (n2 alone")
		got = append(got, b.At+" "+says)
	}
	for _, a := range s.Actors {
		actors = append(actors, a.Name)
		if a.X < sequenceLeft || a.X > sequenceWidth-40 {
			t.Errorf("%s stands at %.0f, outside of the picture", a.Name, a.X)
		}
	}
	want := []string{
		"1.200s storm/partition#1", "1.200s process 0 asks n1: write r1 = 1.", "1.200s process 1 asks n2: write r1 = 1.",
		"1.300s n1 answers process 0 after 100ms: done.",
		"2.200s process 1 gives up after 1s without an answer: it may have happened, or may still.",
		"2.300s process 3 asks n2: write r1 = 1.", "2.400s process 3 learns after 100ms that it did not happen.",
		"3.100s storm/partition#1", "3.200s storm/pause#1", "3.400s process 0 asks n1: write r1 = 1.",
	}
	if diff := cmp.Diff(want, got) + cmp.Diff([]string{"process 0", "process 1", "process 3", "n1", "n2"}, actors); diff != "" {
		t.Error(diff)
	}
}

// Without this nobody could tell from the page where a rule comes from, when it
// broke, or that there was nothing it could have judged.
func TestRules(t *testing.T) {
	r := sampleRun(t)
	r.Results = append(r.Results,
		checkers.Result{Check: "no-loss", Verdict: checkers.Violation, Says: []string{"Broken."}, Evidence: []int{9, 10},
			Rule: &checkers.Rule{Says: "Nothing is lost.", Origin: "postmortem 12", Evaluated: 4, Broken: 2, Event: 10}},
		checkers.Result{Check: "in-time", Verdict: checkers.Violation, Says: []string{"Broken."}, Rule: &checkers.Rule{Says: "In time.", Evaluated: 4, Broken: 1, At: 3 * time.Second, Event: -1}},
		checkers.Result{Check: "idle", Verdict: checkers.Unknown, Says: []string{"It was never exercised."}, Rule: &checkers.Rule{Says: "Never two leaders.", Event: -1}})
	page := render(t, r)
	for _, part := range []string{
		`<p class="says">Nothing is lost.</p>`, "<dd>postmortem 12</dd>", `<strong>2.200s</strong> (event <a href="#op10">#10</a>)</dd>`,
		"<strong>3.000s</strong></dd>", `<td class="n empty">never exercised</td>`, "<td>Never two leaders.</td>",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s", part)
		}
	}
}

// Without this a role that was never hit would not be missed.
func TestCoverageHasARowForEachRole(t *testing.T) {
	c := newFacts(logged(t)).coverage()
	var got []string
	for _, row := range c.Rows {
		got = append(got, fmt.Sprint(row.Fault, ", ", row.Role, row.Cells))
	}
	// n1 led when n2 was cut off and paused.
	want := []string{"clock, others[{0 0} {0 0}]", "clock, the leader[{0 0} {0 0}]", "kill, others[{0 0} {0 0}]", "kill, the leader[{0 0} {0 0}]",
		"partition, others[{0 0} {1 1}]", "partition, the leader[{0 0} {0 0}]", "pause, others[{0 0} {1 0}]", "pause, the leader[{0 0} {0 0}]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Without this a fault whose trigger never fired could look like one that failed,
// and the moment at which nodes served again be another than the history's.
func TestLifeOfAFault(t *testing.T) {
	event := func(at time.Duration, e history.FaultEvent) history.Op {
		return history.Op{Time: at, Process: history.Nemesis, Type: history.Info, F: "rolling", Value: value(t, e)}
	}
	s, nodes := time.Second, []string{"n1"}
	ops := []history.Op{
		event(1*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageSetUp, Nodes: nodes}), event(2*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageInject, Nodes: nodes}),
		event(3*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageInForce}), event(4*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageHeal}),
		event(5*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageHealed}), event(7*s, history.FaultEvent{ID: "storm/rolling#1", Stage: history.StageRecovered}),
		event(8*s, history.FaultEvent{ID: "storm/rolling#2", Stage: history.StageFailed, Error: "its trigger never fired"}),
	}
	for i := range ops {
		ops[i].Index = i
	}
	r := Run{History: history.New(ops), Planned: []Planned{{ID: "storm/rolling#2", Fault: "rolling", At: s, For: s, When: "after 9 operations"}}}
	rows := newFacts(r).faultRows()
	if len(rows) != 2 || rows[0].Recovered != "7.000s" || rows[0].Hold != "yes" {
		t.Fatalf("%+v", rows)
	}
	if rows[1].Hold != "never injected" || rows[1].Planned != "from 1.000s on, after 9 operations, for 1.000s" || !strings.Contains(rows[1].Evidence, "never fired") {
		t.Errorf("%+v", rows[1])
	}
	if held, all := tookHold(r.History); held != 1 || all != 1 {
		t.Errorf("%d of %d took hold, want 1 of 1", held, all)
	}
	lanes, _ := lanes(scale{end: 8 * s}, 0, newFacts(r))
	var kinds []string
	for _, m := range lanes[0].Marks {
		kinds = append(kinds, m.Kind)
	}
	if !slices.Equal(kinds, []string{"planned", "injecting", "force", "healing", "recovered"}) {
		t.Errorf("drawn are %v", kinds)
	}
}

// Without this the page could show other figures than those compared, or mark
// what is the same.
func TestCompared(t *testing.T) {
	r := sampleRun(t)
	r.Compared = &Compared{With: "old", Why: "the last valid run", Says: "The plans differ.", Rows: []ComparedRow{{"ok", "3", "4", true}, {"seed", "7", "7", false}}}
	page := render(t, r)
	for _, part := range []string{"<code>old</code>, the last valid run. The plans differ.", `<tr class="differs"><td>ok</td><td>3</td><td>4</td></tr>`, `<tr><td>seed</td><td>7</td><td>7</td></tr>`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if strings.Contains(render(t, sampleRun(t)), "Beside another run") {
		t.Error("a run without another beside it has the section")
	}
}
