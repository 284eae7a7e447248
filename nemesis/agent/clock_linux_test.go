package agent

import (
	"strings"
	"testing"
	"time"
)

func TestClockOfAChild(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	began := time.Now()
	_, before := c.now(t)
	for _, offset := range []time.Duration{90 * time.Second, -time.Hour, 5 * time.Millisecond, 0, 24 * time.Hour} {
		r := b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Offset: offset})
		if time.Duration(r.Number) != offset || !strings.Contains(r.Evidence, "in 1 of 1 process (pid") {
			t.Errorf("set to %v: %+v", offset, r)
		}
		if !c.skewed(t, offset) {
			wall, _ := c.now(t)
			t.Errorf("its clock shows %v at %v; want it off by %v", wall, time.Now(), offset)
		}
		if r := b.ask(t, Request{Do: ReadClock, Node: "n1"}); time.Duration(r.Number) != offset {
			t.Errorf("read back %+v; want %v", r, offset)
		}
	}
	if _, after := c.now(t); after-before > time.Since(began) {
		t.Errorf("its monotonic clock went on by %v in less than %v", after-before, time.Since(began))
	}
	b.ask(t, Request{Do: ResetClock, ID: "f", Node: "n1"})
	if !c.skewed(t, 0) {
		t.Error("the clock is still off after the reset")
	}
}

// Children that were there before, that are executed later, and a restarted
// node all get the node's clock.
func TestClockFollowsTheNode(t *testing.T) {
	b := newBench(t, 0)
	early, late := startChild(t, "parent"), startChild(t, "late-parent")
	early.now(t) // Its child runs.
	for name, c := range map[string]*child{"early": early, "late": late} {
		b.ask(t, Request{Do: Register, Node: name, Pid: c.Process.Pid})
		b.ask(t, Request{Do: SetClock, ID: "f", Node: name, Offset: time.Hour})
	}
	if !early.skewed(t, time.Hour) {
		t.Error("a child that the node had when its clock was set has the real time")
	}
	if !late.skewed(t, time.Hour) {
		t.Error("the node itself has the real time")
	}
	eventually(t, "a child that the node executes later gets its clock", func() bool { return late.skewed(t, time.Hour) })
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "late", Offset: -time.Minute})
	if !late.skewed(t, -time.Minute) {
		t.Error("the child missed a jump")
	}
	if r := b.ask(t, Request{Do: ReadClock, Node: "late"}); !strings.Contains(r.Evidence, "-1m0s in 2 of 2 processes") {
		t.Errorf("evidence %q", r.Evidence)
	}
	b.ask(t, Request{Do: Kill, Node: "late"})
	b.refused(t, "is down", Request{Do: ReadClock, Node: "late"})
	b.refused(t, "will be set when it runs", Request{Do: SetClock, ID: "f", Node: "late", Offset: time.Minute})
	again := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "late", Pid: again.Process.Pid})
	if !again.skewed(t, time.Minute) {
		t.Error("the restarted node has the real time")
	}
	b.ask(t, Request{Do: ResetClock, ID: "f", Node: "late"})
	if !again.skewed(t, 0) {
		t.Error("the clock is still off after the reset")
	}
}

func TestLastOfSeveralClocksCounts(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	for _, step := range []struct {
		do   string
		id   string
		set  time.Duration
		want time.Duration
	}{
		{SetClock, "a", time.Hour, time.Hour},
		{SetClock, "b", time.Minute, time.Minute},
		{SetClock, "a", 2 * time.Hour, 2 * time.Hour},
		{ResetClock, "a", 0, time.Minute},
		{ResetClock, "a", 0, time.Minute},
		{ResetClock, "b", 0, 0},
		{ResetClock, "never", 0, 0},
	} {
		r := b.ask(t, Request{Do: step.do, ID: step.id, Node: "n1", Offset: step.set})
		if time.Duration(r.Number) != step.want || !c.skewed(t, step.want) {
			t.Errorf("%s by %s to %v: %q; want %v", step.do, step.id, step.set, r.Evidence, step.want)
		}
	}
}

func TestClockOfAFrozenNode(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1"})
	later, err := b.Do(t.Context(), Request{Do: SetClock, ID: "c", Node: "n1", Offset: time.Hour})
	if err == nil || !strings.Contains(err.Error(), "node is frozen, will apply when it thaws") || !later.Pending {
		t.Errorf("a frozen node: pending %v, %v", later.Pending, err)
	}
	if got := state(t, g); got != "FROZEN" {
		t.Errorf("now the node is %s", got)
	}
	b.ask(t, Request{Do: Thaw, ID: "p", Node: "n1"})
	eventually(t, "the clock is set after the thaw", func() bool { return c.skewed(t, time.Hour) })
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1"})
	r := b.ask(t, Request{Do: SetClock, ID: "c", Node: "n1", Offset: -time.Hour}) // Nothing has to be stopped for it.
	b.ask(t, Request{Do: Thaw, ID: "p", Node: "n1"})
	if !c.skewed(t, -time.Hour) {
		t.Errorf("a change while it was frozen (%q) does not show", r.Evidence)
	}
}

// A process that appears in the node's cgroup, by `docker exec` for example,
// gets its clock.
func TestClockOfWhoEnters(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Offset: time.Hour})
	guest := startChild(t, "agent-probe-child")
	if !guest.skewed(t, 0) {
		t.Error("a stranger does not have the real time")
	}
	if err := g.Add(guest.Process.Pid); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guest gets the node's clock", func() bool { return guest.skewed(t, time.Hour) })
	b.hangUp(t)
	if !c.skewed(t, 0) || !guest.skewed(t, 0) {
		t.Error("the clocks are still off after the orchestrator's death")
	}
}

func TestClockIsRenewed(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	c := clock{}
	c.set("f", time.Hour)
	want := c.target(now)
	if !good(want, want, now) || shown(want, now) != time.Hour {
		t.Error("a fresh clock is not as wanted")
	}
	if late := now.Add(clockLife - clockLeast); good(want, c.target(late), late) {
		t.Error("a clock that will end is not renewed")
	}
	if after := now.Add(clockLife); shown(want, after) != 0 {
		t.Error("a clock that has ended still counts")
	}
	if c.reset("f"); good(want, c.target(now), now) {
		t.Error("a clock that is not wanted any more is left as it is")
	}
}

func TestOffsetBounds(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	for _, offset := range []time.Duration{mostOff + 1, -mostOff - 1} {
		b.refused(t, "at most 20 years", Request{Do: SetClock, ID: "f", Node: "n1", Offset: offset})
	}
	for _, offset := range []time.Duration{mostOff, -mostOff} {
		b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Offset: offset})
		if !c.skewed(t, offset) {
			t.Errorf("%v does not show", offset)
		}
	}
}
