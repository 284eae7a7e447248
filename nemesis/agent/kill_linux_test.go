package agent

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

// beStubborn tells the time, and does not heed SIGTERM.
func beStubborn() error {
	signal.Ignore(syscall.SIGTERM)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(time.Now().UnixNano(), 0)
	}
	return nil
}

func TestKill(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	if r := b.ask(t, Request{Do: Kill, Node: "n1"}); !strings.Contains(r.Evidence, "gone after") || r.Number != 1 {
		t.Errorf("%+v", r)
	}
	if state, err := c.Process.Wait(); err != nil || state.String() != "signal: killed" {
		t.Errorf("the child ended: %v, %v", state, err)
	}
	b.refused(t, "n1 is down", Request{Do: Kill, Node: "n1"})
}

// One process of many is killed, by its name or by what its command line
// matches, and the others are not.
func TestKillOneOfMany(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "late-parent")
	c.now(t) // Only now it starts its child, when it is in the cgroup itself.
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	eventually(t, "the child's program runs", func() bool {
		return b.ask(t, Request{Do: Processes, Node: "n1", Process: "probe-child"}).Number == 1
	})
	if r := b.ask(t, Request{Do: Processes, Node: "n1"}); r.Number != 2 {
		t.Fatalf("it runs %+v", r)
	}
	b.refused(t, `n1 runs no process "postgres"; it runs exe`, Request{Do: Kill, Node: "n1", Process: "postgres"})
	b.refused(t, "nor is that a regular expression", Request{Do: Kill, Node: "n1", Process: "("})
	r := b.ask(t, Request{Do: Kill, Node: "n1", Process: "probe-child$"})
	if r.Number != 1 || !strings.Contains(r.Evidence, "exe (pid ") {
		t.Errorf("%+v", r)
	}
	// The parent waits for its child, and ends when that has.
	if state, err := c.Process.Wait(); err != nil || state.ExitCode() != 1 {
		t.Errorf("the parent ended: %v, %v; want exit code 1", state, err)
	}
	if pids, err := g.Processes(); len(pids) > 0 || err != nil {
		t.Errorf("left %v, %v", pids, err)
	}
}

func TestChoose(t *testing.T) {
	all := []program{
		{1, "tini", "/sbin/tini -- postgres -D /data"}, {2, "postgres", "postgres -D /data"},
		{3, "postgres", "postgres: walwriter"}, {4, "etcd", "/usr/bin/etcd --name n1"},
	}
	for text, want := range map[string]string{
		"": "1234", "postgres": "23", "etcd": "4", "walwriter": "3", "^postgres: wal": "3",
		"--name n[12]$": "4", "mysqld": "", "/data": "12",
	} {
		got := ""
		chosen, err := choose(all, text)
		for _, p := range chosen {
			got += fmt.Sprint(p.pid)
		}
		if got != want || err != nil {
			t.Errorf("%q chooses %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestProgramOfKnowsLongNames(t *testing.T) {
	c := startChild(t, "/bin/sleep", "1000")
	// The name is there a moment before the command line is.
	eventually(t, "it is executed", func() bool {
		p, ok := programOf(c.Process.Pid)
		return ok && p.name == "sleep" && p.line == "/bin/sleep 1000"
	})
	c.stop()
	if _, ok := programOf(c.Process.Pid); ok {
		t.Error("a process that has ended runs something")
	}
}

// SIGTERM ends who heeds it; who does not is still there, and can be killed.
func TestStop(t *testing.T) {
	b := newBench(t, 0)
	for what, heeds := range map[string]bool{"agent-probe-child": true, "stubborn": false} {
		c := startChild(t, what)
		c.now(t)
		b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
		if r := b.ask(t, Request{Do: Stop, ID: "f", Node: "n1"}); !strings.HasPrefix(r.Evidence, "SIGTERM sent to exe (pid ") {
			t.Errorf("%+v", r)
		}
		if heeds {
			go c.Process.Wait()
			eventually(t, what+" ends", func() bool { return b.ask(t, Request{Do: Stopped, ID: "f", Node: "n1"}).Number == 0 })
			b.refused(t, "n1 is down", Request{Do: Kill, Node: "n1"})
			continue
		}
		c.now(t) // It has had time to end.
		if r := b.ask(t, Request{Do: Stopped, ID: "f", Node: "n1"}); r.Number != 1 || !strings.Contains(r.Evidence, "1 process has not ended yet") {
			t.Errorf("%+v", r)
		}
		b.ask(t, Request{Do: Kill, Node: "n1"})
		if r := b.ask(t, Request{Do: Stopped, ID: "f", Node: "n1"}); r.Number != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestFreezeAndThaw(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	if r := b.ask(t, Request{Do: Freeze, ID: "a", Node: "n1"}); !strings.Contains(r.Evidence, "freezer FROZEN") {
		t.Errorf("evidence %q", r.Evidence)
	}
	b.ask(t, Request{Do: Freeze, ID: "b", Node: "n1"})
	if r := b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"}); r.Evidence != "still frozen by 1 other" {
		t.Errorf("evidence %q", r.Evidence)
	}
	if got := state(t, g); got != "FROZEN" {
		t.Errorf("thawed by one of two: %s", got)
	}
	used := cpuTime([]int{c.Process.Pid})
	b.ask(t, Request{Do: Thaw, ID: "b", Node: "n1"})
	eventually(t, "the thawed child spins on", func() bool { return cpuTime([]int{c.Process.Pid}) > used+time.Millisecond })
	if r := b.ask(t, Request{Do: Thaw, ID: "b", Node: "n1"}); r.Evidence != "not frozen by it" {
		t.Errorf("thawed twice: %q", r.Evidence)
	}
	b.refused(t, "n1 is not frozen by it", Request{Do: Frozen, ID: "b", Node: "n1"})
}

// A frozen node can be killed. That ends no freeze: what runs in its place is
// frozen, too, until the thaw.
func TestKillOfAFrozenNode(t *testing.T) {
	for _, how := range []string{ByFreezer, BySigstop} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t, 0)
			c, g := startJailed(t, "spin")
			b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
			b.ask(t, Request{Do: Freeze, ID: "a", Node: "n1", How: how})
			if r := b.ask(t, Request{Do: Kill, Node: "n1"}); how == ByFreezer && !strings.Contains(r.Evidence, "frozen until then") {
				t.Errorf("evidence %q", r.Evidence)
			}
			if got := state(t, g); got != "THAWED" {
				t.Errorf("the dead node's cgroup is %s", got)
			}
			next, nextGroup := startJailed(t, "agent-probe-child")
			next.now(t)
			b.ask(t, Request{Do: Register, Node: "n1", Pid: next.Process.Pid})
			b.ask(t, Request{Do: Frozen, ID: "a", Node: "n1"})
			if stands := state(t, nextGroup) == "FROZEN" || isStopped(next.Process.Pid); !stands {
				t.Error("the restarted node runs")
			}
			b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"})
			next.now(t)
		})
	}
}

