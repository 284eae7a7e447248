package invariant

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// The models that the frontier is compared on, each in Starlark and in Go.
type peer struct {
	star string
	init int
	step func(state int, o *op) []int
	fs   []string // operations
}

func number64(raw json.RawMessage) int {
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		return -1
	}
	return n
}

func peers() map[string]peer {
	return map[string]peer{
		"register": {
			star: "def step(s, op):\n  if op.f == \"write\":\n    return [op.input]\n  if op.info:\n    return [s]\n  return [s] if s == op.output else []\nmodel(name = \"m\", init = 0, step = step)",
			fs:   []string{"write", "read"},
			step: func(s int, o *op) []int {
				switch {
				case o.did.Invoke.F == "write":
					return []int{number64(o.did.Invoke.Value)}
				case o.did.Type() == history.Info || s == number64(o.did.Complete.Value):
					return []int{s}
				}
				return nil
			},
		},
		// A counter whose increments may be lost or counted twice.
		"sloppy counter": {
			star: "def step(s, op):\n  if op.f == \"add\":\n    return [s, s + 1, s + 2]\n  if op.info:\n    return [s]\n  return (s == op.output, s)\nmodel(name = \"m\", init = 0, step = step)",
			fs:   []string{"add", "read", "read"},
			step: func(s int, o *op) []int {
				switch {
				case o.did.Invoke.F == "add":
					return []int{s, s + 1, s + 2}
				case o.did.Type() == history.Info || s == number64(o.did.Complete.Value):
					return []int{s}
				}
				return nil
			},
		},
		// A lock that may be taken when free; writing sets its state.
		"toggle": {
			star: "def step(s, op):\n  if op.f == \"lock\":\n    return [1] if s == 0 else []\n  return [0] if s == 1 else []\nmodel(name = \"m\", init = 0, step = step)",
			fs:   []string{"lock", "unlock"},
			step: func(s int, o *op) []int {
				want := map[string]int{"lock": 0, "unlock": 1}[o.did.Invoke.F]
				if s != want {
					return nil
				}
				return []int{1 - want}
			},
		},
	}
}

// randomHistory makes up a small history with unknown outcomes, failures,
// operations that never end, and ties in time.
func randomHistory(rng *rand.Rand, fs []string) *history.History {
	var ops []history.Op
	processes, open := 2+rng.IntN(3), map[int]history.Op{}
	names := make([]int, processes)
	for i := range names {
		names[i] = i
	}
	now := time.Duration(0)
	add := func(o history.Op) {
		o.Index, o.Time = len(ops), now
		ops = append(ops, o)
	}
	for n := 4 + rng.IntN(14); len(ops) < n; {
		now += time.Duration(rng.IntN(2)) * time.Millisecond
		client := rng.IntN(processes)
		invoke, isOpen := open[client]
		if !isOpen {
			o := history.Op{Process: names[client], F: fs[rng.IntN(len(fs))], Value: json.RawMessage(strconv.Itoa(rng.IntN(3)))}
			open[client] = o
			add(o)
			continue
		}
		delete(open, client)
		invoke.Type = []history.Type{history.OK, history.OK, history.OK, history.OK, history.Info, history.Fail}[rng.IntN(6)]
		invoke.Value = json.RawMessage(strconv.Itoa(rng.IntN(3)))
		if invoke.Type == history.Info {
			names[client] += processes
		}
		add(invoke)
	}
	return history.New(ops)
}

// byPorcupine judges a history with porcupine's nondeterministic model. An
// unknown operation may take effect at any later time; if it cannot, it did not
// happen, so it may be left out: its step also allows no change.
func byPorcupine(p peer, h *history.History) bool {
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []any { return []any{p.init} },
		Step: func(state, input, _ any) []any {
			o := input.(*op)
			var next []any
			for _, s := range p.step(state.(int), o) {
				next = append(next, s)
			}
			if o.did.Type() == history.Info {
				next = append(next, state)
			}
			return next
		},
	}
	var operations []porcupine.Operation
	for _, did := range h.Operations() {
		if did.Type() == history.Fail {
			continue
		}
		end := int64(math.MaxInt64)
		if did.Type() == history.OK {
			end = int64(did.Complete.Index)
		}
		operations = append(operations, porcupine.Operation{ClientId: did.Invoke.Process, Input: &op{did: did}, Call: int64(did.Invoke.Index), Return: end})
	}
	return porcupine.CheckOperations(nondeterministic.ToModel(), operations)
}

// TestFrontierAgreesWithPorcupine: 100 000 random histories of each model, or
// as many as SHAKEDOWN_RANDOM says if it says.
func TestFrontierAgreesWithPorcupine(t *testing.T) {
	histories := 100_000
	if testing.Short() {
		histories = 5_000
	}
	if n, err := strconv.Atoi(os.Getenv("SHAKEDOWN_RANDOM")); err == nil {
		histories = n
	}
	for name, p := range peers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := mustRule(t, p.star, "")
			rng := rand.New(rand.NewPCG(4, uint64(len(name))))
			seen := map[checkers.Verdict]int{}
			for range histories {
				h := randomHistory(rng, p.fs)
				result := rule.check(context.Background(), h)
				seen[result.Verdict]++
				want := byPorcupine(p, h)
				if result.Verdict == checkers.Unknown && (result.Counts["evaluated"] != 0 || !want) ||
					result.Verdict == checkers.Valid && !want || result.Verdict == checkers.Violation && want {
					t.Fatalf("porcupine says %v, we say %s\n%s", want, describe(result), h)
				}
				if result.Verdict == checkers.Violation {
					culpritIsFirst(t, rule, p, h)
				}
			}
			if seen[checkers.Valid] < histories/20 || seen[checkers.Violation] < histories/20 {
				t.Errorf("the histories are too much alike: %v", seen)
			}
		})
	}
}

// culpritIsFirst: with the answer that we say is the first that nothing explains,
// there is a violation; without it there is none.
func culpritIsFirst(t *testing.T, rule *Rule, p peer, h *history.History) {
	t.Helper()
	j := newJudge(context.Background(), rule)
	defer j.machine.close()
	for i := range h.Ops {
		j.see(&h.Ops[i])
	}
	j.finish(h)
	at := j.first.Event
	if byPorcupine(p, prefix(h, at+1)) || !byPorcupine(p, prefix(h, at)) {
		t.Fatalf("event %d is not the first that nothing explains\n%s", at, h)
	}
}

// prefix is what had been seen after n events, without the operations of which
// one knew later that they failed. Whatever was open then has no outcome.
func prefix(h *history.History, n int) *history.History {
	failed := map[int]bool{}
	for _, did := range h.Operations() {
		if did.Type() == history.Fail {
			failed[did.Invoke.Index], failed[did.Complete.Index] = true, true
		}
	}
	short := &history.History{}
	for _, o := range h.Ops[:n] {
		if !failed[o.Index] {
			short.Ops = append(short.Ops, o)
		}
	}
	return short
}
