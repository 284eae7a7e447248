package runner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Follow shows a line a second of a node that counts.
func (f *fake) Follow(ctx context.Context, node string) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		for n := 1; pauseFor(ctx, time.Second); n++ {
			if _, err := io.WriteString(w, node+" has counted to "+strings.Repeat("I", n)+"\n"); err != nil {
				return
			}
		}
		_ = w.CloseWithError(ctx.Err()) // never fails
	}()
	return r, nil
}

// waiting is stormy with one pause of n2 that waits for a trigger.
func waiting(t scenarios.Trigger) *scenarios.Scenario {
	s := stormy()
	zero := time.Duration(0)
	s.Phases[1].Faults = []scenarios.Fault{{Name: "pause", Fault: "pause", Target: "n2",
		When: scenarios.When{At: &zero, For: time.Second, Trigger: &t}}}
	return s
}

// setUp is the event by which a fault was set up, in a history; nil if it was not.
func setUp(t *testing.T, h *history.History) (event history.FaultEvent, at time.Duration) {
	t.Helper()
	for _, op := range h.Ops {
		if e, ok := faultEvent(op); ok && e.Stage == history.StageSetUp {
			return e, op.Time
		}
	}
	return event, -1
}

// Each trigger fires when it should, which is the storm's beginning at 2s and
// so much later, or is said never to have fired.
func TestTriggersFire(t *testing.T) {
	for name, tt := range map[string]struct {
		trigger  scenarios.Trigger
		from, to time.Duration
		why      string
		never    string
	}{
		"operations": {scenarios.Trigger{Ops: 300}, 4 * time.Second, 6 * time.Second, "operations had ended", ""},
		"too many":   {scenarios.Trigger{Ops: 30_000}, 0, 0, "", "operations ended in that time"},
		"in flight":  {scenarios.Trigger{InFlight: "cas", Node: "n3"}, 2 * time.Second, 3 * time.Second, "was under way on n3", ""},
		"nothing in flight": {scenarios.Trigger{InFlight: "append"}, 0, 0, "",
			"no append was sent in that time"},
		"a line": {scenarios.Trigger{Log: "to I{3}$"}, 5 * time.Second, 5 * time.Second, `has counted to III"`, ""},
		"a line of one node": {scenarios.Trigger{Log: "^n4 .* I{2}$", Node: "n4"}, 4 * time.Second, 4 * time.Second,
			`n4 logged "n4 has counted to II"`, ""},
		"no line": {scenarios.Trigger{Log: "nine"}, 0, 0, "", "no line matched in that time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := try(t, waiting(tt.trigger), newFake(5), t.Context(), nil)
				e, at := setUp(t, tr.history)
				window := tr.history.Faults()[0]
				if tt.never != "" {
					if at >= 0 || window.TookHold() || !strings.Contains(window.Error, "never fired: ") || !strings.Contains(window.Error, tt.never) {
						t.Errorf("set up at %s, error %q, want it never to, with %q", at, window.Error, tt.never)
					}
					return
				}
				if at < tt.from || at > tt.to || !strings.Contains(e.Evidence, tt.why) || !window.TookHold() {
					t.Errorf("set up at %s for %q, want %s to %s for %q", at, e.Evidence, tt.from, tt.to, tt.why)
				}
			})
		})
	}
}

// A write that sets off a fault is still under way when the fault is injected.
func TestInFlightIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(5)
		f.latency = 20 * time.Millisecond
		tr := try(t, waiting(scenarios.Trigger{InFlight: "write"}), f, t.Context(), nil)
		w := tr.history.Faults()[0]
		for _, o := range tr.history.Operations() {
			if o.Invoke.F == "write" && o.Start() <= w.Inject && (o.Complete == nil || o.End() >= w.Inject) {
				return
			}
		}
		t.Errorf("no write was under way at %s", w.Inject)
	})
}

// A command is a probe, too, and is told where the nodes are.
func TestProbeByCommand(t *testing.T) {
	f := newFake(2)
	r := &run{cluster: f, nodes: addresses(f, scenarios.System{})}
	for command, want := range map[string]string{
		`test "$NODES" = "n1=192.0.2.1 n2=192.0.2.2"`: "",
		"exit 3": "exit status 3",
	} {
		_, err := r.probeCommand(t.Context(), []string{"sh", "-c", command})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// Every healed fault is followed by the proof that its nodes serve again; a
// node that never does is never said to.
func TestRecoveryIsProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		for _, w := range tr.history.Faults() {
			// What the next fault hits meanwhile has to wait for its heal, too.
			if w.Recovered < w.Healed || w.Recovered > w.Healed+6*time.Second {
				t.Errorf("%s healed at %s and recovered at %s", w.ID, w.Healed, w.Recovered)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake(5)
		f.refuses = "n2"
		tr := try(t, waiting(scenarios.Trigger{Ops: 10}), f, t.Context(), nil)
		if w := tr.history.Faults()[0]; w.Healed < 0 || w.Recovered >= 0 {
			t.Errorf("n2 serves nothing, yet %s recovered at %s", w.ID, w.Recovered)
		}
	})
}

var errRefused = errors.New("refused")

func faultEvent(op history.Op) (e history.FaultEvent, ok bool) {
	return e, op.Process == history.Nemesis && json.Unmarshal(op.Value, &e) == nil && e.ID != ""
}