// A node that is down when it is to be frozen is frozen as soon as it runs,
// unless it was thawed before.
func TestFreezeOfANodeThatIsDown(t *testing.T) {
	b := newBench(t, 0)
	b.ask(t, Request{Do: Register, Node: "n1"})
	for _, id := range []string{"a", "b"} {
		if r, err := b.Do(t.Context(), Request{Do: Freeze, ID: id, Node: "n1"}); err == nil || !r.Pending {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if r := b.ask(t, Request{Do: Thaw, ID: "b", Node: "n1"}); r.Evidence != "n1 is down, it will not be frozen when it runs" {
		t.Errorf("evidence %q", r.Evidence)
	}
	c, g := startJailed(t, "agent-probe-child")
	c.now(t)
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	if r := b.ask(t, Request{Do: Frozen, ID: "a", Node: "n1"}); !strings.Contains(r.Evidence, "freezer FROZEN") || state(t, g) != "FROZEN" {
		t.Errorf("%+v, %s", r, state(t, g))
	}
	b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"})
	c.now(t)
}

func TestFreezeRefusesWhatIsNotANodeAlone(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.refused(t, "refused", Request{Do: Freeze, ID: "a", Node: "n1"})
	b.refused(t, "not frozen by it", Request{Do: Frozen, ID: "a", Node: "n1"})
}

// SIGSTOP stops the processes that are named, those that appear later, too,
// and no others; the orchestrator's death lets them go on.
func TestSigstop(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "late-parent")
	c.now(t) // Only now it starts its child, when it is in the cgroup itself.
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	eventually(t, "the child's program runs", func() bool {
		return b.ask(t, Request{Do: Processes, Node: "n1", Process: "probe-child"}).Number == 1
	})
	r := b.ask(t, Request{Do: Freeze, ID: "a", Node: "n1", How: BySigstop, Process: "probe-child"})
	if !strings.HasPrefix(r.Evidence, "state T (stopped) of pid [") || !strings.Contains(r.Evidence, "no cpu time used by 1 process in") {
		t.Errorf("evidence %q", r.Evidence)
	}
	if isStopped(c.Process.Pid) || state(t, g) != "THAWED" {
		t.Error("more was stopped than was asked for")
	}
	guest := startChild(t, "agent-probe-child")
	guest.now(t)
	if err := g.Add(guest.Process.Pid); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one that appears later is stopped", func() bool { return isStopped(guest.Process.Pid) })
	b.ask(t, Request{Do: Freeze, ID: "b", Node: "n1", How: BySigstop})
	if !isStopped(c.Process.Pid) {
		t.Error("the rest was not stopped")
	}
	b.ask(t, Request{Do: Thaw, ID: "a", Node: "n1"})
	if !isStopped(guest.Process.Pid) {
		t.Error("let go by one of two")
	}
	b.hangUp(t)
	c.now(t)
	guest.now(t)
}

// Whom somebody else has stopped we do not let go.
func TestSigstopOfAnotherIsHis(t *testing.T) {
	b := newBench(t, 0)
	c, _ := startJailed(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	c.Process.Signal(syscall.SIGSTOP)
	eventually(t, "it is stopped", func() bool { return isStopped(c.Process.Pid) })
	b.refused(t, "just now", Request{Do: Freeze, ID: "a", Node: "n1", How: BySigstop})
	if !isStopped(c.Process.Pid) {
		t.Error("it goes on")
	}
}

// A clock can be set on a node that is stopped by a signal, and shows when it
// goes on; the node stays stopped meanwhile.
func TestClockOfAStoppedNode(t *testing.T) {
	b := newBench(t, 0)
	c, _ := startJailed(t, "agent-probe-child")
	c.now(t)
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1", How: BySigstop})
	b.ask(t, Request{Do: SetClock, ID: "c", Node: "n1", Clock: &Clock{Offset: time.Hour}})
	eventually(t, "it stands still again", func() bool { // Its threads were stepped aside a moment ago.
		_, err := b.Do(t.Context(), Request{Do: Frozen, ID: "p", Node: "n1"})
		return err == nil
	})
	b.ask(t, Request{Do: Thaw, ID: "p", Node: "n1"})
	if !c.skewed(t, time.Hour) {
		t.Error("the clock does not show")
	}
}

func state(t testing.TB, g cgroup.Group) string {
	t.Helper()
	s, err := g.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
