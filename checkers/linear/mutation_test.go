package linear

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var million = flag.Bool("million", false, "plant faults in histories of 1 000 000 operations as well")

// A fault changes a history so that it is wrong, and returns the operations
// that it changed; none if it found no place.
type fault func(rng *rand.Rand, ops []Op) []int

// TestPlanted plants one fault into a large history that is right. It must be
// found, and one of the changed operations be in the witness.
func TestPlanted(t *testing.T) {
	for _, c := range []struct {
		name   string
		object Object
		make   func(n int) []Op
		fault  fault
		most   int // operations in the witness
	}{
		{"stale read", Register, func(n int) []Op { return load{operations: n, clients: 20, unknown: 50, seed: 1}.register() }, staleRead, 4},
		{"stale read among compare-and-sets", Register, func(n int) []Op { return load{operations: n, clients: 20, cas: 300, unknown: 50, seed: 2}.register() }, staleRead, 4},
		{"garbage", Register, func(n int) []Op { return load{operations: n, clients: 20, unknown: 50, seed: 3}.register() }, garbage, 1},
		{"reordered", Queue, func(n int) []Op { return container(Queue, n, 10, 4) }, exchanged(Take), 5},
		{"phantom", Queue, func(n int) []Op { return container(Queue, n, 10, 5) }, phantom, 1},
		{"reordered", Stack, func(n int) []Op { return container(Stack, n, 4, 6) }, exchanged(Take), 12},
		{"reordered", PriorityQueue, func(n int) []Op { return container(PriorityQueue, n, 10, 7) }, exchanged(Take), 12},
		{"shrinks", Counter, func(n int) []Op { return counter(n, 10, 8) }, exchanged(Read), 3},
		{"lost", GrowSet, func(n int) []Op { return grown(n, 10, 9) }, lost, 4},
		{"lost", Log, func(n int) []Op { return grown(n, 10, 10) }, lost, 4},
		{"twice", Log, func(n int) []Op { return grown(n, 10, 11) }, doubled, 1},
		{"forgotten", Set, func(n int) []Op { return members(n, 10, 12) }, forgotten, 6},
		{"two holders", Lock, func(n int) []Op { return holds(n, 10, 13) }, twoHolders, 4},
	} {
		sizes := []int{1000, 100_000}
		if *million {
			sizes = append(sizes, 1_000_000)
		}
		for _, n := range sizes {
			t.Run(fmt.Sprintf("object %d %s %d", c.object, c.name, n), func(t *testing.T) {
				ops := c.make(n)
				if r := Judge(context.Background(), c.object, ops); r.Verdict != Linearizable {
					t.Fatalf("before: %+v", r)
				}
				planted := c.fault(rand.New(rand.NewPCG(uint64(n), 3)), ops)
				if planted == nil {
					t.Fatal("found no place for a fault")
				}
				r := Judge(context.Background(), c.object, ops)
				if r.Verdict != Violated || len(r.Witness) > c.most || strings.Contains(r.Engine, "search") {
					t.Fatalf("%+v", r)
				}
				if !slices.ContainsFunc(planted, func(p int) bool { return slices.Contains(r.Witness, p) }) {
					t.Errorf("planted in %v: %+v", planted, r)
				}
			})
		}
	}
}

// pick returns a certain operation of the kind from the middle of the history.
func pick(rng *rand.Rand, ops []Op, ok func(o *Op) bool) int {
	for range 10 * len(ops) {
		i := len(ops)/4 + rng.IntN(len(ops)/2)
		if o := &ops[i]; !o.Unknown && ok(o) {
			return i
		}
	}
	return none
}

func is(kind Kind) func(o *Op) bool { return func(o *Op) bool { return o.Kind == kind } }

// staleRead lets a read see a value that another had replaced for sure: one
// that was read, then another written and read, all one after the other.
func staleRead(rng *rand.Rand, ops []Op) []int {
	for range 1000 {
		old := pick(rng, ops, func(o *Op) bool { return o.Kind == Write })
		newer := none
		for i := old; i < len(ops) && newer == none; i++ {
			if o := &ops[i]; o.Kind == Write && !o.Unknown && o.Call > ops[old].Return {
				newer = i
			}
		}
		for i := max(newer, 0); i < len(ops) && newer != none; i++ {
			if o := &ops[i]; o.Kind == Read && o.Call > ops[newer].Return {
				o.Value = ops[old].Value
				return []int{i}
			}
		}
	}
	return nil
}

func garbage(rng *rand.Rand, ops []Op) []int {
	i := pick(rng, ops, is(Read))
	ops[i].Value = 1 << 40
	return []int{i}
}

func phantom(rng *rand.Rand, ops []Op) []int {
	i := pick(rng, ops, is(Take))
	ops[i].Value = 1 << 40
	return []int{i}
}

// exchanged lets two operations that are far apart have each other's results.
func exchanged(kind Kind) fault {
	return func(rng *rand.Rand, ops []Op) []int {
		i := pick(rng, ops, is(kind))
		for j := i + 1; j < len(ops); j++ {
			if o := &ops[j]; o.Kind == kind && !o.Unknown && o.Call > ops[i].Return+200 {
				o.Value, ops[i].Value = ops[i].Value, o.Value
				return []int{i, j}
			}
		}
		return nil
	}
}

// lost takes an old element out of a read.
func lost(rng *rand.Rand, ops []Op) []int {
	i := pick(rng, ops, func(o *Op) bool { return o.Kind == Snapshot && len(o.Whole) > 20 })
	whole := ops[i].Whole
	at := rng.IntN(len(whole) - 15)
	ops[i].Whole = slices.Delete(slices.Clone(whole), at, at+1)
	return []int{i}
}

func doubled(rng *rand.Rand, ops []Op) []int {
	i := pick(rng, ops, func(o *Op) bool { return o.Kind == Snapshot && len(o.Whole) > 20 })
	ops[i].Whole = append(slices.Clone(ops[i].Whole), ops[i].Whole[3])
	return []int{i}
}

// forgotten lets an element that somebody saw before and sees after not be found.
func forgotten(rng *rand.Rand, ops []Op) []int {
	for range 1000 {
		a := pick(rng, ops, is(Has))
		for i := a + 1; i < min(len(ops), a+300); i++ {
			if o := &ops[i]; o.Kind != Has || o.Value != ops[a].Value || o.Call < ops[a].Return {
				continue
			}
			for j := i + 1; j < min(len(ops), i+300); j++ {
				if b := &ops[j]; b.Kind == Has && b.Value == ops[a].Value && b.Call > ops[i].Return {
					ops[i].Kind = Lacks
					return []int{i}
				}
			}
		}
	}
	return nil
}

// twoHolders lets a hold go on until after the next has begun.
func twoHolders(rng *rand.Rand, ops []Op) []int {
	i := pick(rng, ops, is(Release))
	for ops[i].Value == ops[i+1].Value {
		i = pick(rng, ops, is(Release))
	}
	ops[i].Call += 4
	ops[i].Return += 4
	return []int{i}
}
