package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

func TestKill(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	if r := b.ask(t, Request{Do: Kill, Node: "n1"}); !strings.Contains(r.Evidence, "gone after") {
		t.Errorf("evidence %q", r.Evidence)
	}
	if state, err := c.Process.Wait(); err != nil || state.String() != "signal: killed" {
		t.Errorf("the child ended: %v, %v", state, err)
	}
	b.refused(t, "n1 is down", Request{Do: Kill, Node: "n1"})
}

func TestFreezeAndThaw(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	if r := b.ask(t, Request{Do: Freeze, ID: "a", Node: "n1"}); !strings.Contains(r.Evidence, "freezer FROZEN") {
		t.Errorf("evidence %q", r.Evidence)
	}
	b.ask(t, Request{Do: Freeze, ID: "b", Node: "n1"})
	b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"})
	if got := state(t, g); got != "FROZEN" {
		t.Errorf("thawed by one of two: %s", got)
	}
	used := cpuTime([]int{c.Process.Pid})
	b.ask(t, Request{Do: Thaw, ID: "b", Node: "n1"})
	eventually(t, "the thawed child spins on", func() bool { return cpuTime([]int{c.Process.Pid}) > used+time.Millisecond })
	if r := b.ask(t, Request{Do: Thaw, ID: "b", Node: "n1"}); r.Evidence != "not frozen by it" {
		t.Errorf("thawed twice: %q", r.Evidence)
	}
}

func TestKillOfAFrozenNode(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: Freeze, ID: "a", Node: "n1"})
	if r := b.ask(t, Request{Do: Kill, Node: "n1"}); !strings.Contains(r.Evidence, "frozen until then") {
		t.Errorf("evidence %q", r.Evidence)
	}
	if got := state(t, g); got != "THAWED" {
		t.Errorf("the dead node's cgroup is %s", got)
	}
	next := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: next.Process.Pid})
	if r := b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"}); r.Evidence != "not frozen by it" {
		t.Errorf("the freeze outlived its node: %q", r.Evidence)
	}
}

func TestFreezeRefusesWhatIsNotANodeAlone(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.refused(t, "refused", Request{Do: Freeze, ID: "a", Node: "n1"})
}

func state(t testing.TB, g cgroup.Group) string {
	t.Helper()
	s, err := g.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
