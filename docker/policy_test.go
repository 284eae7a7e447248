package docker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A node whose policy is to be started again stays down for as long as a fault
// keeps it down, and comes back by itself where the fault leaves it to the
// policy, with what is in force of it.
func TestRestartPolicy(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 1)
	s.Restart = "always"
	c := up(t, e, s)
	ask := func(r agent.Request) agent.Reply {
		t.Helper()
		r.Node = "n1"
		reply, err := c.Ask(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", r.Do, err)
		}
		return reply
	}
	for range 2 { // the policy is back after the first time
		ask(agent.Request{Do: agent.Kill})
		eventually(t, "the engine sees it down", func() error {
			down, err := c.Exited(t.Context())
			if err == nil && down["n1"] == "" {
				err = errors.New("not yet")
			}
			return err
		})
		time.Sleep(500 * time.Millisecond) // the engine's first try comes after 100 ms
		if i := inspect(t, e, c.node("n1").id); i.State.Running || i.State.Restarting || i.RestartCount > 0 {
			t.Fatalf("a node that is kept down is %+v", i.State)
		}
		if err := c.Restart(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		if got := inspect(t, e, c.node("n1").id).HostConfig.RestartPolicy.Name; got != "always" {
			t.Errorf("its policy is %s afterwards", got)
		}
	}
	ask(agent.Request{Do: agent.SetClock, ID: "f", Clock: &agent.Clock{Offset: time.Hour}})
	before := inspect(t, e, c.node("n1").id).State.Pid
	ask(agent.Request{Do: agent.Kill, How: agent.ByPolicy})
	back, cancel := context.WithTimeout(t.Context(), backWithin)
	defer cancel()
	if err := c.untilKnown(back, "n1"); err != nil {
		t.Fatal(err)
	}
	if after := inspect(t, e, c.node("n1").id); after.State.Pid == before || after.RestartCount != 1 {
		t.Errorf("process %d, then %d, started by the engine %d times", before, after.State.Pid, after.RestartCount)
	}
	eventually(t, "its clock follows", func() error {
		if r := ask(agent.Request{Do: agent.ReadClock}); time.Duration(r.Number).Round(time.Minute) != time.Hour {
			return errors.New(r.Evidence)
		}
		return nil
	})
}
