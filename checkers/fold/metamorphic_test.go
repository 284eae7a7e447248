package fold

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// A relation is a checker with histories for it and what may be done to them.
type relation struct {
	name    string
	checker checkers.Checker
	make    func(tb testing.TB, rng *rand.Rand) *history.History
	// opaque: values are only compared, so that they may be renamed.
	opaque bool
	// unseen is an operation that nobody saw; "" for none.
	f, key, value string
}

func relations() []relation {
	tapes := func(make func(*rand.Rand) *tape) func(testing.TB, *rand.Rand) *history.History {
		return func(tb testing.TB, rng *rand.Rand) *history.History { return make(rng).history(tb) }
	}
	worlds := func(make func(testing.TB, int) *history.History, least int) func(testing.TB, *rand.Rand) *history.History {
		return func(tb testing.TB, rng *rand.Rand) *history.History { return make(tb, least+rng.IntN(60)) }
	}
	logs := func(tb testing.TB, n int) *history.History { return logHistory(tb, n, nil) }
	sets := func(tb testing.TB, n int) *history.History { h, _ := setHistory(tb, n, 5, nil); return h }
	return []relation{
		{"set", Set(), worlds(sets, 5), true, fAdd, "", "987654"},
		{"set", Set(), tapes(randomSet), true, fAdd, "", "987654"},
		{"set-full", SetFull(SetFullOptions{Linearizable: true}), worlds(sets, 5), true, fAdd, "", "987654"},
		{"set-full", SetFull(SetFullOptions{Linearizable: true}), tapes(randomSet), true, fAdd, "", "987654"},
		{"total-queue", TotalQueue(TotalQueueOptions{FIFO: true, Once: true}), worlds(queueWorld, 5), true, fEnqueue, "", "987654"},
		{"total-queue", TotalQueue(TotalQueueOptions{FIFO: true, Once: true}), tapes(randomQueue), true, fEnqueue, "", "987654"},
		{"counter", Counter(CounterOptions{Realtime: true, Session: true}), worlds(counterWorld, 5), false, fAdd, "", "3"},
		{"counter", Counter(CounterOptions{Realtime: true, Session: true}), tapes(randomCounter), false, fAdd, "", "3"},
		{"bank", Bank(BankOptions{}), worlds(bankWorld, 5), false, "transfer", "", `{"from":0,"to":1,"amount":3}`},
		{"long-fork", LongFork(), tapes(randomForks), false, fWrite, "", `[["w",77,1]]`},
		{"causal-reverse", CausalReverse(), worlds(writesWorld, 5), true, fWrite, "", "987654"},
		{"causal-reverse", CausalReverse(), tapes(randomWrites), true, fWrite, "", "987654"},
		{"monotonic", Monotonic(MonotonicOptions{}), worlds(rowsWorld, 5), false, fAdd, "", ""},
		{"session", Session(), worlds(registers, 5), true, fWrite, "k0", "987654"},
		{"session", Session(), tapes(randomRegisters), true, fWrite, "k0", "987654"},
		{"causal", Causal(), worlds(registers, 5), true, fWrite, "k0", "987654"},
		{"causal", Causal(), tapes(randomRegisters), true, fWrite, "k0", "987654"},
		{"convergence", Convergence(ConvergenceOptions{}), worlds(registers, 5), true, fWrite, "k0", "987654"},
		{"log", Log(LogOptions{}), worlds(logs, 5), false, "send", "k0", "987654"},
	}
}

// A change makes another history of one. same says that the verdict must stay;
// if not, it must not become a violation.
type change struct {
	name string
	same bool
	make func(tb testing.TB, rng *rand.Rand, r relation, h *history.History) *history.History
}

