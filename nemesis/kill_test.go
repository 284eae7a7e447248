package nemesis

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Each way to kill asks for the right things in the right order.
func TestWaysToKill(t *testing.T) {
	for name, tt := range map[string]struct {
		how      Kill
		lives    int // how often what was told to stop is still seen
		comeBack int // how often one process is not seen before it is
		asked    []string
	}{
		"at once": {Kill{How: KillAtOnce}, 0, 0, []string{"kill n1", "restart n1"}},
		"stop, heeded": {Kill{How: KillStop, Grace: time.Second}, 2, 0,
			[]string{"stop n1", "stopped n1", "stopped n1", "stopped n1", "stopped n1", "restart n1"}},
		"stop, not heeded":   {Kill{How: KillStop, Grace: 150 * time.Millisecond}, 1000, 0, []string{"kill n1", "restart n1"}},
		"restart":            {Kill{How: KillRestart}, 0, 0, []string{"kill n1", "restart n1", "restart n1"}},
		"left to the policy": {Kill{How: KillPolicy}, 0, 2, []string{"kill n1", "processes n1", "processes n1", "processes n1", "restart n1"}},
		"crash loop": {Kill{How: KillCrashLoop, UpFor: time.Second}, 0, 0,
			[]string{"kill n1", "restart n1", "kill n1", "restart n1", "kill n1", "restart n1", "kill n1", "restart n1", "restart n1"}},
		"one process, looked after":       {Kill{How: KillAtOnce, Process: "x"}, 0, 1, []string{"kill n1", "processes n1", "processes n1"}},
		"one process, nobody looks after": {Kill{How: KillAtOnce, Process: "x"}, 0, 1 << 30, []string{"kill n1", "restart n1"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
					switch r.Do {
					case agent.Kill:
						tt.lives = 0
					case agent.Stopped:
						if tt.lives--; tt.lives >= 0 {
							return agent.Reply{Number: 1}, nil
						}
					case agent.Processes:
						if tt.comeBack--; tt.comeBack >= 0 {
							return agent.Reply{}, nil
						}
						return agent.Reply{Number: 1}, nil
					}
					return agent.Reply{Evidence: "gone"}, nil
				}}
				in := Injection{ID: "s/k#1", Fault: FaultKill, Target: "n1", Nodes: []string{"n1"}, For: 3500 * time.Millisecond, Kill: &tt.how}
				if err := b.run(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				if events := strings.Join(b.events, "\n"); strings.Contains(events, "failed") || !strings.Contains(events, "in-force n1") {
					t.Errorf("events\n%s", events)
				}
				asked := b.asked
				if len(tt.asked) == 2 { // The end counts; what leads there is polling.
					asked = slices.DeleteFunc(slices.Clone(asked), func(s string) bool {
						return strings.HasPrefix(s, "stop") || strings.HasPrefix(s, "processes")
					})
					if tt.how.Process != "" {
						asked = slices.Compact(asked) // Of the process, then of the node.
					}
				}
				if !slices.Equal(asked, tt.asked) {
					t.Errorf("asked %q, want %q", asked, tt.asked)
				}
			})
		})
	}
}

// A kill of a node that is just being started waits for it, and no longer than
// the kill was to last.
func TestKillOfANodeThatIsDown(t *testing.T) {
	for after, want := range map[time.Duration]string{time.Second: "in-force n1 ", time.Hour: "failed n1 n1 is down"} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
				if r.Do == agent.Kill && time.Since(begin) < after {
					return agent.Reply{Down: true}, errors.New("n1 is down")
				}
				return agent.Reply{Evidence: "gone"}, nil
			}}
			if err := b.run(t.Context(), at(0, "s/k", "n1", func(in *Injection) { in.Fault, in.For = FaultKill, 3*time.Second })); err != nil {
				t.Fatal(err)
			}
			if events := strings.Join(b.events, " \n") + " "; !strings.Contains(events, want) {
				t.Errorf("up after %s: events\n%s; want %q", after, events, want)
			}
		})
	}
}

// A pause of a node that is down takes hold once it runs, and not before.
func TestPauseOfANodeThatIsDown(t *testing.T) {
	for after, want := range map[time.Duration]string{time.Second: "in-force n1 ", time.Hour: "failed n1 see n1 stand still: n1 is down"} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
				down := time.Since(begin) < after
				switch {
				case r.Do == agent.Freeze && down:
					return agent.Reply{Pending: true}, errors.New("n1 is down")
				case r.Do == agent.Frozen && down:
					return agent.Reply{}, errors.New("n1 is down")
				}
				return agent.Reply{Evidence: "frozen"}, nil
			}}
			if err := b.run(t.Context(), at(0, "s/p", "n1", func(in *Injection) { in.For = 3 * time.Second })); err != nil {
				t.Fatal(err)
			}
			if events := strings.Join(b.events, " \n") + " "; !strings.Contains(events, want) {
				t.Errorf("up after %s: events\n%s; want %q", after, events, want)
			}
		})
	}
}

// Resources take hold once they were felt to be short, and a node that has
// died of it is started at the heal.
func TestResources(t *testing.T) {
	for after, want := range map[time.Duration]string{
		time.Second: "in-force n1 ", time.Hour: "failed n1 see n1 run short: it did not come to its limit: not yet",
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			b := &bench{answer: func(r agent.Request) (agent.Reply, error) {
				if r.Do == agent.Limited && time.Since(begin) < after {
					return agent.Reply{Evidence: "not yet"}, nil
				}
				return agent.Reply{Evidence: "felt", Number: 1}, nil
			}}
			in := at(0, "s/r", "n1", func(in *Injection) {
				in.Fault, in.For, in.Limits = FaultResources, 3*time.Second, &agent.Limits{Memory: 64 << 20}
			})
			if err := b.run(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if events := strings.Join(b.events, " \n") + " "; !strings.Contains(events, want) {
				t.Errorf("felt after %s: events\n%s; want %q", after, events, want)
			}
			if end := b.asked[max(0, len(b.asked)-2):]; !slices.Equal(end, []string{"unlimit n1", "restart n1"}) {
				t.Errorf("healed by %q", end)
			}
		})
	}
}

func TestWaysReadAloud(t *testing.T) {
	all := names(5)
	for want, in := range map[string]Injection{
		"n1": {Fault: FaultKill},
		"n1 SIGTERM, SIGKILL if it has not ended after 2s, started again after 3s": {Fault: FaultKill, Kill: &Kill{How: KillStop, Grace: 2 * time.Second}},
		"n1 SIGKILL of its process pg, started again at once":                      {Fault: FaultKill, Kill: &Kill{How: KillRestart, Process: "pg"}},
		"n1 SIGSTOP of every process":                                              {Fault: FaultPause, Pause: &Pause{How: agent.BySigstop}},
		"n1 SIGSTOP of its process pg":                                             {Fault: FaultPause, Pause: &Pause{How: agent.BySigstop, Process: "pg"}},
		"n1 clock off by +1m0s, 10% slow, then clock off by -1m0s": {Fault: FaultClock, Clock: []ClockStep{
			{Clock: agent.Clock{Offset: time.Minute, Rate: -100_000_000}}, {Clock: agent.Clock{Offset: -time.Minute}}}},
		"n1 no more than 0.1 processors, 64 MiB of memory, 20 processes and threads, 40 file descriptors a process": {Fault: FaultResources,
			Limits: &agent.Limits{CPUs: 0.1, Memory: 64 << 20, Pids: 20, Files: 40}},
	} {
		in.Nodes, in.For = []string{"n1"}, 3*time.Second
		if got := Foretell(in, all); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
