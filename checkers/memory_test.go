package checkers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A hog takes more and more memory until it is stopped, or its time is up.
type hog struct{ ended chan struct{} }

func (hog) Name() string { return "hog" }

func (h hog) Check(ctx context.Context, _ *history.History) Result {
	var hoard [][]byte
	for ctx.Err() == nil {
		hoard = append(hoard, make([]byte, 1<<20))
		time.Sleep(time.Millisecond) // or it would outrun whoever looks
	}
	select {
	case <-h.ended:
	default:
		close(h.ended)
	}
	return Result{Check: "hog", Says: []string{strings.Repeat("x", len(hoard)&1)}}
}

// A neighbour is a check that gets to its end once the hog is gone.
type neighbour struct{ ended chan struct{} }

func (neighbour) Name() string { return "neighbour" }

func (n neighbour) Check(ctx context.Context, _ *history.History) Result {
	select {
	case <-n.ended:
		return Result{Check: "neighbour", Verdict: Valid, Says: []string{"All is well."}}
	case <-ctx.Done():
		return Result{Check: "neighbour", Says: []string{"It was stopped."}}
	}
}

// TestMemory: a check that takes all memory is Unknown, with that reason, and
// its neighbours come to their verdicts all the same.
func TestMemory(t *testing.T) {
	h := history.New(nil)
	ended := make(chan struct{})
	all := []Checker{neighbour{ended}, hog{ended}}
	s := RunWithin(context.Background(), h, all, inUse()+(64<<20))
	if r := s.Results[0]; r.Verdict != Valid {
		t.Errorf("the neighbour is %v: %v", r.Verdict, r.Says)
	}
	if r := s.Results[1]; r.Verdict != Unknown || !strings.Contains(r.Says[0], "more memory") {
		t.Errorf("the hog is %v: %v", r.Verdict, r.Says)
	}
	if s.Verdict != Unknown {
		t.Errorf("together they are %v", s.Verdict)
	}
}

// TestEnoughMemory: within the limit nothing changes, and no limit is no limit.
func TestEnoughMemory(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	for _, limit := range []uint64{0, 1 << 40} {
		if s := RunWithin(context.Background(), history.New(nil), []Checker{neighbour{ended}}, limit); s.Verdict != Valid {
			t.Errorf("with %d bytes: %v", limit, s.Results)
		}
	}
}

// TestSideBySide: of several checks one panics, one has no time, one is right;
// each has its own verdict.
func TestSideBySide(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	all := []Checker{panics{}, Limited(neighbour{make(chan struct{})}, time.Millisecond), neighbour{ended}}
	s := RunWithin(context.Background(), history.New(nil), all, 1<<40)
	for i, want := range []Verdict{Unknown, Unknown, Valid} {
		if s.Results[i].Verdict != want {
			t.Errorf("check %d is %v, not %v: %v", i, s.Results[i].Verdict, want, s.Results[i].Says)
		}
	}
}

type panics struct{}

func (panics) Name() string { return "panics" }

func (panics) Check(context.Context, *history.History) Result { panic("off by one") }
