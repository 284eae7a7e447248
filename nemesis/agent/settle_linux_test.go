package agent

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

// On a host that is the node, a process that shares its control group with
// everything else gets one of its own, can be frozen without anybody else, and
// is back where it was when the agent has gone.
func TestHostNodeIsApartWhileTheAgentLives(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	before, err := cgroup.Of(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if before.Apart() == nil {
		t.Skipf("this process is in a control group without us already: %s", before.Path)
	}
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.refused(t, "refused", Request{Do: Freeze, ID: "f", Node: "n1"})
	b.ask(t, Request{Do: Hello, ID: "some-run", Host: true})
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	during, err := cgroup.Of(c.Process.Pid)
	if err != nil || !strings.Contains(during.Path, "shakedown-n1-some-run-") {
		t.Fatalf("it is in %s: %v", during.Path, err)
	}
	r := b.ask(t, Request{Do: Freeze, ID: "f", Node: "n1"})
	if !strings.Contains(r.Evidence, "1 process") {
		t.Errorf("frozen: %s", r.Evidence)
	}
	b.hangUp(t)
	after, err := cgroup.Of(c.Process.Pid)
	if err != nil || after.Path != before.Path {
		t.Errorf("it is in %s, and was in %s before: %v", after.Path, before.Path, err)
	}
	if _, err := os.Stat(during.Dir); !os.IsNotExist(err) {
		t.Errorf("the group is still there: %v", err)
	}
}

// A group that somebody removes at the same time, as an agent does that has lost
// its connection and heals, is as good as dissolved; one that lives is emptied.
func TestDissolve(t *testing.T) {
	c := startChild(t, "spin")
	for _, gone := range []bool{false, true} {
		g, err := cgroup.Make(c.Process.Pid, cgroup.Freezer, "shakedown-dissolve")
		if err != nil {
			t.Skipf("this process may not make control groups: %v", err)
		}
		if gone {
			err = g.Remove()
		} else {
			err = errors.Join(g.Add(c.Process.Pid), g.Freeze(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		above, err := dissolve(t.Context(), g)
		if now, whereErr := cgroup.Of(c.Process.Pid); errors.Join(err, whereErr) != nil || now.Path == g.Path || !gone && now.Path != above.Path {
			t.Errorf("gone %v: %v, the process is in %s, %v", gone, err, now.Path, whereErr)
		}
		if _, err := os.Stat(g.Dir); err == nil {
			t.Errorf("gone %v: it is there", gone)
		}
	}
}
