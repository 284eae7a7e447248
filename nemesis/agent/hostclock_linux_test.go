package agent

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/hostclock"
)

// A toyClock is a machine's clock that is not there: no test touches a real one.
type toyClock struct{ real, since time.Duration }

func (t *toyClock) Now() (time.Duration, time.Duration, error) { return t.real, t.since, nil }
func (t *toyClock) Step(by time.Duration) error                { t.real += by; return nil }
func (t *toyClock) Boot() (string, error)                      { return "boot", nil }
func (t *toyClock) Keepers() ([]hostclock.Program, error)      { return nil, nil }
func (t *toyClock) Halt(hostclock.Program) error               { return nil }
func (t *toyClock) Resume(hostclock.Program) error             { return nil }

func withToyClock(t *testing.T) (*agent, *toyClock, string) {
	t.Helper()
	toy, file := &toyClock{real: 1e18, since: 1e12}, filepath.Join(t.TempDir(), "clock.json")
	a := newAgent(0)
	a.hostClock.keeper = hostclock.New(toy, file)
	return a, toy, file
}

// Nobody's clock is set who has not said that it may be.
func TestHostClockMustBeAllowed(t *testing.T) {
	a, toy, _ := withToyClock(t)
	set := Request{Do: SetClock, ID: "f", Node: "n1", Clock: &Clock{Host: true, Offset: time.Minute}}
	if _, err := a.do(t.Context(), set); err == nil || !strings.Contains(err.Error(), "allow_host_clock") {
		t.Errorf("set without a word: %v", err)
	}
	if _, err := a.do(t.Context(), Request{Do: Hello}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.do(t.Context(), set); err == nil {
		t.Error("a hello without the word allows it")
	}
	if toy.real != 1e18 {
		t.Errorf("the clock was set to %v", toy.real)
	}
}

// Set, read, reset, and what an end of the conversation heals.
func TestHostClockOfAFault(t *testing.T) {
	a, toy, file := withToyClock(t)
	do := func(r Request) Reply {
		t.Helper()
		reply, err := a.do(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", r.Do, err)
		}
		return reply
	}
	do(Request{Do: Hello, HostClock: true})
	want := Clock{Host: true, Offset: time.Minute}
	for range 2 {
		do(Request{Do: SetClock, ID: "f", Node: "n1", Clock: &want})
		r := do(Request{Do: ReadClock, ID: "f", Node: "n1"})
		if r.Clock == nil || !r.Clock.Same(want) || r.Number != int64(time.Minute) {
			t.Errorf("reads %+v", r)
		}
		if r := do(Request{Do: ResetClock, ID: "f", Node: "n1"}); r.Number != 0 || toy.real != 1e18 {
			t.Errorf("reset: %+v, the clock is %v", r, toy.real)
		}
	}
	do(Request{Do: SetClock, ID: "f", Node: "n1", Clock: &want})
	if _, err := a.do(t.Context(), Request{Do: SetClock, ID: "g", Node: "n1", Clock: &want}); err == nil {
		t.Error("two faults have one clock")
	}
	for _, odd := range []Clock{{Host: true, Rate: 1}, {Host: true, Offset: time.Minute, Period: time.Second}, {Host: true, Offset: 2 * mostOff}, {Host: true, Clocks: []string{"monotonic"}}} {
		if _, err := a.do(t.Context(), Request{Do: SetClock, ID: "f", Node: "n1", Clock: &odd}); err == nil {
			t.Errorf("%s was accepted", odd)
		}
	}
	// The agent is killed; the next one sets the clock right as it is greeted.
	toy.real, toy.since = toy.real+1e9, toy.since+1e9
	next := newAgent(0)
	next.hostClock.keeper = hostclock.New(toy, file)
	if _, err := next.do(t.Context(), Request{Do: Hello, HostClock: true}); err != nil || toy.real != 1e18+1e9 {
		t.Errorf("%v, the clock is %v", err, toy.real)
	}
	// And one that ends by itself.
	if _, err := next.do(t.Context(), Request{Do: SetClock, ID: "h", Node: "n1", Clock: &want}); err != nil {
		t.Fatal(err)
	}
	was, err := next.takeBack(t.Context())
	if err != nil || toy.real != 1e18+1e9 || !strings.Contains(strings.Join(was, " "), "the host's own clock") {
		t.Errorf("healed %q, %v, the clock is %v", was, err, toy.real)
	}
}
