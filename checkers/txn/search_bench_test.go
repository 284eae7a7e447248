package txn

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// jumbled makes a history that has an order, which time does not tell: each
// transaction is a process of its own, and seems to have taken place up to so
// many transactions sooner or later than it did.
func jumbled(n, blur int, seed uint64) *history.History {
	rng := rand.New(rand.NewPCG(seed, 3))
	h := usual(false).make(n, seed)
	type moved struct {
		at float64
		op history.Op
	}
	var events []moved
	for i, o := range h.Operations() {
		if o.Complete == nil {
			continue
		}
		at := float64(i) + (rng.Float64()-0.5)*float64(blur)
		call := history.Op{Process: i, F: "txn", Value: o.Complete.Value}
		answer := call
		answer.Type = history.OK
		events = append(events, moved{at, call}, moved{at + rng.Float64(), answer})
	}
	slices.SortStableFunc(events, func(a, b moved) int { return cmp.Compare(a.at, b.at) })
	var ops []history.Op
	for i, e := range events {
		e.op.Time = time.Duration(i) * time.Microsecond
		ops = append(ops, e.op)
	}
	return reindexed(ops)
}

// knot is what inference cannot refute: of two writes of x nobody can tell
// which is the older one, and there is no order of the two that fits.
const knot = `a invoke [["w","x",1],["r","m",null]]
b invoke [["w","x",2],["r","k",null]]
c invoke [["w","k",1]]
d invoke [["w","m",1]]
e invoke [["r","k",null],["r","x",null]]
f invoke [["r","m",null],["r","x",null]]
a ok [["w","x",1],["r","m",null]]
b ok [["w","x",2],["r","k",null]]
c ok [["w","k",1]]
d ok [["w","m",1]]
e ok [["r","k",1],["r","x",1]]
f ok [["r","m",1],["r","x",2]]`

// BenchmarkSearch looks for an order where time is of little help, and finds
// one, or finds that there is none because of six transactions.
func BenchmarkSearch(b *testing.B) {
	for _, level := range []string{"serializable", "snapshot-isolation"} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			for _, blur := range []int{10, 100, 1000, 10_000} {
				b.Run(fmt.Sprintf("%s/%d/blur-%d", level, n, blur), func(b *testing.B) {
					judged(b, jumbled(n, blur, 1), level, checkers.Valid)
				})
			}
		}
	}
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("knot/%d", n), func(b *testing.B) {
			h, _ := plant{events: knot}.in(jumbled(n, 100, 1), n)
			judged(b, h, "serializable", checkers.Violation)
		})
	}
}

func judged(b *testing.B, h *history.History, level string, want checkers.Verdict) {
	for b.Loop() {
		r := RWRegister(Options{Level: level}).Check(context.Background(), h)
		if r.Verdict != want {
			b.Error(r.Verdict, r.Says)
		}
		b.ReportMetric(float64(r.Counts["pairs"]), "pairs")
		b.ReportMetric(float64(r.Counts["conflicts"]), "conflicts")
	}
}
