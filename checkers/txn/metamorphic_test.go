package txn

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// reindexed returns the events as a history.
func reindexed(ops []history.Op) *history.History {
	for i := range ops {
		ops[i].Index = i
	}
	return history.New(ops)
}

// A change is a way to change a history.
type change struct {
	name   string
	effect effect
	do     func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op
}

// An effect is what a change must not do.
type effect uint8

const (
	// noWorse: no level is ruled out that was not.
	noWorse effect = iota
	// same: the same levels are ruled out, and proved.
	same
	// more: more is known, so no level is proved that was ruled out.
	more
	// less: less is known, so no level is ruled out that was proved. One may be
	// that was open: what contradicted itself before told nothing more.
	less
)

// changes are all of them.
func changes() []change {
	return slices.Concat(changesOfNames(), changesOfTime(), changesOfOperations())
}

// changesOfNames are those of what things are called.
func changesOfNames() []change {
	rename := func(pairs ...string) func(*rand.Rand, bool, []history.Op) []history.Op {
		return func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Value = []byte(strings.NewReplacer(pairs...).Replace(string(ops[i].Value)))
			}
			return ops
		}
	}
	return []change{
		{"processes are called otherwise", same, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Process = 1000 - ops[i].Process
			}
			return ops
		}},
		{"keys are called otherwise", same, rename(`"x"`, `"yy"`, `"y"`, `[1,{"a":2}]`, `"z"`, `7`)},
		{"values are called otherwise", same, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Value = numbersAsStrings(ops[i].Value)
			}
			return ops
		}},
		{"the clock is another", same, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Time = ops[i].Time*3 + time.Hour
			}
			return ops
		}},
	}
}

// changesOfTime are those of when operations began and ended.
func changesOfTime() []change {
	return []change{
		{"an invocation is earlier", noWorse, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := 1 + rng.IntN(len(ops)-1)
			if ops[i].Type == history.Invoke && ops[i-1].Process != ops[i].Process {
				ops[i], ops[i-1] = ops[i-1], ops[i]
			}
			return ops
		}},
		{"a completion is later", noWorse, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops) - 1)
			if ops[i].Type != history.Invoke && ops[i+1].Process != ops[i].Process {
				ops[i], ops[i+1] = ops[i+1], ops[i]
			}
			return ops
		}},
		{"an invocation is later", more, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops) - 1)
			if ops[i].Type == history.Invoke && ops[i+1].Process != ops[i].Process {
				ops[i], ops[i+1] = ops[i+1], ops[i]
			}
			return ops
		}},
		{"a completion is earlier", more, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := 1 + rng.IntN(len(ops)-1)
			if ops[i].Type == history.OK && ops[i-1].Process != ops[i].Process {
				ops[i], ops[i-1] = ops[i-1], ops[i]
			}
			return ops
		}},
	}
}

// changesOfOperations are those of what was done, and of what is known of it.
func changesOfOperations() []change {
	return []change{
		{"somebody wrote what nobody saw", noWorse, func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op {
			word := "w"
			if lists {
				word = "append"
			}
			op := history.Op{Process: 77, F: "txn", Value: []byte(`[["` + word + `","x",999],["` + word + `","y",999]]`)}
			return slices.Insert(ops, rng.IntN(len(ops)), op)
		}},
		{"an answer was lost", less, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops))
			if ops[i].Type != history.OK {
				return ops
			}
			// Whoever lost it is another process from then on.
			for k := i + 1; k < len(ops); k++ {
				if ops[k].Process == ops[i].Process {
					ops[k].Process += 5000
				}
			}
			ops[i].Type, ops[i].Value = history.Info, nil
			return ops
		}},
		{"a transaction that only read is forgotten", less, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops))
			if ops[i].Type != history.OK || bytes.Contains(ops[i].Value, []byte(`["w`)) || bytes.Contains(ops[i].Value, []byte(`["append`)) {
				return ops
			}
			return without(ops, i)
		}},
		{"a failed transaction is forgotten", same, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops))
			if ops[i].Type != history.Fail || seenBySomebody(ops, i) {
				return ops
			}
			return without(ops, i)
		}},
		{"somebody failed to write", same, func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op {
			word := "w"
			if lists {
				word = "append"
			}
			invoke := history.Op{Process: 77, F: "txn", Value: []byte(`[["` + word + `","x",999]]`)}
			fail := invoke
			fail.Type = history.Fail
			return slices.Insert(ops, rng.IntN(len(ops)), invoke, fail)
		}},
	}
}

