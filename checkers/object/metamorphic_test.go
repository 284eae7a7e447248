package object

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A change makes another history of one: what it says of the verdict is in must.
type change struct {
	name string
	must func(before, after checkers.Verdict) bool
	make func(rng *rand.Rand, model string, h *history.History) *history.History
}

func same(before, after checkers.Verdict) bool { return before == after }

// milder: what demands less never makes a violation; and what demands more,
// stricter, never does away with one.
func milder(before, after checkers.Verdict) bool {
	return before == checkers.Violation || after != checkers.Violation
}

func stricter(before, after checkers.Verdict) bool {
	return before != checkers.Violation || after == checkers.Violation
}

func changes() []change {
	return []change{
		{"other processes", same, each(func(op *history.Op) { op.Process = 7*op.Process + 3 })},
		{"another key", same, each(func(op *history.Op) { op.Key = "other" })},
		{"another node", same, each(func(op *history.Op) { op.Node = "n7" })},
		{"another time", same, each(func(op *history.Op) { op.Time = 3*op.Time + time.Hour })},
		{"other values", same, renameValues},
		{"one that failed", same, addUnseen(history.Fail)},
		{"one that nobody saw", milder, addUnseen(history.Info)},
		{"a wider interval", milder, widen},
		{"a narrower interval", stricter, narrower},
		{"an outcome forgotten", milder, forget},
	}
}

// TestWhatDoesNotMatter: for each model, what does not matter does not change the
// verdict, and what takes evidence away never makes a violation.
func TestWhatDoesNotMatter(t *testing.T) {
	for name, o := range oracles() {
		c, err := New(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, how := range changes() {
			t.Run(name+"/"+how.name, func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) {
					rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
					h := (&player{rng: rng, fs: o.fs, s: o.start, do: o.do, text: name == "kv"}).history()
					other := how.make(rng, name, h)
					if err := other.Validate(); err != nil {
						t.Fatalf("the change made an impossible history: %v", err)
					}
					before, after := c.Check(context.Background(), h), c.Check(context.Background(), other)
					if !how.must(before.Verdict, after.Verdict) && !observesNothing(after) && !observesNothing(before) {
						t.Fatalf("%v %v\nbecomes\n%v %v\n%s\nbecomes\n%s", before.Verdict, before.Says, after.Verdict, after.Says, lines(h), lines(other))
					}
				})
			})
		}
	}
}

func lines(h *history.History) (text string) {
	for _, op := range h.Ops {
		text += fmt.Sprintf("%d p%d %v %s %s\n", op.Index, op.Process, op.Type, op.F, op.Value)
	}
	return text
}

func each(alter func(op *history.Op)) func(*rand.Rand, string, *history.History) *history.History {
	return func(_ *rand.Rand, _ string, h *history.History) *history.History {
		ops := slices.Clone(h.Ops)
		for i := range ops {
			alter(&ops[i])
		}
		return history.New(ops)
	}
}

var digits = regexp.MustCompile(`\d+`)

// renameValues gives values other names, in the same order, where they are only
// compared.
func renameValues(rng *rand.Rand, model string, h *history.History) *history.History {
	if model == "counter" || model == "semaphore" || model == "mutex" || model == "kv" || model == "multi-register" {
		return h
	}
	return each(func(op *history.Op) {
		op.Value = digits.ReplaceAllFunc(op.Value, func(d []byte) []byte {
			n, _ := strconv.Atoi(string(d))
			return strconv.AppendInt(nil, int64(1000+17*n), 10)
		})
	})(rng, model, h)
}

// renumber gives events their places anew.
func renumber(ops []history.Op) *history.History {
	for i := range ops {
		ops[i].Index, ops[i].Time = i, time.Duration(i)
	}
	return history.New(ops)
}

// addUnseen adds an operation that changes something and ends as said.
func addUnseen(as history.Type) func(*rand.Rand, string, *history.History) *history.History {
	return func(rng *rand.Rand, model string, h *history.History) *history.History {
		op := history.Op{Process: 1234, F: oracles()[model].fs[0]}
		switch model {
		case "kv":
			op.Value = json.RawMessage(`"987654"`)
		case "mutex", "semaphore":
		default:
			op.Value = json.RawMessage("987654")
		}
		end := op
		end.Type = as
		at := rng.IntN(len(h.Ops) + 1)
		ops := slices.Insert(slices.Clone(h.Ops), at, op)
		return renumber(slices.Insert(ops, at+1+rng.IntN(len(ops)-at), end))
	}
}

// swapEnds lets invocations and completions that follow each other change places.
func swapEnds(rng *rand.Rand, h *history.History, first func(history.Type) bool) *history.History {
	ops := slices.Clone(h.Ops)
	for range 1 + rng.IntN(2*len(ops)) {
		i := 1 + rng.IntN(len(ops)-1)
		a, b := ops[i-1], ops[i]
		if a.Process == b.Process || a.Type == history.Info || b.Type == history.Info || !first(a.Type) || first(b.Type) {
			continue
		}
		ops[i-1], ops[i] = b, a
	}
	return renumber(ops)
}

func widen(rng *rand.Rand, _ string, h *history.History) *history.History {
	return swapEnds(rng, h, func(t history.Type) bool { return t != history.Invoke })
}

func narrower(rng *rand.Rand, _ string, h *history.History) *history.History {
	return swapEnds(rng, h, func(t history.Type) bool { return t == history.Invoke })
}

// forget makes outcomes unknown.
func forget(rng *rand.Rand, _ string, h *history.History) *history.History {
	ops, now := slices.Clone(h.Ops), map[int]int{}
	for i := range ops {
		op := &ops[i]
		client := op.Process
		op.Process += 1000 * now[client]
		if op.Type == history.OK && rng.IntN(3) == 0 {
			op.Type, op.Value = history.Info, nil
			now[client]++ // a client whose operation is unknown goes on as another process
		}
	}
	return renumber(ops)
}
