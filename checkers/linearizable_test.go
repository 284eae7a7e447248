package checkers

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// small are the kinds of histories on which every verdict is compared.
func small() map[string]shape {
	return map[string]shape{
		"unique":            {processes: 3, operations: 8, cas: 20, info: 25, lies: 40},
		"unique, cas":       {processes: 4, operations: 9, cas: 70, info: 25, lies: 70},
		"unique, few lies":  {processes: 4, operations: 9, cas: 40, info: 35, lies: 20},
		"unique, no info":   {processes: 4, operations: 9, cas: 30, lies: 15},
		"unique, many info": {processes: 3, operations: 10, cas: 40, info: 45, lies: 90},
		"few values":        {processes: 3, operations: 7, values: 3, cas: 30, info: 20, lies: 15},
	}
}

// TestReductionIsExact compares the verdict on reduced histories with
// porcupine's on the same histories as they are: the proof in reduce's comment,
// tried out. A reduction that drops or closes too much makes a false alarm or
// misses a violation.
func TestReductionIsExact(t *testing.T) {
	const each = 8000
	for name, s := range small() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[Verdict]int{}
			reducible := 0
			for seed := range uint64(each) {
				h := randomHistory(rand.New(rand.NewPCG(seed, uint64(len(name)))), s)
				r := registers(h, linearizable{model: model{cas: true}}, null)[0]
				want, _ := search(context.Background(), r.accesses)
				got, _ := judge(context.Background(), r.accesses)
				if got != want {
					t.Fatalf("seed %d: reduced %v, as it is %v\n%s", seed, got, want, dump(h))
				}
				seen[got]++
				if unique(r.accesses) && len(reduce(r.accesses)) < len(r.accesses) {
					reducible++
				}
			}
			t.Logf("%v, %d of them shorter when reduced", seen, reducible)
			if seen[Valid] < each/20 || seen[Violation] < each/20 {
				t.Errorf("%v: the histories do not try both verdicts", seen)
			}
			if s.info > 0 && s.values == 0 && reducible < each/20 {
				t.Errorf("only %d histories were reduced", reducible)
			}
		})
	}
}

// TestPatternsAreSound compares the patterns with porcupine: what they call a
// contradiction must be one, in the whole history and in the core alone, and
// the core must be closed. Otherwise glance would throw it away and nobody
// would notice that the pattern is wrong.
func TestPatternsAreSound(t *testing.T) {
	const each = 8000
	found := map[pattern]int{}
	missed, violations := 0, 0
	for name, s := range small() {
		for seed := range uint64(each) {
			h := randomHistory(rand.New(rand.NewPCG(seed, uint64(len(name)))), s)
			r := registers(h, linearizable{model: model{cas: true}}, null)[0]
			if !unique(r.accesses) {
				continue
			}
			want, _ := search(context.Background(), r.accesses)
			reduced := reduce(r.accesses)
			cs := contradictions(reduced, func(*access) int { return 0 })
			for _, c := range cs {
				found[c.pattern]++
				c.complete(r.accesses, reduced)
				if core, _ := search(context.Background(), c.core); core != Violation || want != Violation {
					t.Fatalf("%s, seed %d: pattern %d; the history is %v, the core %v\n%s\n%v", name, seed, c.pattern, want, core, dump(h), c.core)
				}
			}
			if want == Violation {
				violations++
				if len(cs) == 0 {
					missed++
				}
			}
		}
	}
	t.Logf("patterns found: %v; %d of %d violations fit none", found, missed, violations)
	for _, p := range []pattern{garbage, future, twice, stale, both} {
		if found[p] < 20 {
			t.Errorf("pattern %d was found only %d times", p, found[p])
		}
	}
	// The rest are chains of compare-and-sets out of order.
	if missed > violations/4 {
		t.Errorf("%d of %d violations fit no pattern", missed, violations)
	}
}

// TestWithoutCASPatternsAreComplete: reads and writes alone always clash in a
// pattern if they are not linearizable (Gibbons and Korach), so there every
// violation has a good explanation.
func TestWithoutCASPatternsAreComplete(t *testing.T) {
	violations := 0
	for seed := range uint64(10000) {
		h := randomHistory(rand.New(rand.NewPCG(seed, 77)), shape{processes: 4, operations: 9, info: 20, lies: 25})
		r := registers(h, linearizable{}, null)[0]
		verdict, _ := judge(context.Background(), r.accesses)
		found := contradictions(reduce(r.accesses), func(*access) int { return 0 })
		if verdict == Violation != (len(found) > 0) {
			t.Fatalf("seed %d: %v, but %d patterns\n%s", seed, verdict, len(found), dump(h))
		}
		violations += len(found)
	}
	if violations < 1000 {
		t.Errorf("only %d violations were tried", violations)
	}
}

