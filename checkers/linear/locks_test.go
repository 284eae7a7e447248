package linear

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
)

// TestFencingAgainstPorcupine tries every way in which unknown grants can have
// given out tokens.
func TestFencingAgainstPorcupine(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	seen := [3]int{}
	n := histories(t)
	for i := range n {
		ops := fencing(rng)
		r := Judge(context.Background(), Fencing, ops)
		want := Violated
		if someGrants(ops, 0) {
			want = Linearizable
		}
		if r.Verdict != want {
			t.Fatalf("history %d: %+v, want %v\n%s", i, r, want, dump(ops))
		}
		checkWitness(t, Fencing, ops, r)
		seen[r.Verdict]++
	}
	if seen[Linearizable] < n/10 || seen[Violated] < n/10 {
		t.Errorf("%v", seen)
	}
}

// fencing makes a few grants and accepts, mostly in order.
func fencing(rng *rand.Rand) []Op {
	var ops []Op
	for i := range 1 + rng.IntN(7) {
		o := Op{Kind: Grant, Value: 1 + i/2, Call: 2*i - rng.IntN(5), Return: 2*i + rng.IntN(5), Unknown: rng.IntN(5) == 0}
		if i%2 == 1 {
			o.Kind = Accept
		}
		if rng.IntN(4) == 0 {
			o.Value = 1 + rng.IntN(4)
		}
		ops = append(ops, o)
	}
	return ops
}

// someGrants gives unknown grants from the given one on some token, or none.
func someGrants(ops []Op, from int) bool {
	for i := from; i < len(ops); i++ {
		if ops[i].Kind != Grant || !ops[i].Unknown {
			continue
		}
		for token := range 6 {
			some := slices.Clone(ops)
			some[i] = Op{Kind: Grant, Value: token, Call: ops[i].Call, Return: Open}
			if token == 0 {
				some = slices.Delete(some, i, i+1)
				if someGrants(some, i) {
					return true
				}
			} else if someGrants(some, i+1) {
				return true
			}
		}
		return false
	}
	return fencedInOrder(ops)
}

func fencedInOrder(ops []Op) bool {
	var history []porcupine.Operation
	for i := range ops {
		if ops[i].Unknown {
			continue // an accept, which need not have happened
		}
		history = append(history, porcupine.Operation{Input: &ops[i], Call: int64(ops[i].Call), Return: int64(ops[i].end())})
	}
	return porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return [3]int{} }, // last token, largest accepted, tokens granted as bits
		Step: func(state, input, _ any) (bool, any) {
			s, o := state.([3]int), input.(*Op)
			if o.Kind == Grant {
				return o.Value > s[0], [3]int{o.Value, s[1], s[2] | 1<<o.Value}
			}
			return o.Value >= s[1] && s[2]>>o.Value&1 != 0, [3]int{s[0], max(s[1], o.Value), s[2]}
		},
	}, history)
}

// TestLeases: two holders that are both sure, and how that is avoided.
func TestLeases(t *testing.T) {
	acquire := func(holder, call, back, until int) Op {
		return Op{Kind: Acquire, Value: holder, Call: call, Return: back, New: until}
	}
	release := func(holder, call, back int) Op { return Op{Kind: Release, Value: holder, Call: call, Return: back} }
	unknown := func(o Op) Op { o.Unknown = true; return o }
	for name, c := range map[string]struct {
		ops  []Op
		want Verdict
	}{
		"one after the other":            {[]Op{acquire(1, 0, 1, 10), release(1, 2, 3), acquire(2, 4, 5, 14)}, Linearizable},
		"while the first still holds":    {[]Op{acquire(1, 0, 1, 10), acquire(2, 4, 5, 14)}, Violated},
		"after the first is over":        {[]Op{acquire(1, 0, 1, 3), acquire(2, 4, 5, 14)}, Linearizable},
		"while the release is under way": {[]Op{acquire(1, 0, 1, 10), release(1, 2, 9), acquire(2, 4, 5, 14)}, Linearizable},
		"an unknown acquire holds not":   {[]Op{unknown(acquire(1, 0, 1, 10)), acquire(2, 4, 5, 14)}, Linearizable},
		"an unknown release gives up":    {[]Op{acquire(1, 0, 1, 10), unknown(release(1, 2, 3)), acquire(2, 4, 5, 14)}, Linearizable},
		"renewed in time":                {[]Op{acquire(1, 0, 1, 6), acquire(1, 4, 5, 12), acquire(2, 8, 9, 20)}, Violated},
		"renewed and over":               {[]Op{acquire(1, 0, 1, 6), acquire(1, 4, 5, 7), acquire(2, 8, 9, 20)}, Linearizable},
		"for ever":                       {[]Op{acquire(1, 0, 1, 0), acquire(2, 400, 500, 0)}, Violated},
		"answered too late":              {[]Op{acquire(1, 0, 20, 10), acquire(2, 4, 5, 14)}, Linearizable},
	} {
		r := Judge(context.Background(), Lease, c.ops)
		if r.Verdict != c.want {
			t.Errorf("%s: %+v", name, r)
		}
		checkWitness(t, Lease, c.ops, r)
	}
}
