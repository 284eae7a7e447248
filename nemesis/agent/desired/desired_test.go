package desired

import (
	"errors"
	"net/netip"
	"testing"
)

func TestPlaces(t *testing.T) {
	one, two := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	p := Places{}
	for _, step := range []struct {
		netns     int
		addresses []netip.Addr
		want      Move
	}{
		{-1, []netip.Addr{one}, Moved},
		{7, nil, Moved},
		{7, nil, Stays},
		{7, []netip.Addr{one}, Stays},
		{7, []netip.Addr{one, two}, Readdressed},
		{8, []netip.Addr{two}, Moved},
		{-1, nil, Moved},
	} {
		if got := p.Set("n1", step.netns, step.addresses); got != step.want {
			t.Errorf("%+v: %v", step, got)
		}
	}
	if at := p["n1"]; at.Up() || len(at.Addresses) != 1 || at.Addresses[0] != two {
		t.Errorf("%+v", at)
	}
	p.Set("n2", 5, nil)
	if err := p.Known("n1", "n2"); err != nil {
		t.Error(err)
	}
	if err := p.Known("n1", "n3"); err == nil || err.Error() != `node "n3" is not known (known: n1, n2)` {
		t.Error(err)
	}
	if err := p.Addressed("n1"); err != nil {
		t.Error(err)
	}
	if err := p.Addressed("n1", "n2"); err == nil || err.Error() != `no address is known of node "n2" (known: n1, n2)` {
		t.Error(err)
	}
}

// What could not be done is not wanted afterwards, and what could not be taken
// back still is.
func TestFaultsThatFail(t *testing.T) {
	failed := errors.New("no")
	fails, works := func() error { return failed }, func() error { return nil }
	f := Faults[int]{}
	for _, step := range []struct {
		what string
		do   func() error
		err  error
		want int // of the ID; 0: nothing
	}{
		{"put in vain", func() error { return f.Put("a", 1, fails) }, failed, 0},
		{"put", func() error { return f.Put("a", 1, works) }, nil, 1},
		{"replace in vain", func() error { return f.Put("a", 2, fails) }, failed, 1},
		{"drop in vain", func() error { return f.Drop("a", fails) }, failed, 1},
		{"drop", func() error { return f.Drop("a", works) }, nil, 0},
		{"drop nothing in vain", func() error { return f.Drop("a", fails) }, failed, 0},
	} {
		if err := step.do(); err != step.err || f["a"] != step.want {
			t.Errorf("%s: %v, and %v is wanted", step.what, err, f)
		}
	}
	if len(f) != 0 {
		t.Errorf("in the end %v is wanted", f)
	}
}

func TestName(t *testing.T) {
	n := Name("one")
	if err := errors.Join(n.Change("two", false), n.Change("two", true)); err != nil || n != "two" {
		t.Error(n, err)
	}
	if err := n.Change("three", true); err == nil || n != "two" {
		t.Error(n, err)
	}
}
