package linear

import (
	"context"
	"math/rand/v2"
	"testing"
)

// TestStages tries the ways of the search one by one, since small histories are
// mostly decided by the first: what an unlimited walk says is right; an order
// found with few configurations is one; and what cannot be explained even
// generously, cannot. The beam is made narrow, so that it loses something.
func TestStages(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	few, generous, lost := 0, 0, 0
	n := histories(t)
	for i := range n {
		ops := script{rng: rng, object: Register, repeat: true, wide: i%2 == 0}.history()
		want := porcupineSays(Register, ops)
		m, _ := newValues(ops)
		ctx := context.Background()
		if r := newSearcher(ctx, "all", ops, m).walk(); r.Verdict != want {
			t.Fatalf("history %d: %+v, porcupine says %v\n%s", i, r, want, dump(ops))
		}
		s := newSearcher(ctx, "few", ops, m)
		s.cover.beam = 1
		switch r := s.walk(); {
		case r.Verdict == Linearizable && want != Linearizable:
			t.Fatalf("history %d: the beam found an order that does not exist\n%s", i, dump(ops))
		case r.Verdict == Linearizable:
			few++
		case want == Linearizable:
			lost++
		}
		if r := newSearcher(ctx, "generous", ops, m).generously(); r.Verdict == Violated {
			if generous++; want != Violated {
				t.Fatalf("history %d: not even generous\n%s", i, dump(ops))
			}
		}
	}
	if few < n/10 || generous < n/10 || lost == 0 {
		t.Errorf("found by few %d, refused generously %d, lost by few %d", few, generous, lost)
	}
}

// TestLimits: what is too much is unknown, with how far it got.
func TestLimits(t *testing.T) {
	var many []Op
	for i := range slots + 1 {
		many = append(many, Op{Kind: Write, Value: 1 + i%3, Call: i, Return: 1000 + i})
	}
	r := Judge(context.Background(), Register, many)
	if r.Verdict != Unknown || r.Reason != "more than 64 operations were open at once after 0 of 65 operations had been found right" {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, object := range objects() {
		if r := Judge(ctx, object, nil); r.Verdict != Unknown || r.Reason != outOfTime {
			t.Errorf("%+v", r)
		}
	}
	if r := Judge(context.Background(), Queue, []Op{{Kind: Write}}); r.Verdict != Unknown {
		t.Errorf("%+v", r)
	}
	if r := Judge(context.Background(), Register, []Op{{Kind: Read, Call: 2, Return: 1}}); r.Verdict != Unknown {
		t.Errorf("%+v", r)
	}
}
