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

	"github.com/shakedown-dev/shakedown/history"
)

// TestPlantedStaleRead puts one stale read into a history that is right. It must
// be found, and named: only that read can be wrong.
func TestPlantedStaleRead(t *testing.T) {
	planted := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 11))
		h := randomHistory(rng, shape{processes: 5, operations: 120, keys: 3, cas: 15, info: 5})
		if r := judgeHistory(h); r.Verdict != Valid {
			t.Fatalf("seed %d: the generator made a history that is %v", seed, r.Verdict)
		}
		read, ok := plantStaleRead(h, rng)
		if !ok {
			continue
		}
		planted++
		r := judgeHistory(h)
		if r.Verdict != Violation || !slices.Contains(r.Evidence, read) {
			t.Fatalf("seed %d: planted at #%d: %v %v %v\n%s", seed, read, r.Verdict, r.Evidence, r.Says, dump(h))
		}
		if !strings.Contains(r.Says[0], fmt.Sprintf("(#%d)", read)) {
			t.Errorf("seed %d: the read #%d is not named first: %v", seed, read, r.Says)
		}
		if len(r.Evidence) > 16 {
			t.Errorf("seed %d: %d events are no small counterexample", seed, len(r.Evidence))
		}
	}
	if planted < 300 {
		t.Errorf("only %d reads were planted", planted)
	}
}

// plantStaleRead makes an ok read return a value that was written and then
// overwritten for sure before the read began. It returns the completion's index.
func plantStaleRead(h *history.History, rng *rand.Rand) (int, bool) {
	operations := h.Operations()
	writes := slices.DeleteFunc(slices.Clone(operations), func(o history.Operation) bool {
		return o.Type() != history.OK || o.Invoke.F != "write"
	})
	rng.Shuffle(len(operations), func(i, j int) { operations[i], operations[j] = operations[j], operations[i] })
	for _, read := range operations {
		if read.Invoke.F != "read" || read.Type() != history.OK {
			continue
		}
		for i, older := range writes {
			for _, newer := range writes[i+1:] {
				if older.Invoke.Key == read.Invoke.Key && newer.Invoke.Key == read.Invoke.Key &&
					older.Complete.Index < newer.Invoke.Index && newer.Complete.Index < read.Invoke.Index {
					h.Ops[read.Complete.Index].Value = older.Invoke.Value
					return read.Complete.Index, true
				}
			}
		}
	}
	return 0, false
}

// TestPlantedLostWrite acknowledges one write and forgets it. Without that
// write the history is right; so it must be part of every counterexample.
func TestPlantedLostWrite(t *testing.T) {
	planted := 0
	for seed := range uint64(700) {
		rng := rand.New(rand.NewPCG(seed, 12))
		h := randomHistory(rng, shape{processes: 4, operations: 80, keys: 2, cas: 10, lost: 1 + rng.IntN(10)})
		r := judgeHistory(h)
		if r.Verdict != Violation {
			// The write was overwritten before anybody could miss it.
			continue
		}
		planted++
		lost := lostWrite(h, seed)
		if !slices.Contains(r.Evidence, lost) {
			t.Fatalf("seed %d: the write #%d was lost: %v %v\n%s", seed, lost, r.Evidence, r.Says, dump(h))
		}
	}
	if planted < 100 {
		t.Errorf("only %d writes were lost", planted)
	}
}

// lostWrite finds the write without which h is right.
func lostWrite(h *history.History, seed uint64) int {
	for _, o := range h.Operations() {
		if o.Invoke.F != "write" {
			continue
		}
		rest := renumbered(slices.DeleteFunc(slices.Clone(h.Ops), func(op history.Op) bool {
			return op.Index == o.Invoke.Index || op.Index == o.Complete.Index
		}))
		if judgeHistory(rest).Verdict == Valid {
			return o.Invoke.Index
		}
	}
	panic(fmt.Sprintf("seed %d: no single write is lost", seed))
}

// TestGarbageRead: a value that nobody wrote is named as such, whether values
// repeat or not.
func TestGarbageRead(t *testing.T) {
	for _, values := range []int{0, 3} {
		h := randomHistory(rand.New(rand.NewPCG(1, 13)), shape{processes: 3, operations: 30, values: values, info: 10})
		for i := range h.Ops {
			if h.Ops[i].F == "read" && h.Ops[i].Type == history.OK {
				h.Ops[i].Value = json.RawMessage(`"never"`)
				break
			}
		}
		r := judgeHistory(h)
		if r.Verdict != Violation || !strings.Contains(r.Says[0], "garbage read") || len(r.Evidence) != 2 {
			t.Errorf("%d values: %v %v %v", values, r.Verdict, r.Says, r.Evidence)
		}
	}
}

// oneMinute is the history of a one-minute run: 32 000 operations, 160 keys, 10
// clients, 2 % unknown.
func oneMinute() *history.History {
	h := randomHistory(rand.New(rand.NewPCG(1, 14)), shape{processes: 10, operations: 32000, keys: 160, cas: 15, info: 2})
	for i := range h.Ops {
		h.Ops[i].Time = time.Duration(i) * time.Minute / time.Duration(len(h.Ops))
	}
	return h
}

// BenchmarkOneMinute is the whole of the checks on a one-minute run.
func BenchmarkOneMinute(b *testing.B) {
	h := oneMinute()
	all := []Checker{linearizable{model: models()[1]}, stats{}, earned{}, recovery{within: time.Second}}
	for b.Loop() {
		if s := Run(context.Background(), h, all); s.Results[0].Verdict != Valid {
			b.Fatal(s)
		}
	}
}

// BenchmarkOneMinuteStale is the same with a stale read, explained and drawn.
func BenchmarkOneMinuteStale(b *testing.B) {
	h := oneMinute()
	if _, ok := plantStaleRead(h, rand.New(rand.NewPCG(2, 14))); !ok {
		b.Fatal("no read to plant")
	}
	for b.Loop() {
		r := judgeHistory(h)
		if r.Verdict != Violation {
			b.Fatal(r.Says)
		}
		for _, p := range r.Pages {
			if err := p.Write(&strings.Builder{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkFewKeys is a minute on 8 keys, all clients at each: long histories
// per key.
func BenchmarkFewKeys(b *testing.B) {
	h := randomHistory(rand.New(rand.NewPCG(1, 15)), shape{processes: 10, operations: 32000, keys: 8, cas: 15, info: 2})
	for b.Loop() {
		if r := judgeHistory(h); r.Verdict != Valid {
			b.Fatal(r.Says)
		}
	}
}
