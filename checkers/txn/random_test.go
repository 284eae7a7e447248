package txn

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

var (
	histories = flag.Int("histories", 10_000, "how many random histories to judge by each kind of brute force")
	seedFlag  = flag.Uint64("seed", 20261122, "where the random histories begin")
)

// randomHistory makes a history of a few transactions: carried out one after
// the other, in an order that need not be that of time, with snapshots that
// may be stale, and reads that may be wrong; if twice, some values are written
// more than once.
func randomHistory(rng *rand.Rand, lists bool, most int, twice bool) *history.History {
	n := 1 + rng.IntN(most)
	stale, wrong := rng.Float64()*0.9, 0.0
	if rng.IntN(3) == 0 {
		wrong = 0.2
	}
	value := 0
	states := []store{newStore()}
	var values, asked [][]byte
	for range n {
		state := states[len(states)-1]
		view := state
		if rng.Float64() < stale {
			view = states[rng.IntN(len(states))]
		}
		view, after := view.clone(), state.clone()
		var answered, invoked [][3]any
		for range 1 + rng.IntN(3) {
			key := string("xyz"[rng.IntN(2+rng.IntN(2))])
			if rng.IntN(2) == 0 {
				if !twice || value == 0 || rng.IntN(6) > 0 {
					value++
				}
				written := [3]any{"w", key, value}
				if lists {
					written[0] = "append"
				}
				view.lists[key] = append(slices.Clone(view.lists[key]), value)
				after.lists[key] = append(slices.Clone(after.lists[key]), value)
				view.vals[key], after.vals[key] = value, value
				answered, invoked = append(answered, written), append(invoked, written)
				continue
			}
			answered = append(answered, [3]any{"r", key, readOf(rng, view, key, lists, rng.Float64() < wrong, value)})
			invoked = append(invoked, [3]any{"r", key, nil})
		}
		states = append(states, after)
		a, _ := json.Marshal(answered)
		i, _ := json.Marshal(invoked)
		values, asked = append(values, a), append(asked, i)
	}
	return shuffled(rng, values, asked)
}

func readOf(rng *rand.Rand, view store, key string, lists, wrong bool, most int) any {
	switch {
	case !lists && wrong && most > 0:
		if v := rng.IntN(most+1) + rng.IntN(2)*rng.IntN(2)*rng.IntN(2); v > 0 {
			return v
		}
		return nil
	case !lists && view.vals[key] == 0:
		return nil
	case !lists:
		return view.vals[key]
	}
	list := slices.Clone(view.lists[key])
	if wrong && len(list) > 0 {
		switch i := rng.IntN(len(list)); rng.IntN(4) {
		case 0:
			list = list[:i]
		case 1:
			list[i], list[0] = list[0], list[i]
		case 2:
			list = append(list, 1+rng.IntN(most))
		case 3:
			list = slices.Delete(list, i, i+1)
		}
	}
	if list == nil {
		list = []int{}
	}
	return list
}

// shuffled gives the transactions processes, times and outcomes.
func shuffled(rng *rand.Rand, values, asked [][]byte) *history.History {
	type event struct {
		at  float64
		txn int
		end bool
	}
	var events []event
	processes := 1 + rng.IntN(4)
	spread := rng.Float64() * 4
	clock := make([]float64, processes)
	process := make([]int, len(values))
	for i := range values {
		process[i] = rng.IntN(processes)
		begin := max(clock[process[i]], float64(i)+(rng.Float64()-0.5)*spread)
		end := begin + rng.Float64()*spread
		clock[process[i]] = end + 1e-9
		events = append(events, event{begin, i, false}, event{end, i, true})
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if a.at < b.at {
			return -1
		}
		return 1
	})
	outcome := make([]history.Type, len(values))
	retired := make(map[int]int)
	for i := range outcome {
		outcome[i] = []history.Type{history.OK, history.OK, history.OK, history.OK, history.OK, history.OK, history.Info, history.Fail}[rng.IntN(8)]
	}
	var ops []history.Op
	for _, e := range events {
		op := history.Op{Index: len(ops), Time: time.Duration(len(ops)), Process: process[e.txn] + 10*retired[process[e.txn]], F: "txn", Value: asked[e.txn]}
		if e.end {
			if op.Type = outcome[e.txn]; op.Type == history.OK || op.Type == history.Info && rng.IntN(3) == 0 {
				op.Value = values[e.txn]
			}
			if op.Type == history.Info {
				retired[process[e.txn]]++
			}
		}
		ops = append(ops, op)
	}
	return history.New(ops)
}

// agree fails the test if what the checkers say of a level contradicts what is
// true; it returns whether they said anything.
func agree(t *testing.T, h *history.History, j *judgement, level string, truth bool) bool {
	t.Helper()
	if j.proved[level] && !truth || j.out[level] && truth {
		c := &checker{name: "disagreement", lattice: latticeOf()}
		var text strings.Builder
		for i := range h.Ops {
			line, _ := json.Marshal(&h.Ops[i])
			text.Write(line)
			text.WriteByte('\n')
		}
		j.level = level
		t.Fatalf("%s: proved %v, ruled out %v, in truth %v\n%s\n%s", level, j.proved[level], j.out[level], truth,
			strings.Join(c.result(j, j.parts[0].db).Says, "\n"), text.String())
	}
	return j.proved[level] || j.out[level]
}

