package runner

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// stalling is a scenario in which a node stands still for a while, so that its
// clients wait.
func stalling(inFlight int) *scenarios.Scenario {
	at := time.Second
	return &scenarios.Scenario{
		Name:   "stalling",
		System: scenarios.System{Nodes: 2, Ready: scenarios.Ready{Within: 10 * time.Second}},
		Workload: scenarios.Workload{
			Use: "register", Clients: 2, InFlight: inFlight, Keys: 4, OperationsPerKey: 50, RatePerSecond: 40,
			Mix: map[string]int{"read": 50, "write": 50}, Timeout: time.Second,
		},
		Phases: []scenarios.Phase{{Name: "storm", For: 8 * time.Second, Faults: []scenarios.Fault{
			{Name: "pause", Fault: "pause", Target: "n1", When: scenarios.When{At: &at, For: 5 * time.Second}},
		}}},
		Settle: scenarios.Settle{HealthyWithin: 10 * time.Second},
	}
}

// A client that may have several operations under way sends what one with a
// single operation has to leave out; each is a process of its own, of the client
// that its number says.
func TestInFlight(t *testing.T) {
	shed := map[int]int64{}
	for _, n := range []int{0, 1, 4, 64} {
		synctest.Test(t, func(t *testing.T) {
			tr := try(t, stalling(n), newFake(2), t.Context(), nil)
			if tr.err != nil {
				t.Fatal(tr.err)
			}
			if err := tr.history.Validate(); err != nil {
				t.Fatal(err)
			}
			shed[n] = tr.out.Counts["shed"]
			open, most := map[string]int{}, 0
			for _, op := range tr.history.Ops {
				switch {
				case op.Process == history.Nemesis:
				case op.Type == history.Invoke:
					open[op.Node]++
					most = max(most, open[op.Node])
				default:
					open[op.Node]--
				}
				if op.Process >= 0 && op.Node != "n1" && op.Process%2 == 0 {
					t.Fatalf("process %d talks to %s", op.Process, op.Node)
				}
			}
			if most > max(n, 1) || n > 1 && most < min(n, 4) {
				t.Errorf("at most %d operations of a client were under way, want %d", most, n)
			}
		})
	}
	if shed[0] != shed[1] || shed[1] < 50 || shed[4] >= shed[1] || shed[64] > 0 {
		t.Errorf("not sent, by operations in flight: %v", shed)
	}
}
