package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

// confine puts a process into groups of its own for all resources.
func confine(t testing.TB, pid int) map[string]cgroup.Group {
	t.Helper()
	groups := map[string]cgroup.Group{}
	for _, controller := range []string{cgroup.CPU, cgroup.Memory, cgroup.Pids, cgroup.Freezer} {
		g, err := cgroup.Make(os.Getpid(), controller, fmt.Sprintf("shakedown-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if err != nil {
			playtest.Skip(t, "needs the controller %s: %v", controller, err)
		}
		t.Cleanup(func() { eventually(t, "the group can be removed", func() bool { return g.Remove() == nil }) })
		if err := g.Add(pid); err != nil {
			t.Fatal(err)
		}
		groups[controller] = g
	}
	return groups
}

// startHungry starts the process whose resources are limited, as its node.
func startHungry(t testing.TB, b *bench, who *syscall.Credential) *child {
	t.Helper()
	c := startAs(t, who, "hungry")
	groups := confine(t, c.Process.Pid)
	t.Cleanup(func() { // Before the groups are removed.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		groups[cgroup.Freezer].Thaw(ctx)
		c.stop()
	})
	for range 5 { // Its threads are there before any are limited.
		c.does(t, "fork")
	}
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	return c
}

// does tells a hungry child to do something, and returns what it says about it.
func (c *child) does(t testing.TB, what string) string {
	t.Helper()
	said, _ := c.doesFor(t, what)
	return said
}

func (c *child) doesFor(t testing.TB, what string) (said string, took time.Duration) {
	t.Helper()
	io.WriteString(c.in, what+"\n")
	if !c.out.Scan() {
		return "gone", 0
	}
	var ns int64
	if _, err := fmt.Sscan(c.out.Text(), &ns, &said); err != nil {
		t.Fatalf("the child says %q: %v", c.out.Text(), err)
	}
	return said, time.Duration(ns)
}

// Of every limit: the process feels nothing before, feels it while it is in
// force, which the kernel counts, and nothing after it was taken back.
func TestLimits(t *testing.T) {
	for _, l := range []struct {
		name     string
		limits   Limits
		feels    func(t testing.TB, c *child) bool
		evidence string
	}{
		{"processor", Limits{CPUs: 0.1}, func(t testing.TB, c *child) bool {
			_, took := c.doesFor(t, "work") // five periods' worth
			return took > 3*time.Second/10  // at least three of which it waited out
		}, "0.1 of a processor: throttled in "},
		{"processes", Limits{Pids: 1}, func(t testing.TB, c *child) bool { return c.does(t, "fork") == "EAGAIN" },
			"1 process or thread: "},
		{"files", Limits{Files: 40}, func(t testing.TB, c *child) bool {
			defer c.does(t, "close")
			for range 60 {
				if said := c.does(t, "open"); said != "ok" {
					time.Sleep(2 * reconcileEvery) // in which it is seen
					return said == "EMFILE"
				}
			}
			return false
		}, "40 file descriptors a process: read back in 1 process; seen with none left "},
	} {
		t.Run(l.name, func(t *testing.T) {
			b := newBench(t, 0)
			c := startHungry(t, b, nil)
			if l.limits.CPUs == 0 && l.feels(t, c) { // On a busy machine anything takes long.
				t.Error("it is felt before")
			}
			b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &l.limits})
			if r := b.ask(t, Request{Do: Limited, ID: "f", Node: "n1"}); r.Number != 0 && l.limits.CPUs == 0 {
				t.Errorf("felt before it could be: %+v", r)
			}
			if !l.feels(t, c) {
				t.Error("it is not felt")
			}
			if r := b.ask(t, Request{Do: Limited, ID: "f", Node: "n1"}); r.Number == 0 || !strings.HasPrefix(r.Evidence, l.evidence) {
				t.Errorf("%+v; want %q", r, l.evidence)
			}
			if r := b.ask(t, Request{Do: Unlimit, ID: "f", Node: "n1"}); !strings.HasSuffix(r.Evidence, "; now as before, read back") {
				t.Errorf("taken back: %+v", r)
			}
			if l.limits.CPUs == 0 && l.feels(t, c) {
				t.Error("it is still felt")
			}
			b.refused(t, "not limited by it", Request{Do: Limited, ID: "f", Node: "n1"})
			b.ask(t, Request{Do: Unlimit, ID: "f", Node: "n1"}) // Twice is no error.
		})
	}
}

// grows makes a child take so many mebibytes, or die of it.
func grows(t testing.TB, c *child, mebibytes int) bool {
	t.Helper()
	for range mebibytes {
		if c.does(t, "grow") == "gone" {
			return false
		}
	}
	return true
}

func TestMemoryLimitKills(t *testing.T) {
	b := newBench(t, 0)
	c := startHungry(t, b, nil)
	if !grows(t, c, 8) {
		t.Fatal("it dies without a limit")
	}
	b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &Limits{Memory: 24 << 20}})
	if grows(t, c, 64) {
		t.Fatal("it does not die of a limit")
	}
	if state, err := c.Process.Wait(); err != nil || state.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Errorf("it ended with %v, %v", state, err)
	}
	r := b.ask(t, Request{Do: Limited, ID: "f", Node: "n1"})
	if r.Number == 0 || !strings.Contains(r.Evidence, "24 MiB of memory: came to it ") || !strings.Contains(r.Evidence, "1 process killed by the kernel for it") {
		t.Errorf("evidence %+v", r)
	}
	if r := b.ask(t, Request{Do: Unlimit, ID: "f", Node: "n1"}); !strings.Contains(r.Evidence, "the limits ended with its processes") {
		t.Errorf("taken back of a dead node: %+v", r)
	}
}