// TestShrink: what shrink returns is a violation, stays one within the whole
// history, and nothing can be struck out of it.
func TestShrink(t *testing.T) {
	ctx := context.Background()
	tried := 0
	for name, s := range small() {
		s.operations = 20
		for seed := range uint64(150) {
			h := randomHistory(rand.New(rand.NewPCG(seed, 5)), s)
			r := registers(h, linearizable{model: model{cas: true}}, null)[0]
			if verdict, _ := judge(ctx, r.accesses); verdict != Violation {
				continue
			}
			tried++
			core := shrink(ctx, r.accesses)
			if verdict, _ := judge(ctx, core); verdict != Violation {
				t.Fatalf("%s, seed %d: the core is %v\n%s", name, seed, verdict, dump(h))
			}
			for i := range core {
				if verdict, _ := judge(ctx, without(core, i, i+1)); verdict == Violation {
					t.Errorf("%s, seed %d: %d operations, but #%d can go\n%s", name, seed, len(core), core[i].call, dump(h))
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d violations were shrunk", tried)
	}
}

// TestWithoutNeverMakesAViolation: what is struck out of a linearizable history
// leaves a linearizable one; on this rest shrinking and cores.
func TestWithoutNeverMakesAViolation(t *testing.T) {
	ctx := context.Background()
	for name, s := range small() {
		s.lies, s.operations = 0, 10
		for seed := range uint64(1500) {
			rng := rand.New(rand.NewPCG(seed, 6))
			r := registers(randomHistory(rng, s), linearizable{model: models()[1]}, null)[0]
			from := rng.IntN(len(r.accesses) + 1)
			to := from + rng.IntN(len(r.accesses)-from+1)
			left := without(r.accesses, from, to)
			if verdict, _ := search(ctx, left); verdict != Valid {
				t.Fatalf("%s, seed %d: %v after striking out %d to %d", name, seed, verdict, from, to)
			}
		}
	}
}

// dump writes a history for a failing test's reader.
func dump(h *history.History) string {
	var b strings.Builder
	for _, op := range h.Ops {
		fmt.Fprintf(&b, "#%d %v p%d %v %s %s %s\n", op.Index, op.Time, op.Process, op.Type, op.F, op.Key, op.Value)
	}
	return b.String()
}

// judgeHistory is the linearizable checker's verdict on cas-registers.
func judgeHistory(h *history.History) Result {
	return linearizable{model: model{name: "cas-register", cas: true}}.Check(context.Background(), h)
}

// TestMetamorphic: what cannot make a right history wrong must not: other names,
// another time of day, a failed operation less, a crashed one more. And what
// only renames must not make a wrong history right either.
func TestMetamorphic(t *testing.T) {
	changes := map[string]struct {
		change func(*rapid.T, *history.History) *history.History
		same   bool
	}{
		"rename processes":         {renameProcesses, true},
		"rename keys":              {renameKeys, true},
		"rename values":            {renameValues, true},
		"shift time":               {shiftTime, true},
		"drop a failed operation":  {dropFailed, true},
		"drop a read":              {dropRead, false},
		"add a crashed write":      {addCrashed, true},
		"lose a completion's type": {forgetResult, false},
	}
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			verdicts := map[Verdict]int{}
			rapid.Check(t, func(t *rapid.T) {
				s := shape{processes: 4, operations: 25, keys: 2, cas: 25, info: 15, values: rapid.SampledFrom([]int{0, 0, 4}).Draw(t, "values")}
				if rapid.Bool().Draw(t, "lying") { // an even chance, so that both verdicts come for sure
					s.lies = 4
				}
				h := randomHistory(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), s)
				before := judgeHistory(h).Verdict
				changed := c.change(t, clone(h))
				if err := changed.Validate(); err != nil {
					t.Fatalf("the test broke the history: %v", err)
				}
				after := judgeHistory(changed)
				verdicts[before]++
				if before == Valid && after.Verdict == Violation || c.same && before != after.Verdict {
					t.Fatalf("%v became %v: %v\n%s\n%s", before, after.Verdict, after.Says, dump(h), dump(changed))
				}
			})
			// A short run draws too few to be sure of both.
			if !testing.Short() && (verdicts[Valid] == 0 || verdicts[Violation] == 0) {
				t.Errorf("%v: not both verdicts were tried", verdicts)
			}
		})
	}
}

func renameProcesses(t *rapid.T, h *history.History) *history.History {
	by := rapid.IntRange(1, 1000).Draw(t, "by")
	for i := range h.Ops {
		h.Ops[i].Process = 7*h.Ops[i].Process + by
	}
	return h
}

