package runner

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A watcher that finds something ends the storm at once; all that comes after a
// storm still comes.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := Compile(stormy(), 7)
		if err != nil {
			t.Fatal(err)
		}
		f, begin := newFake(5), time.Now()
		var buf bytes.Buffer
		next, at := 0, time.Duration(0)
		out, err := Run(t.Context(), plan, Options{
			Prepare: func(context.Context, func(string)) (Cluster, error) { return f, nil },
			System:  f, History: &buf, Nodes: t.TempDir(),
			Now:     func() time.Duration { return time.Since(begin) },
			Observe: func(Event) {},
			Watch: func(op history.Op) string {
				if op.Index != next {
					t.Errorf("event %d is seen after %d", op.Index, next-1)
				}
				next++
				if op.Time > 5*time.Second && at == 0 {
					at = op.Time
				}
				if at > 0 {
					return "the rule was broken"
				}
				return ""
			},
		})
		if err != nil || out.Stopped != "the rule was broken" || out.Interrupted {
			t.Fatalf("%v, %+v", err, out)
		}
		h, err := history.Read(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Ops) != next {
			t.Errorf("%d of %d events were seen", next, len(h.Ops))
		}
		finals := 0
		for _, p := range h.Phases() {
			if p.Name == "heal" && p.From > at+time.Second+stuckAfter {
				t.Errorf("broken at %v, and the storm ended at %v", at, p.From)
			}
		}
		for _, o := range h.Operations() {
			if o.Invoke.Final && o.Type() == history.OK {
				finals++
			}
		}
		if !f.whole() || !h.Ended() || finals == 0 || finals != h.FinalWanted() || f.down != 1 {
			t.Errorf("whole %v, ended %v, %d of %d final reads, down %d times", f.whole(), h.Ended(), finals, h.FinalWanted(), f.down)
		}
	})
}

// Events that come in another order are seen in order, and the first finding
// stops.
func TestWatchSeesInOrder(t *testing.T) {
	var seen []int
	var said []string
	w := newWatch(func(op history.Op) string {
		seen = append(seen, op.Index)
		return strings.Repeat("x", op.Index/2)
	}, func(why string) { said = append(said, why) })
	for _, i := range []int{1, 0, 3, 4, 2} {
		w.see(history.Op{Index: i})
	}
	w.close()
	for i, index := range seen {
		if index != i {
			t.Errorf("seen in the order %v", seen)
		}
	}
	if len(seen) != 5 || len(said) != 1 || said[0] != "x" {
		t.Errorf("seen %v, said %q", seen, said)
	}
}
