package fold

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

var million = flag.Bool("million", false, "plant faults in histories of 100 000 and of 1 000 000 operations as well")

// A mutant is a good history with one planted fault.
type mutant struct {
	name    string
	checker checkers.Checker
	good    *history.History
	bad     func() *history.History // made when it is needed: it may be large
	kind    string                  // under which the fault must be counted
	planted []int                   // events that must be in the evidence
}

// Without this test a checker could be right about three operations and blind
// among many.
func TestPlantedFaultsAreFound(t *testing.T) {
	sizes := []int{1_000, 30_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	if *million {
		sizes = append(sizes, 100_000, 1_000_000)
	}
	for _, n := range sizes {
		for _, family := range families() {
			for _, m := range family(t, n) {
				t.Run(fmt.Sprintf("%s/%d", m.name, n), func(t *testing.T) { m.run(t) })
			}
		}
	}
}

func (m mutant) run(t *testing.T) {
	if r := m.checker.Check(context.Background(), m.good); r.Verdict != checkers.Valid {
		t.Fatalf("without the fault it is %v: %v", r.Verdict, r.Says)
	}
	bad := m.bad()
	if err := bad.Validate(); err != nil {
		t.Fatal(err)
	}
	r := m.checker.Check(context.Background(), bad)
	if r.Verdict != checkers.Violation || r.Counts[m.kind] == 0 {
		t.Fatalf("%v, but no %s: %v %v", r.Verdict, m.kind, r.Says, r.Counts)
	}
	for _, at := range m.planted {
		if _, found := slices.BinarySearch(r.Evidence, at); !found {
			t.Errorf("event %d was planted and is not in the evidence %v: %v", at, r.Evidence[:min(len(r.Evidence), 20)], r.Says)
		}
	}
}

func families() []func(testing.TB, int) []mutant {
	return []func(testing.TB, int) []mutant{
		setMutants, queueMutants, countMutants, bankMutants, registerMutants, orderMutants, logMutants, timeMutants,
	}
}

func mutants(t testing.TB, n int) []mutant {
	var all []mutant
	for _, family := range families() {
		all = append(all, family(t, n)...)
	}
	return all
}

func without(elements []int, lost int) []int {
	return slices.DeleteFunc(slices.Clone(elements), func(e int) bool { return e == lost })
}

func setMutants(t testing.TB, n int) []mutant {
	reads := min(50, n/10)
	good, adds := setHistory(t, n, reads, nil)
	last := len(good.Ops) - 1
	lost := find(t, good, func(op history.Op) bool { return op.F == fAdd && op.Type == history.OK })
	e, _ := strconv.Atoi(string(good.Ops[lost].Value))
	other := func(mutate func(read int, elements []int) []int) func() *history.History {
		return func() *history.History { h, _ := setHistory(t, n, reads, mutate); return h }
	}
	gone := other(func(_ int, elements []int) []int { return without(elements, e) })
	late := other(func(read int, elements []int) []int {
		if read == reads-1 {
			return without(elements, e)
		}
		return elements
	})
	twice := changed(good, func(ops []history.Op) {
		ops[last].Value = json.RawMessage(strings.Replace(string(ops[last].Value), "]", fmt.Sprintf(",%d]", e), 1))
	})
	strange := changed(good, func(ops []history.Op) {
		ops[last].Value = json.RawMessage(strings.Replace(string(ops[last].Value), "]", ",123456789]", 1))
	})
	failed := changed(good, func(ops []history.Op) { ops[lost].Type = history.Fail })
	ended := []int{adds[e][0], adds[e][1], last - 1, last}
	return []mutant{
		{"set/lost", Set(), good, gone, "lost", ended},
		{"set/phantom", Set(), good, strange, "unexpected", []int{last - 1, last}},
		{"set/aborted", Set(), good, failed, "aborted", ended},
		{"set-full/lost", SetFull(SetFullOptions{}), good, gone, "lost", ended},
		{"set-full/duplicate", SetFull(SetFullOptions{}), good, twice, "duplicate", ended},
		{"set-full/phantom", SetFull(SetFullOptions{}), good, strange, "unexpected", []int{last - 1, last}},
		{"set-full/stale", SetFull(SetFullOptions{Linearizable: true}), good, late, "stale", adds[e]},
	}
}

func queueMutants(t testing.TB, n int) []mutant {
	good := queueWorld(t, n)
	got := func(op history.Op) bool {
		return op.F == "dequeue" && op.Type == history.OK && len(op.Value) > 0 && string(op.Value) != "null"
	}
	a := find(t, good, got)
	b := slices.IndexFunc(good.Ops[a+40:], got) + a + 40
	put := slices.IndexFunc(good.Ops, func(op history.Op) bool { return op.F == fEnqueue && string(op.Value) == string(good.Ops[a].Value) })
	last := len(good.Ops) - 1
	lost := changed(good, func(ops []history.Op) { ops[a].Value = json.RawMessage("null") })
	twice := changed(good, func(ops []history.Op) { ops[b].Value = ops[a].Value })
	strange := changed(good, func(ops []history.Op) { ops[a].Value = json.RawMessage("123456789") })
	swapped := changed(good, func(ops []history.Op) { ops[a].Value, ops[b].Value = ops[b].Value, ops[a].Value })
	exact := TotalQueue(TotalQueueOptions{Once: true, FIFO: true})
	return []mutant{
		{"total-queue/lost", exact, good, lost, "lost", []int{put, last - 1, last}},
		{"total-queue/duplicate", exact, good, twice, "duplicated", []int{put, a, b}},
		{"total-queue/phantom", exact, good, strange, "unexpected", []int{invocation(good, a), a}},
		{"total-queue/reordered", exact, good, swapped, "reordered", []int{a, b}},
	}
}

func countMutants(t testing.TB, n int) []mutant {
	ids := simpleWorld(t, n, "generate", func(int) string { return "" }, strconv.Itoa)
	same := changed(ids, func(ops []history.Op) { ops[len(ops)/2|1].Value = ops[1].Value })
	counter := counterWorld(t, n)
	read := find(t, counter, func(op history.Op) bool { return op.F == fRead && op.Type == history.OK })
	high := changed(counter, func(ops []history.Op) { ops[read].Value = json.RawMessage("123456789") })
	low := changed(counter, func(ops []history.Op) { ops[read].Value = json.RawMessage("1") })
	events := []int{invocation(counter, read), read}
	return []mutant{
		{"unique-ids/duplicate", UniqueIDs(), ids, same, "duplicate", []int{0, 1, len(ids.Ops)/2 | 1}},
		{"counter/high", Counter(CounterOptions{}), counter, high, "out-of-bounds", events},
		{"counter/low", Counter(CounterOptions{}), counter, low, "out-of-bounds", events},
		{"counter/back", Counter(CounterOptions{Realtime: true}), counter, low, "back", events},
	}
}

func bankMutants(t testing.TB, n int) []mutant {
	good := bankWorld(t, n)
	read := find(t, good, func(op history.Op) bool { return op.F == fRead && op.Type == history.OK })
	wrong := changed(good, func(ops []history.Op) {
		ops[read].Value = json.RawMessage(strings.Replace(string(ops[read].Value), `"0":`, `"0":1`, 1))
	})
	moved := find(t, good, func(op history.Op) bool { return op.F == "transfer" && op.Type == history.OK })
	lost := changed(good, func(ops []history.Op) {
		begin := invocation(good, moved)
		ops[begin].Value = json.RawMessage(`{"from":0,"to":1,"amount":100000000}`)
		ops[moved].Value = ops[begin].Value
	})
	last := len(good.Ops) - 1
	return []mutant{
		{"bank/total", Bank(BankOptions{}), good, wrong, "wrong-total", []int{invocation(good, read), read}},
		{"bank/lost", Bank(BankOptions{}), good, lost, "lost-transfer", []int{last - 1, last}},
	}
}

func registerMutants(t testing.TB, n int) []mutant {
	good := registers(t, n)
	knew := make(map[string]bool)
	stale := 0
	for i, op := range good.Ops {
		at := fmt.Sprint(op.Process, op.Key)
		if i > len(good.Ops)/2 && op.F == fRead && op.Type == history.OK && knew[at] && !op.Final {
			stale = i
			break
		}
		knew[at] = knew[at] || op.Type == history.OK && len(op.Value) > 0
	}
	old := changed(good, func(ops []history.Op) { ops[stale].Value = nil })
	strange := changed(good, func(ops []history.Op) { ops[stale].Value = json.RawMessage("123456789") })
	last := len(good.Ops) - 1
	apart := changed(good, func(ops []history.Op) { ops[last].Value = json.RawMessage("123456789") })
	events := []int{invocation(good, stale), stale}
	return []mutant{
		{"session/stale", Session(), good, old, "session", events},
		{"session/phantom", Session(), good, strange, "unexpected", events},
		{"causal/stale", Causal(), good, old, "overwritten", events},
		{"causal/phantom", Causal(), good, strange, "unexpected", events},
		{"convergence/apart", Convergence(ConvergenceOptions{}), good, apart, "diverged", []int{last - 1, last}},
	}
}

func orderMutants(t testing.TB, n int) []mutant {
	forks, inserts, writes, rows := forkWorld(t, n), insertWorld(t, n), writesWorld(t, n), rowsWorld(t, n)
	forked, reads := forkReads(t, forks)
	both := find(t, inserts, func(op history.Op) bool { return op.Type == history.Fail })
	skewed := changed(inserts, func(ops []history.Op) { ops[both].Type = history.OK })
	last := len(writes.Ops) - 1
	early := writes.Ops[slices.IndexFunc(writes.Ops, func(op history.Op) bool { return op.Type == history.OK })].Value
	reversed := changed(writes, func(ops []history.Op) {
		ops[last].Value = json.RawMessage(strings.Replace(strings.Replace(string(ops[last].Value), string(early)+",", "", 1), "["+string(early)+",", "[", 1))
	})
	end := len(rows.Ops) - 1
	add := find(t, rows, func(op history.Op) bool { return op.Type == history.OK && op.F == fAdd })
	off := changed(rows, func(ops []history.Op) {
		row, _ := parseRow(ops[add].Value)
		other := fmt.Sprintf(`{"val":%d,"sts":"0.1"}`, row.val)
		ops[end].Value = json.RawMessage(strings.Replace(string(ops[end].Value), string(ops[add].Value), other, 1))
	})
	chain := simpleWorld(t, n, fRead, func(i int) string { return "k" + strconv.Itoa(i) }, func(i int) string { return `["2","1","0"]` })
	skipped := changed(chain, func(ops []history.Op) { ops[n|1].Value = json.RawMessage(`["2",null,"0"]`) })
	terms := simpleWorld(t, n, "leader", func(int) string { return "" }, func(i int) string { return fmt.Sprintf(`{"term":%d,"leader":"n%d"}`, i/10, i/10%5) })
	split := changed(terms, func(ops []history.Op) {
		ops[n|1].Value = json.RawMessage(strings.Replace(string(ops[n|1].Value), `"n`, `"m`, 1))
	})
	return []mutant{
		{"long-fork/fork", LongFork(), forks, forked, "fork", reads[:1]},
		{"write-skew/skew", WriteSkew(), inserts, skewed, "write-skew", []int{invocation(inserts, both), both}},
		{"causal-reverse/reversed", CausalReverse(), writes, reversed, "reversed", []int{last - 1, last}},
		{"monotonic/off-order", Monotonic(MonotonicOptions{}), rows, off, "off-order", []int{invocation(rows, add), add, end - 1, end}},
		{"sequential/skipped", Sequential(), chain, skipped, "skipped", []int{n | 1 - 1, n | 1}},
		{"leader/split", Leader(LeaderOptions{}), terms, split, "two-leaders", []int{n | 1 - 1, n | 1}},
	}
}

// forkReads makes two reads of one group see one key each, and not the same; it
// returns where they ended as well. (The first may clash with another read, too,
// and one clash of a read is enough.)
func forkReads(t testing.TB, h *history.History) (func() *history.History, []int) {
	t.Helper()
	byKeys := make(map[string][]int)
	for i := len(h.Ops) / 2; i < len(h.Ops); i++ {
		if op := h.Ops[i]; op.F == fRead && op.Type == history.OK {
			m := micros(op.Value)
			keys := string(m[0].key) + " " + string(m[1].key)
			byKeys[keys] = append(byKeys[keys], i)
			if both := byKeys[keys]; len(both) == 2 && !isNull(m[0].value) && !isNull(m[1].value) {
				return changed(h, func(ops []history.Op) {
					ops[both[0]].Value = fmt.Appendf(nil, `[["r",%s,null],["r",%s,%s]]`, m[0].key, m[1].key, m[1].value)
					ops[both[1]].Value = fmt.Appendf(nil, `[["r",%s,%s],["r",%s,null]]`, m[0].key, m[0].value, m[1].key)
				}), both
			}
		}
	}
	t.Fatal("no two reads to fork")
	return nil, nil
}

func logMutants(t testing.TB, n int) []mutant {
	good := logHistory(t, n, nil)
	when := n / 8
	hit := -1
	with := func(change func(got []message) []message) func() *history.History {
		return func() *history.History {
			done := false
			return logHistory(t, n, func(poll int, got []message) []message {
				if done || poll < when || len(got) < 3 {
					return got
				}
				done = true
				return change(slices.Clone(got))
			})
		}
	}
	var gone message
	lost := with(func(got []message) []message { gone = got[1]; return slices.Delete(got, 1, 2) })
	for i, op := range lost().Ops {
		if string(good.Ops[i].Value) != string(op.Value) {
			hit = i
			break
		}
	}
	twice := with(func(got []message) []message {
		return append(got, message{got[len(got)-1].offset + 1_000_000, got[0].id})
	})
	swapped := with(func(got []message) []message { got[0], got[1] = got[1], got[0]; return got })
	mixed := with(func(got []message) []message { got[0].id, got[1].id = got[1].id, got[0].id; return got })
	strange := with(func(got []message) []message { return append(got, message{got[len(got)-1].offset, 123456789}) })
	m := lastMessage(good, hit)
	sent := slices.IndexFunc(good.Ops, func(op history.Op) bool { return op.F == "send" && op.Type == history.OK && string(op.Value) == m })
	aborted := changed(good, func(ops []history.Op) { ops[sent].Type = history.Fail })
	events := []int{invocation(good, hit), hit}
	sentGone := slices.IndexFunc(good.Ops, func(op history.Op) bool {
		return op.F == "send" && op.Type == history.OK && string(op.Value) == fmt.Sprintf("[%d,%d]", gone.offset, gone.id)
	})
	if sentGone < 0 {
		t.Fatal("what was lost had not been acknowledged")
	}
	c := Log(LogOptions{})
	return []mutant{
		{"log/lost-write", c, good, lost, "lost-write", []int{sentGone - 1, sentGone}},
		{"log/skip", c, good, lost, "int-poll-skip", events},
		{"log/duplicate", c, good, twice, "duplicate", events},
		{"log/reordered", c, good, swapped, "int-nonmonotonic-poll", events},
		{"log/inconsistent", c, good, mixed, "inconsistent-offsets", events},
		{"log/phantom", c, good, strange, "unexpected", events},
		{"log/g1a", c, good, aborted, "g1a", []int{sent - 1, sent, hit}},
	}
}

// lastMessage returns the first message of a poll that ended ok and was
// acknowledged to its sender, as [offset,message].
func lastMessage(h *history.History, poll int) string {
	acked := make(map[string]bool)
	for _, op := range h.Ops {
		if op.F == "send" && op.Type == history.OK {
			acked[string(op.Value)] = true
		}
	}
	text := string(h.Ops[poll].Value)
	for _, m := range strings.SplitAfter(text[strings.Index(text, "[")+1:], "]") {
		if m = strings.TrimPrefix(m, ","); acked[m] {
			return m
		}
	}
	return ""
}

func timeMutants(t testing.TB, n int) []mutant {
	calm := simpleWorld(t, n, fRead, func(int) string { return "" }, func(int) string { return "1" })
	slow := changed(calm, func(ops []history.Op) {
		for i := n | 1; i < len(ops); i++ {
			ops[i].Time += time.Second
		}
	})
	good := outage(t, n)
	late := changed(good, func(ops []history.Op) {
		for i := range ops {
			if ops[i].Type == history.OK && i > n+n/5 && i < n+n/5+n/10 {
				ops[i].Type = history.Fail
			}
		}
	})
	within := time.Duration(n/20) * time.Microsecond
	return []mutant{
		{"latency/slow", Latency(Threshold{Max: 100 * time.Millisecond}), calm, slow, "slow", []int{n | 1 - 1, n | 1}},
		{"availability/late", Availability(AvailabilityOptions{Within: within}), good, late, "late", nil},
		{"availability/budget", Availability(AvailabilityOptions{OKShare: 0.88}), good, late, "budget", nil},
	}
}
