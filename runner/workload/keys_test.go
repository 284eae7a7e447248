package workload

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// lives returns, in order, the keys of each slot with how many operations each
// of them got, and fails if a slot went back to a key that it had retired.
func lives(t rapid.TB, s Spec) map[int][]int {
	counts := map[int][]int{}
	for _, op := range inOrder(Register(s)) {
		var slot, generation int
		if _, err := fmt.Sscanf(op.Key, "r%d.%d", &slot, &generation); err != nil {
			t.Fatalf("key %q: %v", op.Key, err)
		}
		switch generation {
		case len(counts[slot]):
			counts[slot][generation-1]++
		case len(counts[slot]) + 1:
			counts[slot] = append(counts[slot], 1)
		default:
			t.Fatalf("slot %d goes to key %s after %d keys", slot, op.Key, len(counts[slot]))
		}
	}
	return counts
}

func TestKeysAreRetiredAndNeverComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := specs().Draw(rt, "spec")
		for slot, counts := range lives(rt, s) {
			if slot < 1 || slot > max(s.Keys, 1) {
				rt.Fatalf("slot %d of %d", slot, s.Keys)
			}
			if s.OperationsPerKey < 1 && len(counts) != 1 {
				rt.Fatalf("slot %d had %d keys, and the first was for ever", slot, len(counts))
			}
			for i, n := range counts {
				last := i == len(counts)-1
				tooMany := s.OperationsPerKey > 0 && n > s.OperationsPerKey
				tooFew := !last && 10*n < 9*s.OperationsPerKey
				if tooMany || tooFew {
					rt.Fatalf("key r%d.%d got %d operations of %d", slot, i+1, n, s.OperationsPerKey)
				}
			}
		}
	})
}

// TestKeysDoNotEndInLockStep wants the limits of keys to be spread over all of
// the 90 to 100 percent.
func TestKeysDoNotEndInLockStep(t *testing.T) {
	for seed := range uint64(3) {
		s := closedStorm()
		s.ClosedLoopLimit, s.Seed = 5000, seed
		limits := map[int]bool{}
		for _, counts := range lives(t, s) {
			for _, n := range counts[:len(counts)-1] {
				limits[n] = true
			}
		}
		if len(limits) != 11 {
			t.Errorf("seed %d: keys got %v operations of 100", seed, limits)
		}
	}
}

func TestKeysInNaturalOrder(t *testing.T) {
	want := []string{"a", "r", "r1", "r1.2", "r2.9", "r2.10", "r2.10.1", "r10", "r10.1", "s01", "s1", "s1x"}
	var ops [][]Operation
	for _, i := range []int{7, 2, 0, 11, 4, 5, 9, 3, 1, 6, 10, 8, 2, 7} {
		ops = append(ops, []Operation{{Key: want[i]}, {Key: want[0]}})
	}
	if got := Keys(ops); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	if got := Keys(nil); len(got) != 0 {
		t.Errorf("keys %v of nothing", got)
	}
}

func TestKeysAreThoseOfTheOperations(t *testing.T) {
	ops := Register(storm())
	keys := Keys(ops)
	for _, op := range inOrder(ops) {
		if !slices.Contains(keys, op.Key) {
			t.Fatalf("no %s in %v", op.Key, keys)
		}
	}
	if len(keys) < 100 || len(keys) > 120 {
		t.Errorf("%d keys for 10000 operations of at most 100 each", len(keys))
	}
}

// TestNaturalIsAnOrder: a sort with an order that is none may do anything.
func TestNaturalIsAnOrder(t *testing.T) {
	name := rapid.StringMatching(`[r0-2.]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		a, b, c := name.Draw(rt, "a"), name.Draw(rt, "b"), name.Draw(rt, "c")
		if natural(a, b) != -natural(b, a) || (natural(a, b) == 0) != (a == b) {
			rt.Fatalf("%q and %q: %d, turned round %d", a, b, natural(a, b), natural(b, a))
		}
		if natural(a, b) < 0 && natural(b, c) < 0 && natural(a, c) >= 0 {
			rt.Fatalf("%q before %q before %q, but the first not before the last", a, b, c)
		}
	})
}