func changes() []change {
	return []change{
		{"other processes", true, each(func(op *history.Op) { op.Process = op.Process*7 + 3 })},
		{"other keys", true, each(func(op *history.Op) {
			if op.Key != "" {
				op.Key = "other " + op.Key
			}
			op.Value = regexp.MustCompile(`"k\d`).ReplaceAllFunc(op.Value, func(k []byte) []byte { return append([]byte(`"other `), k[1:]...) })
		})},
		{"other values", true, renameValues},
		{"another time", true, each(func(op *history.Op) { op.Time += time.Hour })},
		{"other spaces", true, each(func(op *history.Op) {
			op.Value = json.RawMessage(strings.ReplaceAll(strings.ReplaceAll(string(op.Value), ",", " ,\n "), "[", "[ "))
		})},
		{"without what failed", false, dropFailed},
		{"an operation that nobody saw", false, addUnseen},
		{"wider intervals", false, widen},
		{"outcomes forgotten", false, forget},
	}
}

// Without this test a checker could hang on what does not matter.
func TestWhatDoesNotMatter(t *testing.T) {
	for i, rel := range relations() {
		for _, c := range changes() {
			t.Run(fmt.Sprintf("%s/%d/%s", rel.name, i, c.name), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) { hold(rt, t, rel, c, rapid.Uint64().Draw(rt, "seed")) })
			})
		}
	}
}

func hold(rt *rapid.T, t *testing.T, rel relation, c change, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	h := rel.make(t, rng)
	other := c.make(t, rng, rel, h)
	if err := other.Validate(); err != nil {
		rt.Fatalf("the change made an impossible history: %v", err)
	}
	before, after := rel.checker.Check(context.Background(), h), rel.checker.Check(context.Background(), other)
	if c.same && before.Verdict != after.Verdict || before.Verdict != checkers.Violation && after.Verdict == checkers.Violation {
		rt.Fatalf("%v %v\nbecomes\n%v %v\n%s\nbecomes\n%s", before.Verdict, before.Says, after.Verdict, after.Says, text(h), text(other))
	}
}

func each(alter func(op *history.Op)) func(testing.TB, *rand.Rand, relation, *history.History) *history.History {
	return func(_ testing.TB, _ *rand.Rand, _ relation, h *history.History) *history.History {
		return changed(h, func(ops []history.Op) {
			for i := range ops {
				alter(&ops[i])
			}
		})()
	}
}

var digits = regexp.MustCompile(`\d+`)

func renameValues(tb testing.TB, rng *rand.Rand, r relation, h *history.History) *history.History {
	if !r.opaque {
		return h
	}
	return each(func(op *history.Op) {
		op.Value = digits.ReplaceAllFunc(op.Value, func(d []byte) []byte {
			n, _ := strconv.Atoi(string(d))
			if n%2 == 0 {
				return fmt.Appendf(nil, `"value %d"`, n)
			}
			return fmt.Appendf(nil, "%d", 10_000_000_000+n)
		})
	})(tb, rng, r, h)
}

// renumber gives events their places anew.
func renumber(ops []history.Op) *history.History {
	for i := range ops {
		ops[i].Index, ops[i].Time = i, time.Duration(i)*time.Microsecond
	}
	return history.New(ops)
}

func dropFailed(_ testing.TB, _ *rand.Rand, _ relation, h *history.History) *history.History {
	drop := make(map[int]bool)
	for _, o := range h.Operations() {
		if o.Type() == history.Fail {
			drop[o.Invoke.Index], drop[o.Complete.Index] = true, true
		}
	}
	return renumber(slices.DeleteFunc(slices.Clone(h.Ops), func(op history.Op) bool { return drop[op.Index] }))
}

func addUnseen(_ testing.TB, rng *rand.Rand, r relation, h *history.History) *history.History {
	op := history.Op{Process: 123_456_789, F: r.f, Key: r.key, Value: json.RawMessage(r.value)}
	end := op
	end.Type = history.Fail
	if rng.IntN(2) == 0 {
		end.Type = history.Info
	}
	at := rng.IntN(len(h.Ops) + 1)
	ops := slices.Insert(slices.Clone(h.Ops), at, op)
	return renumber(slices.Insert(ops, at+1+rng.IntN(len(ops)-at), end))
}