func renameKeys(_ *rapid.T, h *history.History) *history.History {
	for i := range h.Ops {
		h.Ops[i].Key = "a/" + h.Ops[i].Key + `<"ä`
	}
	return h
}

// renameValues makes objects, strings and numbers of the numbers, but leaves
// null, the initial value.
func renameValues(t *rapid.T, h *history.History) *history.History {
	as := rapid.SampledFrom([]string{`"v%s"`, `{"b": %s, "a": [1.0]}`, `[%s, "x"]`, `-%s`, `%s.5`}).Draw(t, "as")
	rename := func(v json.RawMessage) json.RawMessage {
		if len(v) == 0 || string(v) == "null" {
			return v
		}
		return json.RawMessage(fmt.Sprintf(as, v))
	}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.F != "cas" {
			op.Value = rename(op.Value)
			continue
		}
		var values []json.RawMessage // with what it found, if it says so
		if err := json.Unmarshal(op.Value, &values); err != nil {
			t.Fatal(err)
		}
		for i := range values {
			values[i] = rename(values[i])
		}
		op.Value, _ = json.Marshal(values) // of JSON
	}
	return h
}

func shiftTime(t *rapid.T, h *history.History) *history.History {
	shift, stretch := rapid.Int64Range(0, 1e12).Draw(t, "shift"), rapid.Int64Range(0, 3).Draw(t, "stretch")
	for i := range h.Ops {
		h.Ops[i].Time = h.Ops[i].Time*1*timeOf(stretch) + timeOf(shift)
	}
	return h
}

func dropFailed(t *rapid.T, h *history.History) *history.History {
	return dropOne(t, h, func(o history.Operation) bool { return o.Type() == history.Fail && foundBy(o) == nil })
}

func dropRead(t *rapid.T, h *history.History) *history.History {
	return dropOne(t, h, func(o history.Operation) bool { return o.Invoke.F == "read" || foundBy(o) != nil })
}

func dropOne(t *rapid.T, h *history.History, which func(history.Operation) bool) *history.History {
	var candidates []history.Operation
	for _, o := range h.Operations() {
		if which(o) {
			candidates = append(candidates, o)
		}
	}
	if len(candidates) == 0 {
		return h
	}
	gone := rapid.SampledFrom(candidates).Draw(t, "gone")
	return renumbered(slices.DeleteFunc(slices.Clone(h.Ops), func(op history.Op) bool {
		return op.Index == gone.Invoke.Index || gone.Complete != nil && op.Index == gone.Complete.Index
	}))
}

func addCrashed(t *rapid.T, h *history.History) *history.History {
	at := rapid.IntRange(0, len(h.Ops)).Draw(t, "at")
	op := history.Op{Process: 100000, F: "write", Key: h.Ops[0].Key, Value: json.RawMessage("99999")}
	if at > 0 {
		op.Time = h.Ops[at-1].Time
	}
	crashed := op
	crashed.Type, crashed.Error = history.Info, "crashed"
	return renumbered(slices.Insert(slices.Clone(h.Ops), at, op, crashed))
}

// forgetResult makes an acknowledged operation one with an unknown result.
func forgetResult(t *rapid.T, h *history.History) *history.History {
	var acknowledged []int
	for _, o := range h.Operations() {
		if o.Type() == history.OK {
			acknowledged = append(acknowledged, o.Complete.Index)
		}
	}
	if len(acknowledged) == 0 {
		return h
	}
	at := rapid.SampledFrom(acknowledged).Draw(t, "forgotten")
	process := h.Ops[at].Process
	h.Ops[at].Type, h.Ops[at].Value = history.Info, nil
	for i := at + 1; i < len(h.Ops); i++ {
		if h.Ops[i].Process == process {
			h.Ops[i].Process = 100000
		}
	}
	return h
}

func renumbered(ops []history.Op) *history.History {
	for i := range ops {
		ops[i].Index = i
	}
	return history.New(ops)
}

func timeOf(n int64) time.Duration { return time.Duration(n) }

// Small keys are judged before large ones may take all the time; of those of about
// one size, neighbours in the history stay neighbours.
func TestSmallestFirst(t *testing.T) {
	var keys []*judgement
	for _, key := range []struct {
		name string
		size int
	}{{"large", 1000}, {"a", 15}, {"tiny", 1}, {"b", 9}, {"c", 12}, {"larger", 1001}} {
		keys = append(keys, &judgement{register: &register{key: key.name, at: make([]int32, key.size)}})
	}
	smallestFirst(keys)
	var got []string
	for _, k := range keys {
		got = append(got, k.key)
	}
	if want := "tiny a b c large larger"; strings.Join(got, " ") != want {
		t.Errorf("judged in the order %q, want %q", got, want)
	}
}
