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

// deposing is a bench whose leader is another one once it was killed.
type deposing struct{ *bench }

func (d deposing) Leader(ctx context.Context) (string, error) {
	d.mu.Lock()
	killed := slices.Contains(d.asked, "kill n2")
	d.mu.Unlock()
	if killed {
		return "n4", nil
	}
	return d.bench.Leader(ctx)
}

// A fault that is aimed at a role does not take a node that another one has
// hold of, or takes hold of in the same moment: it waits for the next leader,
// and leaves out such followers.
func TestRolesKeepOutOfTheWay(t *testing.T) {
	kill := func(in *Injection) { in.Fault, in.For = FaultKill, 5*time.Second }
	role := func(target string) func(*Injection) { return func(in *Injection) { in.Target, in.Nodes = target, nil } }
	lasts := func(d time.Duration) func(*Injection) { return func(in *Injection) { in.For = d } }
	both := func(all ...func(*Injection)) func(*Injection) {
		return func(in *Injection) {
			for _, f := range all {
				f(in)
			}
		}
	}
	for name, tt := range map[string]struct {
		plan   []Injection
		setUps []string
		failed string
	}{
		"in the same moment": {
			[]Injection{at(2, "s/pause", TargetLeader, lasts(3*time.Second)), at(2, "s/kill", "n2", kill)},
			[]string{"s/kill#1 n2", "s/pause#1 n4"}, ""},
		"a moment later": {
			[]Injection{at(2, "s/kill", "n2", kill), at(3, "s/pause", TargetLeader, nil)},
			[]string{"s/kill#1 n2", "s/pause#1 n4"}, ""},
		"long before": {
			[]Injection{at(2, "s/pause", TargetLeader, nil), at(5, "s/kill", "n2", kill)},
			[]string{"s/pause#1 n2", "s/kill#1 n2"}, ""},
		"long after": {
			[]Injection{at(1, "s/kill", "n3", kill), at(7, "s/pause", "", both(role(TargetFollowers)))},
			[]string{"s/kill#1 n3", "s/pause#1 n1,n3,n4,n5"}, ""},
		"followers": {
			[]Injection{at(1, "s/kill", "n3", kill), at(2, "s/pause", "", both(role(TargetFollowers)))},
			[]string{"s/kill#1 n3", "s/pause#1 n1,n4,n5"}, ""},
		"one that leads on": {
			[]Injection{at(1, "s/pause", "n2", lasts(5*time.Second)), at(2, "s/kill", TargetLeader, kill)},
			[]string{"s/pause#1 n2"}, "n2 leads, and s/pause#1 has hold of it, which it may not meet"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{answer: obliging, leader: "n2"}
				begin := time.Now()
				err := Run(t.Context(), tt.plan, Exec{
					Cluster: deposing{b}, Record: b.record, Since: func() time.Duration { return time.Since(begin) },
					Observe: func(string, history.FaultEvent) {},
				})
				if err != nil {
					t.Fatal(err)
				}
				slices.SortStableFunc(b.setUps, strings.Compare)
				want := slices.Clone(tt.setUps)
				slices.Sort(want)
				if !slices.Equal(b.setUps, want) {
					t.Errorf("set up %q, want %q", b.setUps, want)
				}
				if events := strings.Join(b.events, "\n"); tt.failed != "" && !strings.Contains(events, tt.failed) {
					t.Errorf("%q is not in\n%s", tt.failed, events)
				}
			})
		})
	}
}
