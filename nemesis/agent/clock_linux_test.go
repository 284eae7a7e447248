package agent

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

func TestClockOfAChild(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	began := time.Now()
	_, before := c.now(t)
	for _, offset := range []time.Duration{90 * time.Second, -time.Hour, 5 * time.Millisecond, 0, 24 * time.Hour} {
		r := b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: offset}})
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
		b.ask(t, Request{Do: SetClock, ID: "f", Node: name, Clock: &Clock{Offset: time.Hour}})
	}
	if !early.skewed(t, time.Hour) {
		t.Error("a child that the node had when its clock was set has the real time")
	}
	if !late.skewed(t, time.Hour) {
		t.Error("the node itself has the real time")
	}
	eventually(t, "a child that the node executes later gets its clock", func() bool { return late.skewed(t, time.Hour) })
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "late", Clock: &Clock{Offset: -time.Minute}})
	if !late.skewed(t, -time.Minute) {
		t.Error("the child missed a jump")
	}
	if r := b.ask(t, Request{Do: ReadClock, Node: "late"}); !strings.Contains(r.Evidence, "-1m0s in 2 of 2 processes") {
		t.Errorf("evidence %q", r.Evidence)
	}
	b.ask(t, Request{Do: Kill, Node: "late"})
	b.refused(t, "is down", Request{Do: ReadClock, Node: "late"})
	b.refused(t, "will be set when it runs", Request{Do: SetClock, ID: "f", Node: "late", Clock: &Clock{Offset: time.Minute}})
	again := startChild(t, "agent-probe-child")
	again.now(t) // It is executed.
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
		r := b.ask(t, Request{Do: step.do, ID: step.id, Node: "n1", Clock: &Clock{Offset: step.set}})
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
	later, err := b.Do(t.Context(), Request{Do: SetClock, ID: "c", Node: "n1", Clock: &Clock{Offset: time.Hour}})
	if err == nil || !strings.Contains(err.Error(), "node is frozen, will apply when it thaws") || !later.Pending {
		t.Errorf("a frozen node: pending %v, %v", later.Pending, err)
	}
	if got := state(t, g); got != "FROZEN" {
		t.Errorf("now the node is %s", got)
	}
	b.ask(t, Request{Do: Thaw, ID: "p", Node: "n1"})
	eventually(t, "the clock is set after the thaw", func() bool { return c.skewed(t, time.Hour) })
	b.ask(t, Request{Do: Freeze, ID: "p", Node: "n1"})
	r := b.ask(t, Request{Do: SetClock, ID: "c", Node: "n1", Clock: &Clock{Offset: -time.Hour}}) // Nothing has to be stopped for it.
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
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: time.Hour}})
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
	now := vdso.Reading{1_000_000_000_000_000, 1, 1, 1}
	c := clock{}
	c.set("f", vdso.Clock{Of: vdso.Realtime, Offset: time.Hour, From: now})
	want := c.target(now)
	if !good(want, want, now) || want.Off(now) != time.Hour {
		t.Error("a fresh clock is not as wanted")
	}
	if late := now.In(clockLife - clockLeast); good(want, c.target(late), late) {
		t.Error("a clock that will end is not renewed")
	}
	if after := now.In(clockLife); want.Off(after) != 0 {
		t.Error("a clock that has ended still counts")
	}
	if c.reset("f"); good(want, c.target(now), now) {
		t.Error("a clock that is not wanted any more is left as it is")
	}
}

// What the child itself says the time is, under every kind of clock, and that
// it is right before and after.
func TestKindsOfClocks(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	for _, k := range []struct {
		clock    Clock
		evidence string
		seen     func(t testing.TB) bool // by asking the child, again until it is so
	}{
		{Clock{Rate: vdso.Still}, "clock stands still, now off by -", func(t testing.TB) bool {
			first, _ := c.now(t)
			second, _ := c.now(t)
			return first.Equal(second)
		}},
		{Clock{Rate: vdso.PerBillion / 10}, "clock 10% fast, now off by +", func(t testing.TB) bool {
			wall, _ := c.now(t)
			return time.Until(wall) > 20*time.Millisecond // after a fifth of a second
		}},
		{Clock{Rate: -vdso.PerBillion / 2}, "clock 50% slow, now off by -", func(t testing.TB) bool {
			wall, _ := c.now(t)
			return time.Until(wall) < -20*time.Millisecond
		}},
		{Clock{Rate: 500_000}, "clock 500 ppm fast, now off by +", func(t testing.TB) bool {
			wall, _ := c.now(t)
			return time.Until(wall) > 50*time.Microsecond
		}},
		{Clock{Offset: time.Hour, Other: -time.Hour, Period: 30 * time.Millisecond}, "clock flips between +1h0m0s and -1h0m0s every 30ms, now off by ", both(c)},
	} {
		if !c.skewed(t, 0) {
			t.Fatalf("%+v: the clock was off before", k.clock)
		}
		r := b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &k.clock})
		if !strings.Contains(r.Evidence, k.evidence) || r.Clock == nil || !reflect.DeepEqual(*r.Clock, k.clock) {
			t.Errorf("%+v: %q, read back %+v", k.clock, r.Evidence, r.Clock)
		}
		eventually(t, k.evidence, func() bool { return k.seen(t) })
		if r := b.ask(t, Request{Do: ResetClock, ID: "f", Node: "n1"}); r.Clock != nil || r.Number != 0 {
			t.Errorf("after the reset %+v", r)
		}
		if !c.skewed(t, 0) {
			t.Errorf("%+v: the clock is still off", k.clock)
		}
	}
}

