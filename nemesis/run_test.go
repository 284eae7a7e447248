package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A bench is a cluster that answers as it is told and remembers every step.
type bench struct {
	mu       sync.Mutex
	asked    []string
	answer   func(agent.Request) (agent.Reply, error)
	leader   string
	electing int // how often nobody leads before somebody does
	events   []string
	setUps   []string // whom each fault was about to hurt, and what set it off
	broken   bool
}

func (b *bench) Nodes() []string { return names(5) }

func (b *bench) Ask(_ context.Context, r agent.Request) (agent.Reply, error) {
	b.mu.Lock()
	b.asked = append(b.asked, strings.TrimSpace(r.Do+" "+r.Node))
	b.mu.Unlock()
	return b.answer(r)
}

func (b *bench) Restart(_ context.Context, n string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, "restart "+n)
	return nil
}

func (b *bench) Leader(context.Context) (string, error) {
	if b.electing--; b.leader == "" || b.electing >= 0 {
		return "", errors.New("nobody leads")
	}
	return b.leader, nil
}

// record keeps a short form of every event.
func (b *bench) record(op history.Op) (history.Op, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return op, errors.New("disk full")
	}
	var e history.FaultEvent
	if err := json.Unmarshal(op.Value, &e); err != nil {
		return op, err
	}
	if e.Stage == history.StageSetUp {
		b.setUps = append(b.setUps, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.ID, strings.Join(e.Nodes, ","), e.Evidence)))
		return op, nil
	}
	b.events = append(b.events, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Stage, strings.Join(e.Nodes, ","), e.Error)))
	return op, nil
}

// run carries out injections in virtual time, with an operation a millisecond.
func (b *bench) run(ctx context.Context, in ...Injection) error {
	return b.runOn(ctx, b, in...)
}

// runOn is run on a cluster that can do more, and that b remembers.
func (b *bench) runOn(ctx context.Context, c Cluster, in ...Injection) error {
	x := b.exec(time.Now())
	x.Cluster = c
	return Run(ctx, in, x)
}

func (b *bench) exec(begin time.Time) Exec {
	return Exec{
		Cluster: b, Record: b.record, Since: func() time.Duration { return time.Since(begin) },
		Observe: func(string, history.FaultEvent) {},
		Await: func(ctx context.Context, t Trigger) (string, error) {
			if !pauseFor(ctx, time.Duration(t.Ops)*time.Millisecond) {
				return "", errors.New("too few")
			}
			return fmt.Sprintf("%d done", t.Ops), nil
		},
	}
}

func obliging(r agent.Request) (agent.Reply, error) {
	return agent.Reply{Evidence: "seen", Number: map[string]int64{agent.Dropped: 3, agent.ReadClock: 0}[r.Do]}, nil
}

func refusing(r agent.Request) (agent.Reply, error) { return agent.Reply{}, errors.New("not here") }

var pauseLeader = Injection{ID: "storm/pause#1", Fault: FaultPause, Target: TargetLeader, At: time.Second, For: 2 * time.Second}

func TestLifeOfAFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bench  *bench
		events []string
		asked  []string
	}{
		{"a role is asked when the fault comes", &bench{answer: obliging, leader: "n4"},
			[]string{"inject n4", "in-force n4", "heal n4", "healed n4"}, []string{"freeze n4", "frozen n4", "thaw n4"}},
		{"an election is waited for", &bench{answer: obliging, leader: "n4", electing: 10},
			[]string{"inject n4", "in-force n4", "heal n4", "healed n4"}, []string{"freeze n4", "frozen n4", "thaw n4"}},
		{"with nobody to hurt nothing is done", &bench{answer: obliging},
			[]string{"failed  ask who leads: nobody leads"}, nil},
		{"what could not be injected is healed all the same", &bench{answer: refusing, leader: "n1"},
			[]string{"inject n1", "failed n1 not here", "heal n1", "failed n1 not here"}, []string{"freeze n1", "thaw n1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tt.bench
				err := b.run(t.Context(), pauseLeader)
				if refused := slices.Contains(tt.events, "heal n1"); (err != nil) != refused {
					t.Errorf("err %v; only a heal that fails is an error", err)
				}
				if !slices.Equal(b.events, tt.events) || !slices.Equal(b.asked, tt.asked) {
					t.Errorf("events %q, want %q\nasked %q, want %q", b.events, tt.events, b.asked, tt.asked)
				}
			})
		})
	}
}

