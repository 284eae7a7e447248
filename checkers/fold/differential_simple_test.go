package fold

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

// simpleDifferences are the checks whose definition is a line or two.
func simpleDifferences() []difference {
	return []difference{
		{"set", Set(), randomFinalSet, []string{"lost", "unexpected", "aborted"}, defineSet},
		{"unique-ids", UniqueIDs(), randomIDs, []string{"duplicate"}, defineIDs},
		{"write-skew", WriteSkew(), randomInserts, []string{"write-skew"}, defineSkew},
		{"sequential", Sequential(), randomSubkeys, []string{"skipped"}, defineSkipped},
		{"leader", Leader(LeaderOptions{Forward: true}), randomLeaders, []string{"two-leaders", "term-back"}, defineLeaders},
		{"monotonic", Monotonic(MonotonicOptions{}), randomRows, []string{"off-order", "lost", "duplicate"}, defineRows},
		{"bank", Bank(BankOptions{Initial: map[string]int64{"0": 2, "1": 2}}), randomBank, []string{"wrong-total", "negative", "lost-transfer"}, defineBank},
	}
}

// randomOps lets clients do what ask makes up, and be answered by answer.
func randomOps(rng *rand.Rand, ask func(i int) (f, key, value string), answer func(f string) (history.Type, string)) *tape {
	t := &tape{}
	t.interleave(rng, 2+rng.IntN(7), 3, func(process, i int) {
		f, key, value := ask(i)
		t.begin(process, f, key, value)
	}, func(process, _ int) history.Type {
		as, value := answer(t.open[process].F)
		t.end(process, as, value)
		return as
	})
	return t
}

func randomFinalSet(rng *rand.Rand) *tape {
	t := randomSet(rng)
	for process := range 1 + rng.IntN(2) {
		t.doFinal(100+process, fRead, "", randomArray(rng, 4))
	}
	return t
}

func defineSet(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	for _, r := range finals(oks(ops, fRead)) {
		for e := range 4 {
			may, _ := putting(ops, fAdd, e)
			there := count(numbers(r), e) > 0
			if there {
				if s := strangely(ops, fAdd, e, r); s != "" {
					found[s] = true
				}
			} else if slices.ContainsFunc(may, func(o history.Operation) bool { return ret(o) < call(r) }) {
				found["lost"] = true
			}
		}
	}
	return found
}

func randomIDs(rng *rand.Rand) *tape {
	return randomOps(rng, func(int) (string, string, string) { return "generate", "", "" },
		func(string) (history.Type, string) { return anyEnd(rng), strconv.Itoa(rng.IntN(20)) })
}

func defineIDs(ops []history.Operation) map[string]bool {
	return pairs(oks(ops, "generate"), "duplicate", func(a, b history.Operation) bool { return string(a.Complete.Value) == string(b.Complete.Value) })
}

// pairs looks for two operations of which something is true.
func pairs(ops []history.Operation, kind string, wrong func(a, b history.Operation) bool) map[string]bool {
	found := make(map[string]bool)
	for i, a := range ops {
		for _, b := range ops[i+1:] {
			if wrong(a, b) {
				found[kind] = true
			}
		}
	}
	return found
}

func randomInserts(rng *rand.Rand) *tape {
	return randomOps(rng, func(int) (string, string, string) { return "insert", "k" + strconv.Itoa(rng.IntN(3)), "[1,null]" },
		func(string) (history.Type, string) { return history.Type(1 + rng.IntN(3)), "" })
}

func defineSkew(ops []history.Operation) map[string]bool {
	return pairs(oks(ops, "insert"), "write-skew", func(a, b history.Operation) bool { return a.Invoke.Key == b.Invoke.Key })
}

func randomSubkeys(rng *rand.Rand) *tape {
	return randomOps(rng, func(int) (string, string, string) { return fRead, "k", "" },
		func(string) (history.Type, string) {
			var some []string
			for range rng.IntN(5) {
				some = append(some, []string{"null", "null", `"x"`}[rng.IntN(3)])
			}
			slices.SortFunc(some, func(a, b string) int { return rng.IntN(4) - 3 })
			return history.OK, "[" + strings.Join(some, ",") + "]"
		})
}

func defineSkipped(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	for _, o := range oks(ops, fRead) {
		var all []*string
		if err := json.Unmarshal(o.Complete.Value, &all); err != nil {
			panic(err)
		}
		for i := range all {
			for j := range i {
				if all[j] != nil && all[i] == nil {
					found["skipped"] = true
				}
			}
		}
	}
	return found
}

func randomLeaders(rng *rand.Rand) *tape {
	return randomOps(rng, func(int) (string, string, string) { return "leader", "", "" },
		func(string) (history.Type, string) {
			return anyEnd(rng), fmt.Sprintf(`{"term":%d,"leader":%s}`, rng.IntN(6), []string{"null", `"n1"`, `"n1"`, `"n1"`, `"n2"`}[rng.IntN(5)])
		})
}

