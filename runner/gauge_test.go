package runner

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// Without this what people watch could differ from what is written down.
func TestReadingsFollowTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		if n := len(tr.readings); n < 30 || n > 33 {
			t.Fatalf("%d readings of 32 seconds", n)
		}
		for i, r := range tr.readings {
			var ok, ended int64
			for _, op := range tr.history.Ops {
				if op.Process != history.Nemesis && op.Type != history.Invoke && op.Time <= r.At {
					ended++
					if op.Type == history.OK {
						ok++
					}
				}
			}
			// What happens in the very moment of the reading may be in it or not.
			if d := ok - r.OK; d < -10 || d > 10 {
				t.Errorf("reading %d at %s: %d ok, the history has %d", i, r.At, r.OK, ok)
			}
			if d := ended - r.OK - r.Fail - r.Unknown; d < -10 || d > 10 {
				t.Errorf("reading %d at %s: %d ended, the history has %d", i, r.At, r.OK+r.Fail+r.Unknown, ended)
			}
			if r.Leader != "n1" {
				t.Errorf("reading %d: leader %q, want n1", i, r.Leader)
			}
		}
		// In the calm there are 100 operations a second, of 2 ms each.
		calm := tr.readings[1]
		if calm.Rate < 80 || calm.Rate > 120 || calm.P50 < 1700*time.Microsecond || calm.P50 > 2300*time.Microsecond {
			t.Errorf("in the calm: %+v", calm)
		}
	})
}

// Without this an event of a fault could come without what a display needs.
func TestFaultEventsCarryTheirStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := try(t, stormy(), newFake(5), t.Context(), nil)
		steps := map[history.Stage]int{}
		for _, e := range tr.events {
			if e.Fault == nil {
				continue
			}
			steps[e.Fault.Stage]++
			if e.Fault.ID == "" || e.Fault.Fault == "" || e.Text == "" {
				t.Errorf("event %+v of step %+v", e, *e.Fault)
			}
		}
		if n := len(tr.history.Faults()); steps[history.StageInject] != n || steps[history.StageHealed] != n || steps[history.StageHeal] != 0 {
			t.Errorf("%d faults, and events %v", n, steps)
		}
	})
}

func TestQuantileIsNearTheTrueOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(1, int64(time.Hour/time.Microsecond)), 1, 50).Draw(t, "microseconds")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var l lengths
		for _, us := range all {
			l.add(time.Duration(us) * time.Microsecond)
		}
		slices.Sort(all)
		want := float64(all[int(q*float64(len(all)-1))])
		got := float64(l.load().quantile(q).Microseconds())
		// A bucket is a quarter of a power of two: its middle is off by an
		// eighth at most, or by rounding.
		if got < want*0.87-1.5 || got > want*1.13+1.5 {
			t.Fatalf("quantile %v of %v is %v, want about %v", q, all, got, want)
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	if got := (lengthCounts{}).quantile(0.5); got != 0 {
		t.Errorf("got %s", got)
	}
}
