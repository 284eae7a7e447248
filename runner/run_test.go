package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// stormy is a scenario with every kind of fault.
func stormy() *scenarios.Scenario {
	at := 2 * time.Second
	return &scenarios.Scenario{
		Name:   "stormy",
		System: scenarios.System{Nodes: 5, Ready: scenarios.Ready{Within: 10 * time.Second}},
		Workload: scenarios.Workload{
			Use: "register", Clients: 10, Keys: 4, OperationsPerKey: 50, RatePerSecond: 100,
			Mix: map[string]int{"read": 50, "write": 35, "cas": 15}, Timeout: time.Second,
		},
		Phases: []scenarios.Phase{
			{Name: "calm", For: 2 * time.Second},
			{Name: "storm", For: 30 * time.Second, Faults: []scenarios.Fault{
				{Name: "partition", Fault: "partition", Partition: &scenarios.Partition{Shape: "any"}, When: every(5*time.Second, 3*time.Second)},
				{Name: "kill", Fault: "kill", Target: "minority", When: every(10*time.Second, 2*time.Second)},
				{Name: "pause", Fault: "pause", Target: "leader", When: every(8*time.Second, 2*time.Second)},
				{Name: "skew", Fault: "clock", Target: "one", Clock: &scenarios.Clock{Skew: 90 * time.Second}, When: scenarios.When{At: &at, For: 6 * time.Second}},
				{Name: "jump", Fault: "clock", Target: "one", Clock: &scenarios.Clock{Jump: -time.Minute}, When: every(12*time.Second, 4*time.Second)},
			}},
		},
		Settle: scenarios.Settle{HealthyWithin: 10 * time.Second},
		Expect: "valid",
	}
}

func every(d, last time.Duration) scenarios.When { return scenarios.When{Every: d, For: last} }

// A trial is a run of a scenario against a fake cluster.
type trial struct {
	fake    *fake
	out     Outcome
	err     error
	history *history.History
	events  []Event
	// readings are those taken of the run.
	readings []Reading
}

// try runs s in a bubble of virtual time.
func try(t *testing.T, s *scenarios.Scenario, f *fake, ctx context.Context, sink io.Writer) trial {
	t.Helper()
	return tryOn(t, s, f, f, ctx, sink)
}

// tryOn is try on a cluster around the fake.
func tryOn(t *testing.T, s *scenarios.Scenario, c Cluster, f *fake, ctx context.Context, sink io.Writer) trial {
	t.Helper()
	plan, err := Compile(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if sink == nil {
		sink = &buf
	}
	var mu sync.Mutex
	tr := trial{fake: f}
	begin := time.Now()
	tr.out, tr.err = Run(ctx, plan, Options{
		Prepare: func(context.Context, func(string)) (Cluster, error) { return c, nil },
		System:  c.(client.System), History: sink, Nodes: t.TempDir(),
		Now: func() time.Duration { return time.Since(begin) },
		Observe: func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			tr.events = append(tr.events, e)
		},
		Measure: func(r Reading) { tr.readings = append(tr.readings, r) },
	})
	if tr.history, err = history.Read(&buf); err != nil {
		t.Fatalf("read the history back: %v", err)
	}
	return tr
}

func TestRunCarriesOutThePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		if tr.err != nil || tr.out.Interrupted || len(tr.out.Problems) > 0 {
			t.Fatalf("err %v, outcome %+v", tr.err, tr.out)
		}
		if !tr.fake.whole() || tr.fake.down != 1 {
			t.Errorf("whole %v, taken down %d times", tr.fake.whole(), tr.fake.down)
		}
		a, ok := tr.history.Announcement()
		if !ok || a.FinalReads == 0 || !tr.history.Ended() {
			t.Fatalf("announcement %+v (%v), ended %v", a, ok, tr.history.Ended())
		}
		windows := tr.history.Faults()
		if len(windows) != len(a.Faults) {
			t.Errorf("%d faults announced, %d in the history", len(a.Faults), len(windows))
		}
		for _, w := range windows {
			if !w.TookHold() || w.Healed < 0 || w.Evidence == "" {
				t.Errorf("%s: took hold %v, healed %s, evidence %q, error %q", w.ID, w.TookHold(), w.Healed, w.Evidence, w.Error)
			}
		}
		finals := 0
		for _, o := range tr.history.Operations() {
			if o.Invoke.Final && o.Type() == history.OK {
				finals++
			}
		}
		if finals != a.FinalReads {
			t.Errorf("%d of %d final reads", finals, a.FinalReads)
		}
	})
}

// A closed loop does not get to all that is planned for it; only what it got
// to is read in the end.
func TestClosedLoopReadsWhatItTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stormy()
		s.Workload.RatePerSecond, s.Phases = 0, s.Phases[:1]
		tr := try(t, s, newFake(5), t.Context(), nil)
		touched, read := map[string]bool{}, map[string]int{}
		for _, o := range tr.history.Operations() {
			if o.Invoke.Final {
				read[o.Invoke.Key]++
			} else {
				touched[o.Invoke.Key] = true
			}
		}
		if tr.err != nil || len(touched) == 0 || len(read) != len(touched) {
			t.Fatalf("err %v; %d keys touched, %d read in the end", tr.err, len(touched), len(read))
		}
		for key, n := range read {
			if n != 5 || !touched[key] {
				t.Errorf("%s was read %d times in the end (touched: %v)", key, n, touched[key])
			}
		}
	})
}

