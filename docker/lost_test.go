package docker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// What an agent that was killed had done to the nodes is undone by the next one,
// and what they had written is there.
func TestRecoverFromALostAgent(t *testing.T) {
	e := engine(t)
	s := abdSpec(runName(t), abdImage(t, e), 2)
	s.FaultyDisk = true
	c := up(t, e, s)
	write(t, c, "n1", "x", "1")
	for _, r := range []agent.Request{
		{Do: agent.Cut, Pairs: [][2]string{{"n1", "n2"}}}, {Do: agent.SetClock, Node: "n1", Clock: &agent.Clock{Offset: time.Hour}},
		{Do: agent.Limit, Node: "n2", Limits: &agent.Limits{CPUs: 0.1, Files: 50}}, {Do: agent.Freeze, Node: "n2"},
	} {
		r.ID = "f"
		if _, err := c.Ask(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-c.Lost():
		t.Fatal("it is said to be lost")
	default:
	}
	if err := e.api.ContainerKill(t.Context(), c.agent().id, "KILL"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Lost():
	case <-time.After(time.Minute):
		t.Fatal("nobody notices that the agent is gone")
	}
	if err := c.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(t, c, "n2", "x", "1")
	r, err := c.Ask(t.Context(), agent.Request{Do: agent.ReadClock, Node: "n1"})
	if err != nil || time.Duration(r.Number).Abs() > time.Second {
		t.Errorf("the clock of n1: %+v, %v", r, err)
	}
	quota, err := os.ReadFile(filepath.Join("/sys/fs/cgroup/cpu/docker", c.node("n2").id, "cpu.cfs_quota_us"))
	if err == nil && strings.TrimSpace(string(quota)) != "50000" {
		t.Errorf("n2 gets %s", quota)
	}
	if r, err := c.Ask(t.Context(), agent.Request{Do: agent.Heal, ID: s.Run}); err != nil || r.Evidence != "there was nothing to heal" {
		t.Errorf("left: %+v, %v", r, err)
	}
}

// Rules whose nodes are gone already are removed by who takes the cluster down.
func TestRulesOfALostAgentGoDown(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 2))
	if _, err := c.Ask(t.Context(), agent.Request{Do: agent.Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}}); err != nil {
		t.Fatal(err)
	}
	abandon(t, e, c)
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := e.AskOnce(t.Context(), runName(t), agent.Request{Do: agent.Heal, ID: c.spec.Run})
	if err = errors.Join(err); err != nil || r.Evidence != "there was nothing to heal" {
		t.Errorf("left: %+v, %v", r, err)
	}
}
