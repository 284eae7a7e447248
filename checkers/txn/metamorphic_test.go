package txn

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
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

// A change is a way to change a history that must not make it any worse. same
// says that it must not make it any better either.
type change struct {
	name string
	same bool
	do   func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op
}

func changes() []change {
	rename := func(pairs ...string) func(*rand.Rand, bool, []history.Op) []history.Op {
		return func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Value = []byte(strings.NewReplacer(pairs...).Replace(string(ops[i].Value)))
			}
			return ops
		}
	}
	return []change{
		{"processes are called otherwise", true, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Process = 1000 - ops[i].Process
			}
			return ops
		}},
		{"keys are called otherwise", true, rename(`"x"`, `"yy"`, `"y"`, `[1,{"a":2}]`, `"z"`, `7`)},
		{"values are called otherwise", true, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Value = numbersAsStrings(ops[i].Value)
			}
			return ops
		}},
		{"the clock is another", true, func(_ *rand.Rand, _ bool, ops []history.Op) []history.Op {
			for i := range ops {
				ops[i].Time = ops[i].Time*3 + time.Hour
			}
			return ops
		}},
		{"an invocation is earlier", false, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := 1 + rng.IntN(len(ops)-1)
			if ops[i].Type == history.Invoke && ops[i-1].Process != ops[i].Process {
				ops[i], ops[i-1] = ops[i-1], ops[i]
			}
			return ops
		}},
		{"a completion is later", false, func(rng *rand.Rand, _ bool, ops []history.Op) []history.Op {
			i := rng.IntN(len(ops) - 1)
			if ops[i].Type != history.Invoke && ops[i+1].Process != ops[i].Process {
				ops[i], ops[i+1] = ops[i+1], ops[i]
			}
			return ops
		}},
		{"somebody wrote what nobody saw", false, func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op {
			word := "w"
			if lists {
				word = "append"
			}
			op := history.Op{Process: 77, F: "txn", Value: []byte(`[["` + word + `","x",999],["` + word + `","y",999]]`)}
			return slices.Insert(ops, rng.IntN(len(ops)), op)
		}},
		{"somebody failed to write", true, func(rng *rand.Rand, lists bool, ops []history.Op) []history.Op {
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
					if !before.out[m] {
						rt.Fatalf("it is not %s any more:\n%s", m, strings.Join(r.Says, "\n"))
					}
				}
				for m := range before.out {
					if change.same && !after.out[m] {
						rt.Fatalf("%s is not ruled out any more", m)
					}
				}
				if change.same && before.proved[before.level] != after.proved[after.level] {
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
