package linear

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// objects are those that random histories are made of.
func objects() []Object {
	return []Object{Register, Counter, Set, GrowSet, Log, Queue, Stack, PriorityQueue, Mutex, Lock}
}

func draw(t *rapid.T) (Object, []Op) {
	object := rapid.SampledFrom(objects()).Draw(t, "object")
	s := script{
		rng:    rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)),
		object: object, repeat: rapid.Bool().Draw(t, "repeat"), wide: rapid.Bool().Draw(t, "wide"),
	}
	return object, s.history()
}

func verdict(object Object, ops []Op) Verdict {
	return Judge(context.Background(), object, ops).Verdict
}

// TestSame: what does not matter does not change the verdict.
func TestSame(t *testing.T) {
	for name, change := range map[string]func(*rapid.T, Object, []Op) []Op{
		"other order in the slice": func(t *rapid.T, _ Object, ops []Op) []Op {
			return rapid.Permutation(ops).Draw(t, "permuted")
		},
		"another origin of time": func(t *rapid.T, _ Object, ops []Op) []Op {
			shift := rapid.IntRange(-1000, 1_000_000).Draw(t, "shift")
			for i := range ops {
				ops[i].Call, ops[i].Return = ops[i].Call+shift, ops[i].Return+shift
			}
			return ops
		},
		"another unit of time": func(t *rapid.T, _ Object, ops []Op) []Op {
			unit := rapid.IntRange(2, 1_000_000).Draw(t, "unit")
			for i := range ops {
				ops[i].Call, ops[i].Return = ops[i].Call*unit, ops[i].Return*unit
			}
			return ops
		},
		"other values": renamed,
		"an update that nobody saw": func(t *rapid.T, object Object, ops []Op) []Op {
			o := Op{Unknown: true, Call: rapid.IntRange(-5, 20).Draw(t, "call"), Value: 1 << 20, New: 1 << 21}
			kinds := map[Object]Kind{Register: Write, Counter: Add, Set: Insert, GrowSet: Add, Log: Add, Queue: Put, Stack: Put, PriorityQueue: Put}
			kind, ok := kinds[object]
			if !ok || object == Counter || object == Register && slices.ContainsFunc(ops, func(o Op) bool { return o.Kind == Refuse }) {
				return ops // it could explain something
			}
			o.Kind = kind
			return append(ops, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				object, ops := draw(t)
				before := verdict(object, ops)
				after := change(t, object, slices.Clone(ops))
				if got := verdict(object, after); got != before {
					t.Fatalf("%v became %v\n%s\n%s", before, got, dump(ops), dump(after))
				}
			})
		})
	}
}

// renamed gives every value another name; those of a priority queue keep their
// order, and numbers that are counted with stay.
func renamed(t *rapid.T, object Object, ops []Op) []Op {
	if object == Counter {
		return ops
	}
	by := rapid.IntRange(1, 1000).Draw(t, "by")
	name := func(v int) int {
		if v == Initial && object == Register {
			return v
		}
		return v*by + 17*by
	}
	for i := range ops {
		o := &ops[i]
		o.Value, o.New, o.Whole = name(o.Value), name(o.New), slices.Clone(o.Whole)
		for j := range o.Whole {
			o.Whole[j] = name(o.Whole[j])
		}
	}
	return ops
}

// TestMilder: what demands less never makes a linearizable history a violation.
func TestMilder(t *testing.T) {
	for name, change := range map[string]func(*rapid.T, Object, []Op, int) []Op{
		"a wider interval": func(t *rapid.T, _ Object, ops []Op, i int) []Op {
			ops[i].Call -= rapid.IntRange(0, 10).Draw(t, "earlier")
			ops[i].Return += rapid.IntRange(0, 10).Draw(t, "later")
			return ops
		},
		"an observation less": func(_ *rapid.T, _ Object, ops []Op, i int) []Op {
			switch ops[i].Kind {
			case Read, Refuse, Has, Lacks, Snapshot, Empty, Peek:
				return slices.Delete(ops, i, i+1)
			}
			return ops
		},
		"an outcome forgotten": func(_ *rapid.T, _ Object, ops []Op, i int) []Op {
			if k := ops[i].Kind; k != Refuse {
				ops[i].Unknown = true
			}
			return ops
		},
		"no later than": func(t *rapid.T, _ Object, ops []Op, _ int) []Op {
			until := rapid.IntRange(-5, 20).Draw(t, "until")
			ops = slices.DeleteFunc(ops, func(o Op) bool { return o.Call > until })
			for i := range ops {
				if ops[i].Return > until && ops[i].Kind != Refuse {
					ops[i].Unknown = true
				} else if ops[i].Return > until {
					ops[i].Return = 1000
				}
			}
			return ops
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				object, ops := draw(t)
				if verdict(object, ops) != Linearizable {
					t.Skip("it is wrong already")
				}
				i := rapid.IntRange(0, len(ops)-1).Draw(t, "which")
				after := change(t, object, slices.Clone(ops), i)
				if got := verdict(object, after); got != Linearizable {
					t.Fatalf("became %v\n%s\n%s", got, dump(ops), dump(after))
				}
			})
		})
	}
}

// TestMinimize: what is left is still wrong, and nothing can be left out.
func TestMinimize(t *testing.T) {
	tried := 0
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		s := script{rng: rng, object: Register, repeat: true, wide: true}
		ops := s.history()
		r := Judge(context.Background(), Register, ops)
		if r.Verdict != Violated || r.Engine != "register-search" {
			continue
		}
		tried++
		small := Minimize(context.Background(), Register, ops, r).Witness
		if verdict(Register, relaxed(ops, small)) != Violated {
			t.Fatalf("%v is no witness\n%s", small, dump(ops))
		}
		for i := range small {
			if rest := slices.Delete(slices.Clone(small), i, i+1); verdict(Register, relaxed(ops, rest)) == Violated {
				t.Fatalf("%v needs only %v\n%s", small, rest, dump(ops))
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d were tried", tried)
	}
}