func seed(i int) *rand.Rand { return rand.New(rand.NewPCG(*seedFlag, uint64(i))) }

func TestListsAgainstBruteForce(t *testing.T) {
	undecided, held := map[string]int{}, map[string]int{}
	for i := range *histories {
		rng := seed(i)
		twice := i%8 == 0
		h := randomHistory(rng, true, 5, twice)
		j, _ := inspect(t, h, true, Options{})
		all := tinies(h, true)
		truths := map[string]bool{
			strictSerializable: serializableBrute(all, true, realOrder),
			sessionSerial:      serializableBrute(all, true, sessionOrder),
			serializable:       serializableBrute(all, true, noOrder),
		}
		if len(all) < 5 {
			truths[strongSI] = snapshotBrute(all, true, realOrder)
			truths[sessionSI] = snapshotBrute(all, true, sessionOrder)
			truths[snapshotIsolation] = snapshotBrute(all, true, noOrder)
		}
		for level, truth := range truths {
			if truth {
				held[level]++
			}
			if !agree(t, h, j, level, truth) && !twice && !j.blank && reads(all) {
				undecided[level]++
			}
		}
	}
	t.Logf("of %d histories: hold %v, undecided %v", *histories, held, undecided)
	for _, level := range []string{strictSerializable, sessionSerial, serializable, strongSI, sessionSI, snapshotIsolation} {
		if undecided[level] > 0 {
			t.Errorf("%s is undecided %d times: lists are to be decided always", level, undecided[level])
		}
		if held[level] < *histories/20 || held[level] > *histories*19/20 {
			t.Errorf("%s held %d times of %d: the histories do not test it", level, held[level], *histories)
		}
	}
}

func TestRegistersAgainstBruteForce(t *testing.T) {
	undecided, held := map[string]int{}, map[string]int{}
	for i := range *histories {
		rng := seed(i)
		twice := i%8 == 0
		h := randomHistory(rng, false, 5, twice)
		j, r := inspect(t, h, false, Options{})
		causal, _ := inspect(t, h, false, Options{Level: "causal"})
		all := tinies(h, false)
		if (r.Verdict == checkers.Violation) != j.out[strictSerializable] {
			t.Fatal("the verdict is not that of the level")
		}
		answers := map[string]bool{
			strictSerializable: serializableBrute(all, false, realOrder),
			sessionSerial:      serializableBrute(all, false, sessionOrder),
			serializable:       serializableBrute(all, false, noOrder),
		}
		if len(all) < 5 {
			answers[strongSI] = snapshotBrute(all, false, realOrder)
			answers[sessionSI] = snapshotBrute(all, false, sessionOrder)
			answers[snapshotIsolation] = snapshotBrute(all, false, noOrder)
		}
		// One of the others is asked for by its name.
		asked := []string{sessionSerial, serializable, strongSI, sessionSI, snapshotIsolation}[i%5]
		if truth, ok := answers[asked]; ok {
			named, _ := inspect(t, h, false, Options{Level: asked})
			if !agree(t, h, named, asked, truth) && !twice && !named.blank {
				undecided[asked]++
			}
		}
		for level, truth := range answers {
			if truth {
				held[level]++
			}
			if !agree(t, h, j, level, truth) && !twice && !j.blank {
				undecided[level]++
			}
		}
		if twice {
			continue
		}
		seen := onlySeen(all)
		for _, level := range []string{sessionCommitted, sessionAtomic, sessionCausal} {
			truth := weakBrute(seen, level)
			if truth {
				held[level]++
			}
			if !agree(t, h, causal, level, truth) && !causal.blank {
				undecided[level]++
			}
		}
	}
	t.Logf("of %d histories: hold %v, undecided %v", *histories, held, undecided)
	for _, level := range []string{strictSerializable, sessionSerial, serializable, strongSI, sessionSI, snapshotIsolation, sessionCommitted, sessionAtomic, sessionCausal} {
		if undecided[level] > 0 {
			t.Errorf("%s is undecided %d times: it is to be decided always", level, undecided[level])
		}
	}
}

// reads reports whether any transaction that is known to be committed read
// anything: without, nothing is decided.
func reads(all []tiny) bool {
	return slices.ContainsFunc(all, func(tx tiny) bool {
		return tx.ok && slices.ContainsFunc(tx.mops, func(m tinyMop) bool { return !m.write })
	})
}

// onlySeen returns the transactions without those of unknown outcome whose
// writes no committed one read.
func onlySeen(all []tiny) []tiny {
	var seen []tiny
	for _, tx := range all {
		if tx.ok {
			seen = append(seen, tx)
		}
	}
	for again := true; again; {
		again = false
		for _, tx := range all {
			have := slices.ContainsFunc(seen, func(s tiny) bool { return s.begin == tx.begin })
			if !have && isSeen(seen, tx) {
				seen, again = append(seen, tx), true
			}
		}
	}
	return seen
}

func isSeen(by []tiny, tx tiny) bool {
	for _, m := range tx.mops {
		for _, other := range by {
			for _, r := range other.mops {
				if m.write && !r.write && r.known && r.key == m.key && r.val == m.val {
					return true
				}
			}
		}
	}
	return false
}
