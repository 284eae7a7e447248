package nemesis

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// at is a pause of one second at a second of the run.
func at(second int, line, target string, more func(*Injection)) Injection {
	in := Injection{ID: line + "#1", Fault: FaultPause, Target: target, At: time.Duration(second) * time.Second, For: time.Second}
	if target != TargetLeader && !strings.HasPrefix(target, targetSameAs) {
		in.Nodes = []string{target}
	}
	if more != nil {
		more(&in)
	}
	return in
}

func waits(t Trigger) func(*Injection) { return func(in *Injection) { in.Trigger = &t } }

// What faults know of each other: whom another hit, and how far it has come.
func TestFaultsThatReferToOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		plan   []Injection
		setUps []string // in order
		failed string
	}{
		"the same as a role that is asked at the same moment": {
			[]Injection{at(1, "s/a", TargetLeader, nil), at(1, "s/b", "same as s/a", nil)},
			[]string{"s/a#1 n4", "s/b#1 n4"}, ""},
		"the same as the last one so far": {
			[]Injection{at(1, "s/a", "n1", nil), at(3, "s/b", "same as s/a", nil)},
			[]string{"s/a#1 n1", "s/b#1 n1"}, ""},
		"the same as one that has not come": {
			[]Injection{at(1, "s/b", "same as s/a", nil), at(3, "s/a", "n1", nil)},
			[]string{"s/a#1 n1"}, "s/a has hit nobody yet"},
		"after operations": {
			[]Injection{at(1, "s/a", "n1", waits(Trigger{Ops: 500, Until: 3 * time.Second}))},
			[]string{"s/a#1 n1 500 done"}, ""},
		"after too many operations": {
			[]Injection{at(1, "s/a", "n1", waits(Trigger{Ops: 5000, Until: 3 * time.Second}))},
			nil, "its trigger (after 5000 operations) never fired: too few"},
		"after another is in force": {
			[]Injection{at(0, "s/b", "n2", waits(Trigger{Fault: "s/a", Stage: history.StageInForce, Until: 9 * time.Second})), at(2, "s/a", "n1", nil)},
			[]string{"s/a#1 n1", "s/b#1 n2 s/a was in-force at 2.000s"}, ""},
		"a while after another is healed": {
			[]Injection{at(0, "s/b", "n2", waits(Trigger{Fault: "s/a", Stage: history.StageHealed, By: 2 * time.Second, Until: 9 * time.Second})), at(2, "s/a", "n1", nil)},
			[]string{"s/a#1 n1", "s/b#1 n2 s/a was healed at 3.000s"}, ""},
		"too short a while": {
			[]Injection{at(0, "s/b", "n2", waits(Trigger{Fault: "s/a", Stage: history.StageHealed, By: 7 * time.Second, Until: 9 * time.Second})), at(2, "s/a", "n1", nil)},
			[]string{"s/a#1 n1"}, "s/a was healed too late"},
		"after what was before": {
			[]Injection{at(4, "s/b", "n2", waits(Trigger{Fault: "s/a", Stage: history.StageHealed, Until: 9 * time.Second})), at(2, "s/a", "n1", nil)},
			[]string{"s/a#1 n1"}, "s/a was not healed in that time"},
		"after each other": {
			[]Injection{at(0, "s/a", "n1", waits(Trigger{Fault: "s/b", Stage: history.StageHealed, Until: 9 * time.Second})),
				at(0, "s/b", "n2", waits(Trigger{Fault: "s/a", Stage: history.StageHealed, Until: 9 * time.Second}))},
			nil, "s/a was not healed in that time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{answer: obliging, leader: "n4", electing: 7}
				if err := b.run(t.Context(), tt.plan...); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(b.setUps, tt.setUps) {
					t.Errorf("set up %q, want %q", b.setUps, tt.setUps)
				}
				events := strings.Join(b.events, "\n")
				if strings.Contains(events, "failed") != (tt.failed != "") || !strings.Contains(events, tt.failed) {
					t.Errorf("%q is not in\n%s", tt.failed, events)
				}
			})
		})
	}
}

// A run that is stopped says nothing of triggers that it did not wait for.
func TestStopEndsTheWaitForATrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{answer: obliging}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := b.run(ctx, at(1, "s/a", "n1", waits(Trigger{Ops: 5000, Until: 9 * time.Second}))); err != nil || len(b.events) > 0 {
			t.Errorf("err %v, events %q", err, b.events)
		}
	})
}

func TestTriggersReadAloud(t *testing.T) {
	for want, trigger := range map[string]Trigger{
		"after 5 operations":                    {Ops: 5},
		"after s/a is healed":                   {Fault: "s/a", Stage: history.StageHealed},
		"2s after s/a is in-force":              {Fault: "s/a", Stage: history.StageInForce, By: 2 * time.Second},
		"when a write is in flight on n2":       {InFlight: "write", Node: "n2"},
		"when a line matches \"became leader\"": {Log: "became leader"},
		"when /ready says yes on n1":            {Probe: &Probe{HTTP: "/ready"}, Node: "n1"},
		"when ./check -v says yes":              {Probe: &Probe{Command: []string{"./check", "-v"}}},
	} {
		if got := trigger.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