// A limit below what is in use is put where the kernel takes it, which is said.
func TestMemoryLimitBelowUse(t *testing.T) {
	b := newBench(t, 0)
	c := startHungry(t, b, nil)
	grows(t, c, 32)
	r := b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &Limits{Memory: 4 << 20}})
	if g, err := cgroup.With(c.Process.Pid, cgroup.Memory); err == nil && g.Version == 1 && !strings.Contains(r.Evidence, "more is in use than 4 MiB") {
		t.Errorf("evidence %q", r.Evidence)
	}
	if grows(t, c, 64) {
		t.Error("it does not die of a limit")
	}
}

func TestMemoryLimitIsTakenBack(t *testing.T) {
	b := newBench(t, 0)
	c := startHungry(t, b, nil)
	b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &Limits{Memory: 24 << 20}})
	grows(t, c, 4)
	b.ask(t, Request{Do: Unlimit, ID: "f", Node: "n1"})
	if !grows(t, c, 64) {
		t.Error("it dies of a limit that was taken back")
	}
}

// A limit follows the node over a restart, and ends with the orchestrator.
func TestLimitsFollowTheNode(t *testing.T) {
	b := newBench(t, 0)
	startHungry(t, b, nil)
	b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &Limits{Pids: 1}})
	b.ask(t, Request{Do: Kill, Node: "n1"})
	if r := b.ask(t, Request{Do: Limited, ID: "f", Node: "n1"}); !strings.Contains(r.Evidence, "the node is down") {
		t.Errorf("of a dead node: %+v", r)
	}
	later, err := b.Do(t.Context(), Request{Do: Limit, ID: "g", Node: "n1", Limits: &Limits{Files: 40}})
	if err == nil || !later.Pending {
		t.Errorf("limits of a dead node: %+v, %v", later, err)
	}
	c := startHungry(t, b, nil)
	if said := c.does(t, "fork"); said != "EAGAIN" {
		t.Errorf("the restarted node forks: %s", said)
	}
	if soft, err := softLimit(c.Process.Pid); soft != 40 || err != nil {
		t.Errorf("the restarted node may have %d descriptors, %v", soft, err)
	}
	b.hangUp(t)
	if said := c.does(t, "fork"); said != "ok" {
		t.Errorf("after the orchestrator's death the node forks: %s", said)
	}
	if soft, err := softLimit(c.Process.Pid); soft == 40 || err != nil {
		t.Errorf("after the orchestrator's death it may have %d descriptors, %v", soft, err)
	}
}

// Of several limits on one resource the last counts; those on others stay.
func TestLastOfSeveralLimitsCounts(t *testing.T) {
	b := newBench(t, 0)
	c := startHungry(t, b, nil)
	g, err := cgroup.With(c.Process.Pid, cgroup.Pids)
	if err != nil {
		t.Fatal(err)
	}
	usual, err := softLimit(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do        string
		id        string
		limits    Limits
		pids      string
		filesSoft uint64
	}{
		{Limit, "a", Limits{Pids: 50}, "50", usual},
		{Limit, "b", Limits{Pids: 40, Files: 60}, "40", 60},
		{Limit, "a", Limits{Pids: 30}, "30", 60},
		{Unlimit, "a", Limits{}, "40", 60},
		{Unlimit, "b", Limits{}, "max", usual},
	} {
		b.ask(t, Request{Do: step.do, ID: step.id, Node: "n1", Limits: &step.limits})
		text, err := os.ReadFile(g.Dir + "/pids.max")
		soft, softErr := softLimit(c.Process.Pid)
		if got := strings.TrimSpace(string(text)); got != step.pids || soft != step.filesSoft || err != nil || softErr != nil {
			t.Errorf("%s %s: %s processes, %d files, %v, %v; want %s, %d", step.do, step.id, got, soft, err, softErr, step.pids, step.filesSoft)
		}
	}
}

// The descriptors of another user's process can be limited without the right
// to raise limits.
func TestFilesOfAnotherUser(t *testing.T) {
	b := newBench(t, 0)
	c := startHungry(t, b, &syscall.Credential{Uid: 65534, Gid: 65534})
	b.ask(t, Request{Do: Limit, ID: "f", Node: "n1", Limits: &Limits{Files: 40}})
	if soft, err := softLimit(c.Process.Pid); soft != 40 || err != nil {
		t.Errorf("it may have %d descriptors, %v", soft, err)
	}
	if os.Getuid() != 0 || unix.Getuid() != 0 {
		t.Error("we are not root any more")
	}
}

func TestLimitRefusals(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	for _, r := range []struct {
		limits Limits
		wants  string
	}{
		{Limits{}, "nothing is to be limited"},
		{Limits{Pids: -1}, "less than nothing"},
		{Limits{Pids: 1}, "cgroup"}, // It shares its group with us.
		{Limits{Files: 1 << 40}, "already"},
	} {
		b.refused(t, r.wants, Request{Do: Limit, ID: "f", Node: "n1", Limits: &r.limits})
		b.refused(t, "not limited by it", Request{Do: Limited, ID: "f", Node: "n1"})
	}
}