// A fault begins at its planned moment, on the axis of the plan.
func TestFaultsComeOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := Compile(stormy(), 7)
		if err != nil {
			t.Fatal(err)
		}
		planned := map[string]nemesis.Injection{}
		for _, in := range plan.Faults {
			planned[in.ID] = in
		}
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		for _, w := range tr.history.Faults() {
			in := planned[w.ID]
			if w.Inject != in.At || w.Heal != in.At+in.For {
				t.Errorf("%s: injected at %s, healed at %s; planned %s and %s", w.ID, w.Inject, w.Heal, in.At, in.At+in.For)
			}
		}
	})
}

// Interrupted in mid-storm, a run heals, takes down and keeps what it has.
func TestInterruptHealsAndKeepsTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(8*time.Second, cancel)
		tr := try(t, stormy(), newFake(5), ctx, nil)
		if tr.err != nil || !tr.out.Interrupted {
			t.Fatalf("err %v, interrupted %v", tr.err, tr.out.Interrupted)
		}
		if !tr.fake.whole() || tr.fake.down != 1 {
			t.Errorf("whole %v, taken down %d times", tr.fake.whole(), tr.fake.down)
		}
		if n := len(tr.history.Operations()); n < 100 {
			t.Errorf("only %d operations in the history", n)
		}
		for _, w := range tr.history.Faults() {
			if w.Healed < 0 {
				t.Errorf("%s was not healed", w.ID)
			}
		}
	})
}

// failing is a disk that is full after so many bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestFullDiskEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), &failing{left: 20_000})
		var env *EnvError
		if !errors.As(tr.err, &env) || !strings.Contains(tr.err.Error(), "no space left") {
			t.Fatalf("err %v", tr.err)
		}
		if !tr.fake.whole() || tr.fake.down != 1 {
			t.Errorf("whole %v, taken down %d times", tr.fake.whole(), tr.fake.down)
		}
		if asked := len(tr.fake.asked); asked > 40 {
			t.Errorf("%d requests to the agent: the run went on without a history", asked)
		}
	})
}

func TestUnhealthyClusterIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		damage func(*fake)
		want   string
	}{
		{"a node that never gets ready", func(f *fake) { f.silent["n3"] = true }, "n3 is not ready: it says nothing"},
		{"a node that ended", func(f *fake) { f.silent["n2"] = true; f.exited["n2"] = "exit 2: panic: no such flag" }, "n2 ended: exit 2: panic: no such flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(5)
				tt.damage(f)
				tr := try(t, stormy(), f, t.Context(), nil)
				var env *EnvError
				if !errors.As(tr.err, &env) || !strings.Contains(fmt.Sprint(tr.err), tt.want) {
					t.Errorf("err %v, want it to say %q", tr.err, tt.want)
				}
				if f.down != 1 {
					t.Errorf("taken down %d times", f.down)
				}
			})
		})
	}
}

// A fault that cannot be shown to bite is written down as such.
func TestFaultWithoutEffectIsNotTakenForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(5)
		f.noDrops, f.leader = true, ""
		tr := try(t, stormy(), f, t.Context(), nil)
		for _, w := range tr.history.Faults() {
			hollow := w.Fault == "partition" || w.Fault == "pause"
			if w.TookHold() == hollow {
				t.Errorf("%s took hold: %v (error %q)", w.ID, w.TookHold(), w.Error)
			}
			if hollow && w.Error == "" {
				t.Errorf("%s has no reason", w.ID)
			}
		}
	})
}

// A client that ignores its deadline does not hold up the run.
func TestStuckClientIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(5)
		f.hang["n2"] = true
		s := stormy()
		s.Phases = s.Phases[:1]
		tr := try(t, s, f, t.Context(), nil)
		if tr.err != nil || !strings.Contains(strings.Join(tr.out.Problems, "\n"), "did not return") {
			t.Errorf("err %v, problems %q", tr.err, tr.out.Problems)
		}
		time.Sleep(2 * time.Hour) // lets the abandoned calls end with the bubble
	})
}

// After an unknown outcome a client goes on as a new process.
func TestUnknownOutcomeRetiresTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		unknown := map[int]bool{}
		for _, o := range tr.history.Operations() {
			if unknown[o.Invoke.Process] {
				t.Fatalf("process %d invoked #%d after an unknown outcome", o.Invoke.Process, o.Invoke.Index)
			}
			unknown[o.Invoke.Process] = o.Type() == history.Info
		}
		if len(unknown) <= 10 {
			t.Errorf("%d processes: nothing was ever unknown", len(unknown))
		}
	})
}