// widen lets some invocations come before completions that they came after.
func widen(_ testing.TB, rng *rand.Rand, _ relation, h *history.History) *history.History {
	ops := slices.Clone(h.Ops)
	for range 1 + rng.IntN(2*len(ops)) {
		i := rng.IntN(len(ops))
		if i == 0 || ops[i].Process == ops[i-1].Process || ops[i].Type != history.Invoke || ops[i-1].Type == history.Invoke {
			continue
		}
		ops[i-1], ops[i] = ops[i], ops[i-1]
	}
	return renumber(ops)
}

// forget makes outcomes unknown; a client whose operation is unknown goes on as
// another process. Of a set the last word is taken, which must not become another.
func forget(_ testing.TB, rng *rand.Rand, r relation, h *history.History) *history.History {
	ops, now := slices.Clone(h.Ops), map[int]int{}
	for i := range ops {
		op := &ops[i]
		client := op.Process
		op.Process += 10_000_000_000 * now[client]
		if op.Type == history.OK && rng.IntN(4) == 0 && !(r.name == "set" && op.F == fRead) {
			op.Type, op.Value = history.Info, nil
			now[client]++
		}
	}
	return renumber(ops)
}

// TestForgettingMakesNoOtherKind: of a history with one fault, whatever outcomes
// are forgotten, a check finds that fault or none, and never one of another kind
// but where that is what is still known of it.
func TestForgettingMakesNoOtherKind(t *testing.T) {
	rightly := map[string]string{
		"set-full/stale":        "lost",      // nobody knows any more that it came back
		"total-queue/duplicate": "reordered", // the first of the two times is forgotten
	}
	found, rng := 0, rand.New(rand.NewPCG(1, 9))
	for _, m := range mutants(t, 1_000) {
		bad := m.bad()
		before := m.checker.Check(context.Background(), bad)
		for range 20 {
			other := forget(t, rng, relation{}, bad)
			after := m.checker.Check(context.Background(), other)
			for _, f := range after.Findings {
				found++
				if before.Counts[f.Kind] == 0 && rightly[m.name] != f.Kind {
					t.Errorf("%s: %v\nbecomes %s, which it was not:\n%v", m.name, before.Says, f.Kind, after.Says)
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d were still found: nothing was tried", found)
	}
}

// Histories come from anywhere: whatever is in them, no checker may break, run
// for ever or be silent.
func TestOddValues(t *testing.T) {
	fs := []string{"add", "read", "write", "enqueue", "dequeue", "drain", "generate", "transfer", "insert", "leader", "send", "poll", "txn", "assign", "subscribe", "cas", "read-init"}
	piece := []string{"{", "}", "[", "]", ",", ":", `"a"`, `"send"`, `"poll"`, `"r"`, `"w"`, "1", "0", "-7", "null", "1.5", "1e3", " ", `"`, `\`, "9999999999999999999",
		`["send",0,[0,1]]`, `["poll",{"0":[[0,1]]}]`, `{"val":1,"sts":"1"}`, `{"from":0,"to":1,"amount":5}`, `{"0":1}`, "[1,2]", `{"value":1,"version":2}`, `{"term":1,"leader":"a"}`}
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		value := func() string {
			var b strings.Builder
			for range rng.IntN(5) {
				b.WriteString(piece[rng.IntN(len(piece))])
			}
			return b.String()
		}
		w := &tape{}
		w.interleave(rng, 1+rng.IntN(12), 3, func(process, _ int) {
			w.begin(process, fs[rng.IntN(len(fs))], []string{"", "k"}[rng.IntN(2)], value())
			w.ops[len(w.ops)-1].Final = rng.IntN(3) == 0
		}, func(process, _ int) history.Type {
			as := anyEnd(rng)
			w.end(process, as, value())
			return as
		})
		h := w.history(t)
		for name, build := range makers() {
			if r := build(&datadriven.TestData{}).Check(context.Background(), h); len(r.Says) == 0 || r.Check != name {
				rt.Fatalf("%s: %+v", name, r)
			}
		}
	})
}