// both is seen once the child was seen to be an hour ahead, and an hour behind.
func both(c *child) func(t testing.TB) bool {
	seen := map[time.Duration]bool{}
	return func(t testing.TB) bool {
		wall, _ := c.now(t)
		seen[time.Until(wall).Round(time.Hour)] = true
		return seen[time.Hour] && seen[-time.Hour]
	}
}

// A strobe, too, follows the node: into a child that it executes later, after
// a restart, and while it is renewed.
func TestStrobeFollowsTheNode(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "late-parent")
	strobe := &Clock{Offset: time.Hour, Other: -time.Hour, Period: 10 * time.Millisecond}
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: strobe})
	c.now(t) // It executes its child now.
	if !strobes(t, c) {
		t.Error("the child that was executed later does not strobe")
	}
	b.ask(t, Request{Do: Kill, Node: "n1"})
	again := startChild(t, "agent-probe-child")
	again.now(t) // It is executed.
	b.ask(t, Request{Do: Register, Node: "n1", Pid: again.Process.Pid})
	if !strobes(t, again) {
		t.Error("the restarted node does not strobe")
	}
}

func strobes(t testing.TB, c *child) bool {
	t.Helper()
	seen := both(c)
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if seen(t) {
			return true
		}
	}
	return false
}

// That no process of the node shows a clock is not said to be a clock that is set.
func TestNoClockIsNoEvidence(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	main, err := openProcess(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer main.close()
	n := &node{name: "n1", main: main}
	if seen, err := n.readClocks([]int{c.Process.Pid}); err != nil || seen.all != 1 {
		t.Errorf("of one process: %v, %v", seen, err)
	}
	if seen, err := n.readClocks(nil); err == nil {
		t.Errorf("of none: %v", seen)
	}
}

// The monotonic clock is left alone unless it is named.
func TestMonotonicOnlyByName(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	ahead := func(clock Clock) time.Duration {
		_, before := c.now(t)
		b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &clock})
		_, after := c.now(t)
		b.ask(t, Request{Do: ResetClock, ID: "f", Node: "n1"})
		return (after - before).Round(time.Minute)
	}
	for _, k := range []struct {
		clocks []string
		want   time.Duration
	}{{nil, 0}, {[]string{"realtime"}, 0}, {[]string{"boottime"}, 0}, {[]string{"realtime", "monotonic"}, time.Hour}, {[]string{"monotonic"}, time.Hour}} {
		if got := ahead(Clock{Offset: time.Hour, Clocks: k.clocks}); got != k.want {
			t.Errorf("%v an hour ahead: the monotonic one leapt by %v; want %v", k.clocks, got, k.want)
		}
	}
}

func TestClockBounds(t *testing.T) {
	b := newBench(t, 0)
	b.ask(t, Request{Do: Register, Node: "n1"})
	for _, c := range []struct {
		clock Clock
		wants string
	}{
		{Clock{Rate: vdso.Still - 1}, "which stands still"},
		{Clock{Rate: mostRate + 1}, "which stands still"},
		{Clock{Offset: 1, Period: time.Millisecond - 1}, "at least 1ms"},
		{Clock{Other: mostOff + 1, Period: time.Second}, "at most 20 years"},
		{Clock{Clocks: []string{"tai"}}, `there is no clock "tai"`},
		{Clock{Clocks: []string{"monotonic"}, Offset: -mostOff}, "the host was booted"},
		{Clock{Clocks: []string{"boottime"}, Offset: -mostOff}, "the host was booted"},
	} {
		b.refused(t, c.wants, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &c.clock})
	}
}

func TestOffsetBounds(t *testing.T) {
	b := newBench(t, 0)
	c := startChild(t, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	for _, offset := range []time.Duration{mostOff + 1, -mostOff - 1} {
		b.refused(t, "at most 20 years", Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: offset}})
	}
	for _, offset := range []time.Duration{mostOff, -mostOff} {
		b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: offset}})
		if !c.skewed(t, offset) {
			t.Errorf("%v does not show", offset)
		}
	}
}
