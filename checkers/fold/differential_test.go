package fold

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// This file compares checkers that claim to be exact with others that follow
// the definition word by word, on small random histories with unknown outcomes,
// failures and duplicates. SHAKEDOWN_DIFFERENTIAL=1000000 makes it that many
// histories for each.

func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("SHAKEDOWN_DIFFERENTIAL")); err == nil {
		return n
	}
	return 10_000
}

// A difference compares the kinds of violation that a checker counts with those
// that a definition finds.
type difference struct {
	name    string
	checker checkers.Checker
	make    func(rng *rand.Rand) *tape
	kinds   []string
	define  func(ops []history.Operation) map[string]bool
}

func TestAgainstTheDefinition(t *testing.T) {
	for i, d := range append(simpleDifferences(), []difference{
		{"set-full", SetFull(SetFullOptions{Linearizable: true}), randomSet, []string{"lost", "stale", "duplicate", "unexpected", "aborted"}, defineSetFull},
		{"causal-reverse", CausalReverse(), randomWrites, []string{"reversed"}, defineReversed},
		{"fifo", TotalQueue(TotalQueueOptions{FIFO: true, Once: true}), randomQueue, []string{"reordered", "duplicated", "lost"}, defineFIFO},
		{"counter", Counter(CounterOptions{Realtime: true, Session: true}), randomCounter, []string{"out-of-bounds", "back", "back-in-session"}, defineCounter},
		{"long-fork", LongFork(), randomForks, []string{"fork"}, defineForks},
		{"session", Session(), randomRegisters, []string{"session"}, defineSession(allGuarantees())},
		{"read-your-writes", Session(ReadYourWrites), randomRegisters, []string{"session"}, defineSession([4]bool{true})},
		{"monotonic-reads", Session(MonotonicReads), randomRegisters, []string{"session"}, defineSession([4]bool{false, true})},
		{"monotonic-writes", Session(MonotonicWrites), randomRegisters, []string{"session"}, defineSession([4]bool{false, false, true})},
		{"writes-follow-reads", Session(WritesFollowReads), randomRegisters, []string{"session"}, defineSession([4]bool{false, false, false, true})},
		{"log", Log(LogOptions{}), randomLog, []string{"inconsistent-offsets", "duplicate", "lost-write", "unexpected", "g1a", "poll-skip",
			"nonmonotonic-poll", "int-poll-skip", "int-nonmonotonic-poll", "nonmonotonic-send"}, defineLog},
		{"causal", Causal(), randomRegisters, []string{"overwritten"}, defineCausal},
	}...) {
		t.Run(d.name, func(t *testing.T) { d.compare(t, rand.New(rand.NewPCG(uint64(i), 11))) })
	}
}

func allGuarantees() [4]bool { return [4]bool{true, true, true, true} }

func (d difference) compare(t *testing.T, rng *rand.Rand) {
	hits, clean := make(map[string]int), 0
	for range rounds() {
		h := d.make(rng).history(t)
		r := d.checker.Check(context.Background(), h)
		want := d.define(h.Operations())
		for _, kind := range d.kinds {
			if want[kind] != (r.Counts[kind] > 0) {
				t.Fatalf("%s: the definition says %v, the checker %v %v %v\n%s", kind, want[kind], r.Verdict, r.Says, r.Counts, text(h))
			}
			if want[kind] {
				hits[kind]++
			}
		}
		if len(want) == 0 {
			clean++
		}
	}
	for _, kind := range d.kinds {
		if hits[kind] < rounds()/2000 || clean < rounds()/100 {
			t.Errorf("%s was found %d times, nothing %d times: the histories are too much of one kind", kind, hits[kind], clean)
		}
	}
}

func text(h *history.History) string {
	var b strings.Builder
	for _, op := range h.Ops {
		fmt.Fprintf(&b, "%d p%d %v %s %s %s\n", op.Index, op.Process, op.Type, op.F, op.Key, op.Value)
	}
	return b.String()
}

// anyEnd draws how an operation that changes something ends.
func anyEnd(rng *rand.Rand) history.Type {
	switch rng.IntN(8) {
	case 0:
		return history.Info
	case 1:
		return history.Fail
	}
	return history.OK
}

