package agent

import (
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
	b.ask(t, Request{Do: Hello, Host: true})
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	during, err := cgroup.Of(c.Process.Pid)
	if err != nil || !strings.Contains(during.Path, "shakedown-n1-") {
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
