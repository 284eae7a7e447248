package docker

import (
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// The agent of one of two engines dies with a frozen node: it is noticed, that
// node is started anew by another agent, and what the living one had done to its
// own is healed.
func TestFleetLosesAnAgent(t *testing.T) {
	f, first, second, _ := upFleet(t)
	eventually(t, "a write through n2", func() error { return putAt(t, f.Address("n2"), "1") })
	for _, r := range []agent.Request{
		{Do: agent.Freeze, ID: "f", Node: "n2"}, {Do: agent.SetClock, ID: "f", Node: "n1", Clock: &agent.Clock{Offset: time.Hour}},
	} {
		if _, err := f.Ask(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-f.Lost():
		t.Fatal("an agent is said to be lost")
	default:
	}
	if err := second.api.ContainerKill(t.Context(), f.of("n2").agent().id, "KILL"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.Lost():
	case <-time.After(time.Minute):
		t.Fatal("nobody notices that the agent is gone")
	}
	if err := f.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a write through n2 after its agent's death", func() error { return putAt(t, f.Address("n2"), "2") })
	if r, err := f.Ask(t.Context(), agent.Request{Do: agent.ReadClock, Node: "n1"}); err != nil || time.Duration(r.Number).Abs() > time.Second {
		t.Errorf("the clock of n1: %+v, %v", r, err)
	}
	if err := f.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, first, f.spec.Run)
	nothingLeft(t, second, f.spec.Run)
}
