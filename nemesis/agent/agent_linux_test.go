package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

func TestRefusals(t *testing.T) {
	b := newBench(t, 0)
	dead := startChild(t, "spin")
	b.ask(t, Request{Do: Register, Node: "dead", Pid: dead.Process.Pid})
	dead.stop()
	b.ask(t, Request{Do: Register, Node: "down"})
	for _, c := range []struct {
		request Request
		wants   string
	}{
		{Request{}, `unknown verb ""`},
		{Request{Do: "sink"}, `unknown verb "sink"`},
		{Request{Do: Register}, `register needs the field "node"`},
		{Request{Do: Cut, ID: "f"}, `cut needs the field "pairs"`},
		{Request{Do: Cut, Pairs: [][2]string{{"a", "b"}}}, `cut needs the field "id"`},
		{Request{Do: Freeze, Node: "down"}, `freeze needs the field "id"`},
		{Request{Do: SetClock, ID: "f"}, `set-clock needs the field "node"`},
		{Request{Do: SetClock, ID: "f", Node: "down"}, `set-clock needs the field "clock"`},
		{Request{Do: Cut, ID: "f", Pairs: [][2]string{{"n1", "n2"}}}, `no address is known of node "n1"`},
		{Request{Do: Register, Node: "n1", Addresses: []string{"n1.local"}}, `"n1.local" is not an IP address`},
		{Request{Do: Register, Node: "n1", Pid: 1 << 30}, "open process 1073741824"},
		{Request{Do: Register, Node: "n1", Pid: -1}, "open process -1"},
		{Request{Do: Kill, Node: "n9"}, `node "n9" is not registered`},
		{Request{Do: Freeze, ID: "f", Node: "n9"}, "not registered"},
		{Request{Do: Thaw, ID: "f", Node: "n9"}, "not registered"},
		{Request{Do: SetClock, ID: "f", Node: "n9", Clock: &Clock{}}, "not registered"},
		{Request{Do: ResetClock, ID: "f", Node: "n9"}, "not registered"},
		{Request{Do: ReadClock, Node: "n9"}, "not registered"},
		{Request{Do: Kill, Node: "down"}, "down is down"},
		{Request{Do: Freeze, ID: "f", Node: "down"}, "down is down, it will be frozen when it runs"},
		{Request{Do: Freeze, ID: "f", Node: "down", How: "ice"}, `not by "ice"`},
		{Request{Do: Freeze, ID: "f", Node: "down", Process: "x"}, "one process of many"},
		{Request{Do: Frozen, ID: "f", Node: "down"}, "down is down"},
		{Request{Do: Stop, ID: "f", Node: "down"}, "down is down"},
		{Request{Do: Processes, Node: "down"}, "down is down"},
		{Request{Do: ReadClock, Node: "down"}, "down is down"},
		{Request{Do: Kill, Node: "dead"}, fmt.Sprintf("its process %d has ended", dead.Process.Pid)},
		{Request{Do: Freeze, ID: "f", Node: "dead"}, "has ended"},
		{Request{Do: SetClock, ID: "f", Node: "dead", Clock: &Clock{Offset: time.Hour}}, "has ended"},
	} {
		b.refused(t, c.wants, c.request)
	}
	for _, r := range []Request{
		{Do: Mend, ID: "never"}, {Do: Thaw, ID: "never", Node: "down"},
		{Do: Unlimit, ID: "never", Node: "down"},
		{Do: ResetClock, ID: "never", Node: "down"}, {Do: ResetClock, ID: "never", Node: "dead"},
	} {
		b.ask(t, r) // Taking back what never was is no error.
	}
}

// The pid of a node that has ended is not the node, whoever has it.
func TestSamePidIsNotTheSameProcess(t *testing.T) {
	c := startChild(t, "spin")
	p, err := openProcess(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	later := &process{pid: p.pid, started: p.started + 1}
	if !p.same(p) || p.same(later) || p.same(nil) || (*process)(nil).same(p) {
		t.Error("processes are mixed up")
	}
	c.stop()
	if p.alive() {
		t.Error("it lives on")
	}
	if err := p.signal(syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("killed again: %v", err)
	}
}

func TestRegisterAgain(t *testing.T) {
	b := newBench(t, 0)
	c, g := startJailed(t, "spin")
	r := Request{Do: Register, Node: "n1", Pid: c.Process.Pid}
	b.ask(t, r)
	b.ask(t, Request{Do: Freeze, ID: "f", Node: "n1"})
	b.ask(t, r)
	if got := state(t, g); got != "FROZEN" {
		t.Errorf("registered again, the same process is %s", got)
	}
	r.Pid = 0
	b.ask(t, r)
	if got := state(t, g); got != "THAWED" {
		t.Errorf("of a node that is down the cgroup is %s", got)
	}
}

// A node's processes may belong to anybody.
func TestNodeOfAnotherUser(t *testing.T) {
	b := newBench(t, 0)
	c := startAs(t, &syscall.Credential{Uid: 65534, Gid: 65534}, "agent-probe-child")
	b.ask(t, Request{Do: Register, Node: "n1", Pid: c.Process.Pid})
	b.ask(t, Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Offset: time.Hour}})
	if !c.skewed(t, time.Hour) {
		t.Error("the clock of another user's process does not show the offset")
	}
	b.ask(t, Request{Do: Kill, Node: "n1"})
}