// Stopped before its time a fault is never injected; stopped while in force it
// is healed at once.
func TestStopHealsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{500 * time.Millisecond, 0}, {1500 * time.Millisecond, 4}} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{answer: obliging, leader: "n2"}
			ctx, cancel := context.WithTimeout(t.Context(), tt.after)
			defer cancel()
			begin := time.Now()
			if err := b.run(ctx, pauseLeader); err != nil {
				t.Error(err)
			}
			if len(b.events) != tt.want || time.Since(begin) != tt.after {
				t.Errorf("stopped after %s: events %q, returned after %s", tt.after, b.events, time.Since(begin))
			}
		})
	}
}

// A history that cannot be written is an error, and heals.
func TestUnwritableHistoryHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{answer: obliging, leader: "n2", broken: true}
		if err := b.run(t.Context(), pauseLeader); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("err %v", err)
		}
		if slices.Contains(b.asked, "freeze n2") {
			t.Error("a fault was injected that is not in the history")
		}
	})
}

// A clock that jumps twice is set twice, reset once, and read back each time.
func TestClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offset := time.Duration(0)
		b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
			switch r.Do {
			case agent.SetClock:
				offset = r.Clock.Offset
			case agent.ResetClock:
				offset = 0
			}
			return agent.Reply{Evidence: "off by " + offset.String(), Number: int64(offset), Clock: &agent.Clock{Offset: offset}}, nil
		}}
		in := Injection{ID: "storm/clock#1", Fault: FaultClock, Target: "n3", Nodes: []string{"n3"}, For: 4 * time.Second,
			Clock: []ClockStep{{Clock: agent.Clock{Offset: time.Minute}}, {After: 2 * time.Second, Clock: agent.Clock{Offset: -time.Minute}}}}
		if err := b.run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		want := []string{"inject n3", "in-force n3", "in-force n3", "heal n3", "healed n3"}
		if !slices.Equal(b.events, want) || offset != 0 {
			t.Errorf("events %q, offset in the end %s", b.events, offset)
		}
	})
}

// A node that is frozen when its clock is to be set gets it when it thaws; the
// fault takes hold then, and not before.
func TestClockOfAFrozenNodeTakesHoldWhenItThaws(t *testing.T) {
	for _, tt := range []struct {
		thaws time.Duration
		want  []string
	}{
		{time.Second, []string{"inject n3", "in-force n3", "heal n3", "healed n3"}},
		{time.Hour, []string{"inject n3", "failed n3 the clock of n3 reads off by 0s, not as wanted: clock off by +1m0s", "heal n3", "healed n3"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin, set := time.Now(), false
			b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
				switch r.Do {
				case agent.SetClock:
					set = true
					return agent.Reply{Pending: true}, errors.New("node is frozen")
				case agent.ResetClock:
					set = false
				}
				if set && time.Since(begin) > tt.thaws {
					return agent.Reply{Evidence: "read back", Number: int64(time.Minute), Clock: &agent.Clock{Offset: time.Minute}}, nil
				}
				return agent.Reply{}, nil
			}}
			in := Injection{ID: "storm/clock#1", Fault: FaultClock, Target: "n3", Nodes: []string{"n3"}, For: 4 * time.Second,
				Clock: []ClockStep{{Clock: agent.Clock{Offset: time.Minute}}}}
			if err := b.run(t.Context(), in); err != nil || !slices.Equal(b.events, tt.want) {
				t.Errorf("events %q, err %v", b.events, err)
			}
		})
	}
}

func TestHealAllStartsEveryNode(t *testing.T) {
	b := &bench{answer: refusing}
	if _, err := HealAll(t.Context(), b); err == nil {
		t.Error("an agent that refuses to heal is no error")
	}
	for _, n := range b.Nodes() {
		if !slices.Contains(b.asked, "restart "+n) {
			t.Errorf("%s was not started", n)
		}
	}
}