// without returns the events without the operation that completed at i.
func without(ops []history.Op, i int) []history.Op {
	begin := i - 1
	for ops[begin].Process != ops[i].Process {
		begin--
	}
	return slices.Concat(ops[:begin], ops[begin+1:i], ops[i+1:])
}

// seenBySomebody reports whether a read shows any number that the operation
// which completed at i tried to write.
func seenBySomebody(ops []history.Op, i int) bool {
	begin := i - 1
	for ops[begin].Process != ops[i].Process {
		begin--
	}
	numbers := regexp.MustCompile(`[0-9]+`)
	for _, number := range numbers.FindAll(ops[begin].Value, -1) {
		for k := range ops {
			if k != i && k != begin && slices.ContainsFunc(numbers.FindAll(ops[k].Value, -1), func(n []byte) bool { return bytes.Equal(n, number) }) {
				return true
			}
		}
	}
	return false
}

// numbersAsStrings makes of every written or read number a string.
func numbersAsStrings(raw []byte) []byte {
	var mops [][3]any
	if err := json.Unmarshal(raw, &mops); err != nil {
		return raw
	}
	var name func(v any) any
	name = func(v any) any {
		switch v := v.(type) {
		case float64:
			return strings.Repeat("é\"", int(v)+1)
		case []any:
			for i := range v {
				v[i] = name(v[i])
			}
			return v
		}
		return v
	}
	for i := range mops {
		mops[i][2] = name(mops[i][2])
	}
	named, _ := json.Marshal(mops)
	return named
}

func TestMetamorphic(t *testing.T) {
	for _, change := range changes() {
		t.Run(change.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
				lists := rapid.Bool().Draw(rt, "lists")
				level := rapid.SampledFrom([]string{"", "serializable", "snapshot-isolation", "strong-session-serializable", "read-committed"}).Draw(rt, "level")
				h := randomHistory(rng, lists, 6, false)
				before, _ := inspect(t, h, lists, Options{Level: level})
				var ops []history.Op
				for _, op := range h.Ops {
					op.Value = bytes.Clone(op.Value)
					ops = append(ops, op)
				}
				changed := reindexed(change.do(rng, lists, ops))
				after, r := inspect(t, changed, lists, Options{Level: level})
				for m := range after.out {
					if change.effect == less && before.proved[m] || change.effect <= same && !before.out[m] {
						rt.Fatalf("it is not %s any more:\n%s", m, strings.Join(r.Says, "\n"))
					}
				}
				for m := range before.out {
					if change.effect == same && !after.out[m] {
						rt.Fatalf("%s is not ruled out any more", m)
					}
					if change.effect == more && after.proved[m] {
						rt.Fatalf("%s was ruled out, and is proved now that more is known", m)
					}
				}
				if change.effect == same && before.proved[before.level] != after.proved[after.level] {
					rt.Fatalf("proved before: %v, after: %v", before.proved[before.level], after.proved[after.level])
				}
			})
		})
	}
}

// TestWithoutEvidence takes all that was read away: then nothing is valid.
func TestWithoutEvidence(t *testing.T) {
	for _, lists := range []bool{true, false} {
		for i := range 200 {
			h := randomHistory(seed(i), lists, 5, false)
			for k := range h.Ops {
				if h.Ops[k].Type == history.OK {
					h.Ops[k].Type = history.Info
				}
			}
			c := ListAppend(Options{})
			if !lists {
				c = RWRegister(Options{})
			}
			if r := c.Check(t.Context(), h); r.Verdict != checkers.Unknown {
				t.Fatalf("%v without any transaction that is known to be committed: %v", r.Verdict, r.Says)
			}
		}
	}
}