// The watch over a frozen node must notice one that is not.
func TestWatchNoticesWhatRuns(t *testing.T) {
	c, g := startJailed(t, "spin")
	main, err := openProcess(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer main.close()
	n := &node{name: "n1", main: main, group: g, frozen: standstills{"f": {how: ByFreezer}}}
	eventually(t, "the child spins", func() bool { return cpuTime([]int{c.Process.Pid}) > 0 })
	noticed := false
	for range 100 { // On a busy machine it may not get a turn in one watch.
		if _, err := n.standsStill("f"); err != nil {
			noticed = strings.Contains(err.Error(), "used")
			break
		}
	}
	if !noticed {
		t.Error("a spinning process was taken for a frozen one")
	}
}

func TestTicksWithoutSchedulerStatistics(t *testing.T) {
	fields, err := statFields(os.Getpid())
	if err != nil || len(fields[0]) != 1 {
		t.Errorf("state %q, %v; want one letter", fields[0], err)
	}
	if _, err := statFields(1 << 30); err == nil {
		t.Error("a process that is not there has statistics")
	}
	if got := threadTime(1<<30, fmt.Sprint(1<<30)); got != 0 {
		t.Errorf("a thread that is not there used %v", got)
	}
}

// Anything, in any order, from many sides: every request is answered, and in
// the end all can be healed.
func TestStorm(t *testing.T) {
	p := playtest.New(t, 3)
	b := newBench(t, p.Bridge())
	registerAll(t, b, p, 3)
	var groups []interface{ State() (string, error) }
	var children []*child
	for i := range 3 {
		c, g := startJailed(t, "agent-probe-child")
		groups, children = append(groups, g), append(children, c)
		b.ask(t, Request{Do: Register, Node: fmt.Sprint("n", i+1), Pid: c.Process.Pid})
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range 40 {
				r := randomRequest(random)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				_, err := b.Do(ctx, r)
				cancel()
				if err != nil && (errors.Is(err, ErrGone) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "bug")) {
					t.Errorf("%+v: %v", r, err)
				}
			}
		})
	}
	all.Wait()
	b.ask(t, Request{Do: Heal})
	for i, c := range children {
		if got, err := groups[i].State(); got != "THAWED" || err != nil {
			t.Fatalf("n%d is %s, %v", i+1, got, err)
		}
		if !c.skewed(t, 0) {
			t.Errorf("n%d's clock is still off", i+1)
		}
	}
	if left, err := cut.Sweep(t.Context(), p.Bridge(), "*"); err != nil || len(left) > 0 {
		t.Errorf("left in the kernel: %v, %v", left, err)
	}
}

func randomRequest(r *rand.Rand) Request {
	verbs := []string{Hello, Cut, Cut, Mend, Dropped, Slow, Slowed, Hasten, Freeze, Thaw, Thaw, SetClock, SetClock, ResetClock, ReadClock, Heal, "sink"}
	node := func() string { return fmt.Sprint("n", 1+r.IntN(3)) }
	return Request{
		Do: verbs[r.IntN(len(verbs))], ID: fmt.Sprint("f", r.IntN(4)), Node: node(),
		Pairs:    [][2]string{{node(), node()}, {node(), node()}},
		Slowdown: &Slowdown{Delay: time.Millisecond},
		Clock: &Clock{
			Offset: time.Duration(r.Int64N(int64(time.Hour))) - 30*time.Minute,
			Rate:   r.Int64N(3) * vdso.Still / 2, Period: time.Duration(r.Int64N(2)) * time.Second,
		},
	}
}

// What goes wrong behind the scenes is said once, not twenty times a second.
func TestComplaintsAreMadeOnce(t *testing.T) {
	a := newAgent(0)
	for range 3 {
		a.complain(errors.New("the test complains; this line should be seen once"))
		a.complain(nil)
	}
	for i := range 200 {
		a.said[fmt.Sprint(i)] = true
	}
	a.complain(errors.New("this line should not be seen at all"))
	if len(a.said) != 201 {
		t.Errorf("%d complaints are remembered", len(a.said))
	}
}

// What was asked for before the end must not be begun after the healing.
func TestNothingIsBegunTooLate(t *testing.T) {
	a := newAgent(0)
	a.know("n1")
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for _, verb := range []string{Register, Kill, Freeze, Thaw, SetClock, ResetClock, ReadClock} {
		r := Request{Do: verb, ID: "f", Node: "n1", Pid: os.Getpid(), Clock: &Clock{Offset: time.Hour}}
		if _, err := a.do(late, r); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if len(a.nodes["n1"].clock.want) > 0 || a.nodes["n1"].main != nil {
		t.Error("something was begun")
	}
}
