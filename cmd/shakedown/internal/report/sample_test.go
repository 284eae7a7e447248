package report

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// hostile is what a system under test may answer to get out of its cage.
const hostile = `</script><script>alert(1)</script>"'><img src=x onerror=alert(1)>` + "\x1b[2J"

// value encodes v for a history; a test has no use for the error.
func value(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sampleHistory is a short run: two phases, a partition that took hold, a
// pause that did not, and five operations on two nodes.
func sampleHistory(t testing.TB) *history.History {
	t.Helper()
	const s = time.Second
	nemesis := func(at time.Duration, f string, v any) history.Op {
		return history.Op{Time: at, Process: history.Nemesis, Type: history.Info, F: f, Value: value(t, v)}
	}
	fault := func(at time.Duration, f, id string, stage history.Stage) history.Op {
		return nemesis(at, f, history.FaultEvent{ID: id, Stage: stage, Nodes: []string{"n2"}, Says: "n2 alone " + hostile,
			Evidence: map[history.Stage]string{history.StageInForce: "14 packets dropped"}[stage],
			Error:    map[history.Stage]string{history.StageFailed: "no such process"}[stage]})
	}
	client := func(at time.Duration, p int, kind history.Type, node string) history.Op {
		return history.Op{Time: at, Process: p, Type: kind, F: "write", Key: "r1", Value: json.RawMessage("1"), Node: node}
	}
	ops := []history.Op{
		nemesis(0, "plan", history.Announcement{Scenario: "sample", Seed: 7, Nodes: []string{"n1", "n2"}, Clients: 2}),
		nemesis(0, "phase", history.PhaseEvent{Phase: "calm"}),
		client(s/10, 0, history.Invoke, "n1"),
		client(2*s/10, 0, history.OK, "n1"),
		nemesis(s, "phase", history.PhaseEvent{Phase: "storm"}),
		fault(s, "partition", "storm/partition#1", history.StageInject),
		fault(11*s/10, "partition", "storm/partition#1", history.StageInForce),
		client(12*s/10, 0, history.Invoke, "n1"),
		client(13*s/10, 0, history.OK, "n1"),
		client(12*s/10, 1, history.Invoke, "n2"),
		client(22*s/10, 1, history.Info, "n2"),
		client(23*s/10, 3, history.Invoke, "n2"),
		client(24*s/10, 3, history.Fail, "n2"),
		fault(3*s, "partition", "storm/partition#1", history.StageHeal),
		fault(31*s/10, "partition", "storm/partition#1", history.StageHealed),
		fault(32*s/10, "pause", "storm/pause#1", history.StageInject),
		fault(33*s/10, "pause", "storm/pause#1", history.StageFailed),
		client(34*s/10, 0, history.Invoke, "n1"),
		nemesis(4*s, "phase", history.PhaseEvent{Phase: "end"}),
	}
	for i := range ops {
		ops[i].Index = i
	}
	return history.New(ops)
}

// sampleRun is a violation with hostile values in every place that a stranger
// can write to.
func sampleRun(t testing.TB) Run {
	t.Helper()
	return Run{
		ID: "20261122T101502Z-7f3a91", Folder: "runs/sample/20261122T101502Z-7f3a91",
		Scenario: "sample", About: "About " + hostile, System: "etcd 3.5.21, 2 nodes", Seed: 7,
		Started: time.Date(2026, 11, 22, 10, 15, 2, 0, time.UTC), Took: 4 * time.Second,
		Expect: checkers.Valid, Verdict: checkers.Violation,
		Results: []checkers.Result{
			{Check: "stats", Verdict: checkers.Valid, Says: []string{"3 of 5 operations are ok."}, Counts: map[string]int64{"ok_operations": 1234567}},
			{Check: "linearizable cas-register", Verdict: checkers.Violation, Took: time.Second,
				Says:  []string{"Key r1 is not linearizable.", "Process 4 read " + hostile + "."},
				Pages: []checkers.Page{{Name: "r1.html"}}},
			{Check: "recovery", Verdict: checkers.Unknown, Says: []string{"Nothing to recover from."}},
		},
		History: sampleHistory(t),
		Planned: []Planned{
			{ID: "storm/partition#1", Fault: "partition", Says: "one", At: time.Second, For: 2 * time.Second},
			{ID: "storm/kill#1", Fault: "kill", Says: "n1", At: 3 * time.Second, For: time.Second},
		},
		Facts: []Fact{{"command", "shakedown run " + hostile}},
	}
}