// randomArray draws some of the numbers below n, seldom one twice.
func randomArray(rng *rand.Rand, n int) string {
	var some []int
	for i := range n {
		if rng.IntN(3) > 0 {
			some = append(some, i)
		}
	}
	if len(some) > 0 && rng.IntN(12) == 0 {
		some = append(some, some[0])
	}
	rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return list(some)
}

func randomSet(rng *rand.Rand) *tape { return randomArrays(rng, fAdd) }

func randomWrites(rng *rand.Rand) *tape { return randomArrays(rng, fWrite) }

func randomArrays(rng *rand.Rand, f string) *tape {
	t := &tape{}
	t.interleave(rng, 2+rng.IntN(7), 3, func(process, i int) {
		if rng.IntN(2) == 0 {
			t.begin(process, fRead, "", "")
			return
		}
		t.begin(process, f, "", strconv.Itoa(rng.IntN(4)))
	}, func(process, _ int) history.Type {
		if t.open[process].F == fRead {
			t.end(process, history.OK, randomArray(rng, 4))
			return history.OK
		}
		as := anyEnd(rng)
		t.end(process, as, "")
		return as
	})
	return t
}

func randomCounter(rng *rand.Rand) *tape {
	t := &tape{}
	least := rng.IntN(2) - 1
	t.interleave(rng, 2+rng.IntN(7), 3, func(process, i int) {
		if rng.IntN(2) == 0 {
			t.begin(process, fRead, "", "")
			return
		}
		t.begin(process, fAdd, "", strconv.Itoa(least+rng.IntN(3)))
	}, func(process, _ int) history.Type {
		as, got := history.OK, ""
		if t.open[process].F == fRead {
			got = strconv.Itoa(rng.IntN(4))
		} else {
			as = anyEnd(rng)
		}
		t.end(process, as, got)
		return as
	})
	return t
}

func randomForks(rng *rand.Rand) *tape {
	t := &tape{}
	for k := range 3 {
		t.do(9, fWrite, "", fmt.Sprintf(`[["w",%d,1]]`, k), "")
	}
	for range rng.IntN(4) {
		b := []byte("[")
		for k := range 3 {
			if rng.IntN(5) == 0 {
				continue
			}
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `["r",%d,%s]`, k, [3]string{"null", "1", "1"}[rng.IntN(3)])
		}
		t.do(rng.IntN(3), fRead, "", "", string(append(b, ']')))
	}
	return t
}

func randomRegisters(rng *rand.Rand) *tape {
	t := &tape{}
	written := make(map[string][]string)
	keys := 1 + rng.IntN(2)
	t.interleave(rng, 2+rng.IntN(6), 3, func(process, i int) {
		key := "k" + strconv.Itoa(rng.IntN(keys))
		if rng.IntN(5) < 3 {
			t.begin(process, fRead, key, "")
			return
		}
		written[key] = append(written[key], strconv.Itoa(i))
		t.begin(process, fWrite, key, strconv.Itoa(i))
	}, func(process, _ int) history.Type {
		op := t.open[process]
		if op.F == fWrite {
			as := history.OK
			if rng.IntN(8) == 0 {
				as = history.Info
			}
			t.end(process, as, "")
			return as
		}
		got := ""
		if n := rng.IntN(len(written[op.Key]) + 1); n > 0 {
			got = written[op.Key][n-1]
		}
		t.end(process, history.OK, got)
		return history.OK
	})
	return t
}

// numbers reads a JSON array of integers.
func numbers(o history.Operation) []int {
	var all []int
	for s := range strings.SplitSeq(strings.Trim(string(o.Complete.Value), "[]"), ",") {
		if n, err := strconv.Atoi(s); err == nil {
			all = append(all, n)
		}
	}
	return all
}

func count(all []int, n int) int {
	c := 0
	for _, x := range all {
		if x == n {
			c++
		}
	}
	return c
}

// putting returns the operations f of a value that did not fail, and those that did.
func putting(ops []history.Operation, f string, value int) (may, failed []history.Operation) {
	for _, o := range ops {
		if o.Invoke.F != f || string(o.Invoke.Value) != strconv.Itoa(value) {
			continue
		}
		if o.Type() == history.Fail {
			failed = append(failed, o)
		} else {
			may = append(may, o)
		}
	}
	return may, failed
}

