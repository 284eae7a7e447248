package nemesis

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func TestWays(t *testing.T) {
	nodes := names(3)
	for _, c := range []struct {
		direction, want string
		around          []string
	}{
		{DirectionOut, "n1 → n2 n3", []string{"n1"}},
		{DirectionIn, "n2 → n1; n3 → n1", []string{"n1"}},
		{DirectionBoth, "n1 → n2 n3; n2 → n1; n3 → n1", []string{"n1"}},
		{DirectionOut, "between all nodes", nodes},
		{DirectionBoth, "", nil},
	} {
		if got := DescribeWays(Ways(c.direction, nodes, c.around), nodes); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.direction, c.around, got, c.want)
		}
	}
}

func TestDescribeSlowdown(t *testing.T) {
	for want, s := range map[string]agent.Slowdown{
		"packets delayed by 50ms":                      {Delay: 50 * time.Millisecond},
		"packets 0.5% lost":                            {Loss: 0.005},
		"packets delayed by 2s ± 1s, 100% lost":        {Delay: 2 * time.Second, Jitter: time.Second, Loss: 1},
		"packets delayed by 1ms, 12.345% let overtake": {Delay: time.Millisecond, Reorder: 0.12345},
		"packets delayed by 2ms ± 1ms (pareto), 5% lost in bursts of 4": {
			Delay: 2 * time.Millisecond, Jitter: time.Millisecond, Distribution: "pareto", Loss: 0.05, LossBurst: 4},
		"packets 1% sent twice, 2% corrupted, 3% tampered with, at most 64KiB/s let through": {
			Duplicate: 0.01, Corrupt: 0.02, Tamper: 0.03, Rate: 64 << 10},
	} {
		if got := DescribeSlowdown(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The pairs of groups cut both ways, and leave out who is in none.
func TestBetween(t *testing.T) {
	got := Between([][]string{{"n1", "n2"}, {"n4"}})
	want := [][2]string{{"n1", "n4"}, {"n2", "n4"}, {"n4", "n1"}, {"n4", "n2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := Describe(got, names(4)); text != "n1 n2 | n4, all reach n3" {
		t.Errorf("described as %q", text)
	}
}

func slowLeader() Injection {
	return Injection{
		ID: "storm/latency#1", Fault: FaultLatency, At: time.Second, For: 5 * time.Second, Target: TargetLeader,
		Direction: DirectionBoth, Slowdown: &agent.Slowdown{Delay: time.Millisecond},
	}
}

// A role is asked at the moment, and the packets of whom it is are slowed.
func TestLatencyAroundTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slowed := 0
		b := &bench{leader: "n3", answer: func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.Slow {
				slowed = len(r.Pairs)
			}
			return agent.Reply{Evidence: "seen", Number: 1}, nil
		}}
		if err := b.run(t.Context(), slowLeader()); err != nil {
			t.Fatal(err)
		}
		if slowed != 8 {
			t.Errorf("%d pairs are slowed, want 8", slowed)
		}
		if diff := cmp.Diff([]string{"inject n3", "in-force n3", "heal n3", "healed n3"}, b.events); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A delay that no packet meets is not taken for one in force, and is healed.
func TestLatencyThatNothingMeets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{leader: "n3", answer: func(r agent.Request) (agent.Reply, error) { return agent.Reply{}, nil }}
		if err := b.run(t.Context(), slowLeader()); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(b.events, "\n"); !strings.Contains(text, "failed n3 no packet met the delay") || !strings.Contains(text, "healed") {
			t.Errorf("events are\n%s", text)
		}
	})
}
