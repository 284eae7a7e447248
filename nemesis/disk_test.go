package nemesis

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func diskInjection(d agent.Disk) Injection {
	return Injection{ID: "storm/disk#1", Fault: FaultDisk, Nodes: []string{"n1", "n2"}, For: 2 * time.Second, Disk: &d}
}

// TestPowerFailureKillsAllBeforeItLoses would find a node that is still alive
// when another one's disk has gone back already.
func TestPowerFailureKillsAllBeforeItLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seeds []uint64
		b := &bench{}
		b.answer = func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.PowerFail {
				b.mu.Lock()
				seeds = append(seeds, r.Disk.Seed)
				b.mu.Unlock()
			}
			return agent.Reply{Evidence: "seen"}, nil
		}
		if err := b.run(context.Background(), diskInjection(agent.Disk{Kind: PowerFailure, Lose: "all", Seed: 7})); err != nil {
			t.Fatal(err)
		}
		verbs := make([]string, len(b.asked))
		for i, a := range b.asked {
			verbs[i], _, _ = strings.Cut(a, " ")
		}
		want := []string{agent.Kill, agent.Kill, agent.PowerFail, agent.PowerFail, "restart", "restart"}
		if !slices.Equal(verbs, want) {
			t.Errorf("asked %v, want %v", verbs, want)
		}
		if len(seeds) != 2 || seeds[0] == seeds[1] {
			t.Errorf("the nodes drew from the seeds %v, want one of its own each", seeds)
		}
	})
}

// TestDiskFaultMustBeSeen fails when no call of a node was hit.
func TestDiskFaultMustBeSeen(t *testing.T) {
	for _, hits := range []int64{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{answer: func(agent.Request) (agent.Reply, error) { return agent.Reply{Number: hits}, nil }}
			if err := b.run(context.Background(), diskInjection(agent.Disk{Kind: "eio"})); err != nil {
				t.Fatal(err)
			}
			events := strings.Join(b.events, "\n")
			if seen := strings.Contains(events, "in-force"); seen != (hits > 0) {
				t.Errorf("with %d hits the events are\n%s", hits, events)
			}
			if !slices.Contains(b.asked, agent.MendDisk+" n2") || !slices.Contains(b.asked, "restart n2") {
				t.Errorf("it was not healed: %v", b.asked)
			}
		})
	}
}

func TestDescribeDisk(t *testing.T) {
	for want, d := range map[string]agent.Disk{
		"power failure that loses all that was not synced": {Kind: PowerFailure, Lose: "all"},
		"eio from the disk at *.wal, 50% of the time":      {Kind: "eio", Path: "*.wal", Probability: 0.5},
		"each call on the disk takes 5ms longer":           {Kind: "slow", Delay: 5 * time.Millisecond},
		"disk full but for 10 bytes":                       {Kind: "full", Room: 10},
	} {
		if got := DescribeDisk(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