// told is what an answer says of a leader.
func told(o history.Operation) (term int, leader string) {
	var says struct {
		Term   int
		Leader *string
	}
	if err := json.Unmarshal(o.Complete.Value, &says); err != nil {
		panic(err)
	}
	if says.Leader != nil {
		leader = *says.Leader
	}
	return says.Term, leader
}

func defineLeaders(ops []history.Operation) map[string]bool {
	all := oks(ops, "leader")
	found := pairs(all, "two-leaders", func(a, b history.Operation) bool {
		s, x := told(a)
		t, y := told(b)
		return s == t && x != y && x != "" && y != ""
	})
	for i, a := range all {
		next := slices.IndexFunc(all[i+1:], func(b history.Operation) bool { return b.Invoke.Process == a.Invoke.Process })
		if next < 0 {
			continue
		}
		s, _ := told(a)
		if t, _ := told(all[i+1+next]); t < s {
			found["term-back"] = true
		}
	}
	return found
}

func randomRows(rng *rand.Rand) *tape {
	next := 0
	line := func(n int) string { return fmt.Sprintf(`{"val":%d,"sts":"%d"}`, n, n+rng.IntN(2)*rng.IntN(3)) }
	t := randomOps(rng, func(int) (string, string, string) { return fAdd, "", "" }, func(string) (history.Type, string) {
		next += min(1, rng.IntN(8))
		return anyEnd(rng), line(next)
	})
	var all []string
	for n := range next {
		if rng.IntN(8) > 0 {
			all = append(all, line(n+1))
		}
	}
	t.doFinal(100, fRead, "", "["+strings.Join(all, ",")+"]")
	return t
}

func defineRows(ops []history.Operation) map[string]bool {
	type line struct {
		Val int
		Sts string
	}
	adds := oks(ops, fAdd)
	value := func(o history.Operation) (l line) {
		if err := json.Unmarshal(o.Complete.Value, &l); err != nil {
			panic(err)
		}
		return l
	}
	found := pairs(adds, "duplicate", func(a, b history.Operation) bool { return value(a).Val == value(b).Val })
	for _, r := range finals(oks(ops, fRead)) {
		var lines []line
		if err := json.Unmarshal(r.Complete.Value, &lines); err != nil {
			panic(err)
		}
		for _, a := range adds {
			if !slices.ContainsFunc(lines, func(l line) bool { return l.Val == value(a).Val }) {
				found["lost"] = true
			}
		}
		for _, a := range lines {
			for _, b := range lines {
				if s, t := number64(a.Sts), number64(b.Sts); s < t && a.Val > b.Val {
					found["off-order"] = true
				}
			}
		}
	}
	return found
}

func number64(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func randomBank(rng *rand.Rand) *tape {
	transfer := func() string {
		from := rng.IntN(2)
		return fmt.Sprintf(`{"from":%d,"to":%d,"amount":%d}`, from, 1-from, 1+rng.IntN(2))
	}
	balances := func() string {
		a := rng.IntN(6) - 1
		return fmt.Sprintf(`{"0":%d,"1":%d}`, a, 4-a+rng.IntN(2)*rng.IntN(2))
	}
	return randomOps(rng, func(int) (string, string, string) {
		if rng.IntN(2) == 0 {
			return fRead, "", ""
		}
		return "transfer", "", transfer()
	}, func(f string) (history.Type, string) {
		if f == fRead {
			return history.OK, balances()
		}
		return anyEnd(rng), ""
	})
}

// defineBank tries which transfers of unknown outcome happened: each account
// must have what it can have.
func defineBank(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	last := -1
	for _, o := range oks(ops, "transfer") {
		last = max(last, ret(o))
	}
	for _, r := range oks(ops, fRead) {
		var held map[string]int
		if err := json.Unmarshal(r.Complete.Value, &held); err != nil {
			panic(err)
		}
		found["wrong-total"] = found["wrong-total"] || held["0"]+held["1"] != 4
		found["negative"] = found["negative"] || min(held["0"], held["1"]) < 0
		if call(r) < last {
			continue
		}
		for _, account := range []string{"0", "1"} {
			if !slices.Contains(canHave(ops, r, account), held[account]) {
				low, high := slices.Min(canHave(ops, r, account)), slices.Max(canHave(ops, r, account))
				found["lost-transfer"] = found["lost-transfer"] || held[account] < low || held[account] > high
			}
		}
	}
	for kind, is := range found {
		if !is {
			delete(found, kind)
		}
	}
	return found
}

// canHave are the balances of an account after some of the transfers of unknown
// outcome that began before the read ended.
func canHave(ops []history.Operation, read history.Operation, account string) []int {
	all := []int{2}
	for _, o := range ops {
		if o.Invoke.F != "transfer" || o.Type() == history.Fail {
			continue
		}
		var t struct{ From, To, Amount int }
		if err := json.Unmarshal(o.Invoke.Value, &t); err != nil {
			panic(err)
		}
		by := t.Amount
		if strconv.Itoa(t.From) == account {
			by = -by
		}
		var after []int
		for _, held := range all {
			after = append(after, held+by)
			if o.Type() == history.Info {
				after = append(after, held)
			}
		}
		all = after
	}
	return all
}
