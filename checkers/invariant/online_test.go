package invariant

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// watched returns after how many events a rule was found broken; -1 if it was not.
func watched(t *testing.T, r *Rule, h *history.History) (int, *Break) {
	t.Helper()
	w, ok := r.Watch(context.Background())
	if !ok {
		t.Fatalf("%s cannot be watched", r.Name())
	}
	defer w.Close()
	for i, e := range h.Ops {
		if broken := w.Observe(e); broken != nil {
			for _, later := range h.Ops[i+1:] {
				if w.Observe(later) != nil {
					t.Errorf("%s is told twice", r.Name())
				}
			}
			return i, broken
		}
	}
	return -1, nil
}

// TestWatch: a break is told with the very event that shows it.
func TestWatch(t *testing.T) {
	fold := `invariant(name = "r", init = 0, step = lambda s, op: s + 1 if op.value >= s else fail("back"))`
	within := `invariant(name = "r", within = "15s", after = each_heal, holds = lambda op: op.ok)`
	late := `invariant(name = "r", within = "15s", after = last_heal, holds = lambda op: op.ok)`
	end := `invariant(name = "r", init = 0, step = lambda s, op: s, end = lambda s: False)`
	healed := "fault k kill n1 [s:1,2]\np1 n1 read a =>1 [s:3,40] ok\np1 n1 read a =>1 [s:50,51] ok"
	for name, test := range map[string]struct {
		file, where, history string
		at                   int
	}{
		"where":        {"", "op.value == 9", "p1 n1 read a =>3 [10,20] ok\np1 n1 read a =>9 [30,40] ok\np1 n1 read a =>9 [50,60] ok", 3},
		"where holds":  {"", "op.value == 8", "p1 n1 read a =>3 [10,20] ok\np1 n1 read a =>9 [30,40] ok", -1},
		"script error": {"", "op.value > 8", "p1 n1 read a - [10,20] info\np2 n1 read a =>9 [30,40] ok", 3},
		"fold":         {fold, "", "p1 n1 read a =>3 [10,20] ok\np1 n1 read a =>0 [30,40] ok\np1 n1 read a =>0 [50,60] ok", 3},
		"deadline":     {within, "", healed, 5},
		"needs an end": {end, "", healed, -1},
		"may heal yet": {late, "", healed, -1},
	} {
		at, _ := watched(t, mustRule(t, test.file, test.where), parseHistory(t, test.history))
		if at != test.at {
			t.Errorf("%s: broken at event %d, want %d", name, at, test.at)
		}
	}
}

// TestCannotWatch: what needs the whole history cannot be watched.
func TestCannotWatch(t *testing.T) {
	for _, file := range []string{
		`invariant(name = "r", history = lambda h: True)`, `model(name = "r", step = lambda s, op: [s])`,
	} {
		if _, ok := mustRule(t, file, "").Watch(context.Background()); ok {
			t.Errorf("%s can be watched", file)
		}
	}
}

// TestWatchAgrees: on any history, what is found online is what the check finds.
func TestWatchAgrees(t *testing.T) {
	rules := []*Rule{
		mustRule(t, "", "op.value == 2 and op.ok"),
		mustRule(t, "", "value == 1"),
		mustRule(t, `invariant(name = "r", of = "read", per = "process", init = 0, step = lambda s, op: s if not op.ok else op.value if op.value >= s else fail("back"))`, ""),
		mustRule(t, `invariant(name = "r", within = "3ms", after = lambda op: op.f == "write" and op.ok, holds = lambda op: op.f == "read" and op.ok)`, ""),
	}
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t)
		for i, r := range rules {
			w, _ := r.Watch(context.Background())
			var broken *Break
			for _, e := range h.Ops {
				if b := w.Observe(e); b != nil {
					broken = b
				}
			}
			w.Close()
			result := r.check(context.Background(), h)
			if broken == nil && len(result.Evidence) > 0 && result.Evidence[len(result.Evidence)-1] != lastOpen(h) {
				t.Fatalf("rule %d: missed online: %s\n%s", i, describe(result), h)
			}
			if broken != nil && !slices.Equal(broken.Evidence, result.Evidence) {
				t.Fatalf("rule %d: online %v, but %s\n%s", i, broken, describe(result), h)
			}
		}
	})
}

// lastOpen is the index of an invocation that never ended, whose operation is
// judged at the end only; -1 if there is none.
func lastOpen(h *history.History) int {
	last := -1
	for _, did := range h.Operations() {
		if did.Complete == nil {
			last = did.Invoke.Index
		}
	}
	return last
}