// strange says whether a value that was seen is unexpected, or only tried in vain.
func strangely(ops []history.Operation, f string, value int, seen history.Operation) string {
	may, failed := putting(ops, f, value)
	earlier := func(o history.Operation) bool { return call(o) < ret(seen) }
	switch {
	case slices.ContainsFunc(may, earlier):
		return ""
	case slices.ContainsFunc(failed, earlier):
		return "aborted"
	}
	return "unexpected"
}

func defineSetFull(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	reads := oks(ops, fRead)
	for e := range 4 {
		may, _ := putting(ops, fAdd, e)
		known := open
		for _, o := range may {
			known = min(known, ret(o))
		}
		odd := false
		for _, r := range reads {
			if n := count(numbers(r), e); n > 0 {
				known = min(known, ret(r))
				if n > 1 {
					found["duplicate"] = true
				}
				if s := strangely(ops, fAdd, e, r); s != "" {
					odd = true
				}
			}
		}
		if odd {
			first := slices.MinFunc(slices.DeleteFunc(slices.Clone(reads), func(r history.Operation) bool { return count(numbers(r), e) == 0 }), compareEnds)
			if s := strangely(ops, fAdd, e, first); s != "" {
				found[s] = true
				continue
			}
		}
		if len(may) > 0 {
			defineElement(reads, e, known, call(may[0]), found)
		}
	}
	return found
}

// defineElement says what became of an element.
func defineElement(reads []history.Operation, e, known, called int, found map[string]bool) {
	present, absent := -1, -1
	for _, r := range reads {
		if count(numbers(r), e) > 0 {
			present = max(present, call(r))
		} else if call(r) > called {
			absent = max(absent, call(r))
		}
	}
	switch {
	case absent <= known:
	case present > absent:
		found["stale"] = true
	default:
		found["lost"] = true
	}
}

func defineReversed(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	for _, r := range oks(ops, fRead) {
		for _, v := range numbers(r) {
			may, _ := putting(ops, fWrite, v)
			if strangely(ops, fWrite, v, r) != "" {
				continue
			}
			for w := range 4 {
				before, _ := putting(ops, fWrite, w)
				acked := slices.ContainsFunc(before, func(o history.Operation) bool { return ret(o) < call(may[0]) })
				if acked && count(numbers(r), w) == 0 {
					found["reversed"] = true
				}
			}
		}
	}
	return found
}

func defineCounter(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	reads := oks(ops, fRead)
	value := func(o history.Operation) int { n, _ := strconv.Atoi(string(o.Value())); return n }
	negative := slices.ContainsFunc(ops, func(o history.Operation) bool {
		return o.Invoke.F == fAdd && o.Type() != history.Fail && value(o) < 0
	})
	for _, r := range reads {
		low, high := 0, 0
		for _, o := range ops {
			if o.Invoke.F != fAdd || o.Type() == history.Fail {
				continue
			}
			certain, possible := ret(o) < call(r), call(o) < ret(r)
			if certain || possible && value(o) < 0 {
				low += value(o)
			}
			if certain || possible && value(o) > 0 {
				high += value(o)
			}
		}
		if value(r) < low || value(r) > high {
			found["out-of-bounds"] = true
		}
		for _, before := range reads {
			if negative || ret(before) > call(r) || value(before) <= value(r) {
				continue
			}
			found["back"] = true
			if before.Invoke.Process == r.Invoke.Process {
				found["back-in-session"] = true
			}
		}
	}
	return found
}

func defineForks(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	seen := func(o history.Operation) (keys string, there map[string]bool) {
		there = make(map[string]bool)
		for _, m := range micros(o.Complete.Value) {
			keys += string(m.key)
			if !isNull(m.value) {
				there[string(m.key)] = true
			}
		}
		return keys, there
	}
	reads := oks(ops, fRead)
	for _, a := range reads {
		for _, b := range reads {
			ka, sa := seen(a)
			kb, sb := seen(b)
			if ka != kb {
				continue
			}
			for x := range sa {
				for y := range sb {
					if !sb[x] && !sa[y] {
						found["fork"] = true
					}
				}
			}
		}
	}
	return found
}
