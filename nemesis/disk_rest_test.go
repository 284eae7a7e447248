package nemesis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// atRestRun carries out one injection and returns what was asked, verbs only,
// and the events.
func atRestRun(t *testing.T, in Injection, answer func(agent.Request) (agent.Reply, error)) (verbs []string, events string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{answer: answer}
		_ = b.run(context.Background(), in) // a heal that fails is in the events too
		for _, a := range b.asked {
			verb, _, _ := strings.Cut(a, " ")
			verbs = append(verbs, verb)
		}
		events = strings.Join(b.events, "\n")
	})
	return slices.Compact(verbs), events
}

// TestHarmAtRestTakesTurns would find a node that starts while another one's
// files have not been harmed yet, or files that are put back under a node.
func TestHarmAtRestTakesTurns(t *testing.T) {
	done := func(agent.Request) (agent.Reply, error) { return agent.Reply{Evidence: "seen", Number: 1}, nil }
	old := diskInjection(agent.Disk{Kind: OldCopy, Age: 3 * time.Second})
	old.At = 5 * time.Second
	for name, c := range map[string]struct {
		in   Injection
		want []string
	}{
		"for good": {diskInjection(agent.Disk{Kind: BitFlip}), []string{agent.Kill, agent.HarmDisk, "restart"}},
		"old copy": {old, []string{agent.KeepDisk, agent.Kill, agent.HarmDisk, "restart"}},
	} {
		if got, events := atRestRun(t, c.in, done); !slices.Equal(got, c.want) || !strings.Contains(events, "in-force") {
			t.Errorf("%s: asked %v, want %v\n%s", name, got, c.want, events)
		}
	}
	in := diskInjection(agent.Disk{Kind: Truncate, Restore: true})
	in.Nodes = in.Nodes[:1]
	want := []string{agent.Kill, agent.HarmDisk, "restart", agent.Kill, agent.UnharmDisk, "restart"}
	if got, _ := atRestRun(t, in, done); !slices.Equal(got, want) {
		t.Errorf("put back: asked %v, want %v", got, want)
	}
}

// TestOldCopyIsMadeInTime would find a copy that is younger than asked.
func TestOldCopyIsMadeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept, harmed time.Duration
		began := time.Now()
		var mu sync.Mutex // two nodes are asked side by side
		b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
			mu.Lock()
			defer mu.Unlock()
			switch r.Do {
			case agent.KeepDisk:
				kept = time.Since(began)
			case agent.HarmDisk:
				harmed = time.Since(began)
			}
			return agent.Reply{Number: 1}, nil
		}}
		in := diskInjection(agent.Disk{Kind: OldCopy, Age: 3 * time.Second})
		in.At = 5 * time.Second
		if err := b.run(context.Background(), in); err != nil {
			t.Fatal(err)
		}
		if age := harmed - kept; age < 3*time.Second || age > 4*time.Second {
			t.Errorf("the copy was %s old, want 3s", age)
		}
	})
}

// TestHarmThatHarmsNothing must not count as a fault that took hold.
func TestHarmThatHarmsNothing(t *testing.T) {
	for name, answer := range map[string]func(agent.Request) (agent.Reply, error){
		"the same bytes": func(agent.Request) (agent.Reply, error) { return agent.Reply{Number: 0}, nil },
		"no such files": func(r agent.Request) (agent.Reply, error) {
			if r.Do == agent.HarmDisk {
				return agent.Reply{}, errors.New("no file matches")
			}
			return agent.Reply{Number: 1}, nil
		},
	} {
		verbs, events := atRestRun(t, diskInjection(agent.Disk{Kind: BitFlip}), answer)
		if strings.Contains(events, "in-force") || !strings.Contains(events, "failed") || verbs[len(verbs)-1] != "restart" {
			t.Errorf("%s: %v\n%s", name, verbs, events)
		}
	}
}

func TestDescribeHarm(t *testing.T) {
	for want, d := range map[string]agent.Disk{
		"8 bits flipped in 2 files of *.wal while the node is down, for good":       {Kind: BitFlip, Bits: 8, Files: 2, Path: "*.wal"},
		"1 file of any file cut short by 10 bytes while the node is down, for good": {Kind: Truncate, Cut: 10},
		"etcd/** as it was 5s before while the node is down, put back by the heal":  {Kind: OldCopy, Path: "etcd/**", Age: 5 * time.Second, Restore: true},
	} {
		if got := DescribeDisk(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
