package fold

import (
	"context"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

func benchmark(b *testing.B, c checkers.Checker, h *history.History, want checkers.Verdict) {
	b.Helper()
	bytes := 0
	for i := range h.Ops {
		bytes += len(h.Ops[i].Value)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Check(context.Background(), h); r.Verdict != want {
			b.Fatal(r.Verdict, r.Says)
		}
	}
	b.ReportMetric(float64(len(h.Ops)/2), "ops")
}

// BenchmarkSetFull: 100 000 elements and 1 000 reads of all there are by then.
func BenchmarkSetFull(b *testing.B) {
	h, _ := setHistory(b, 100_000, 1_000, nil)
	benchmark(b, SetFull(SetFullOptions{}), h, checkers.Valid)
}

// BenchmarkLog: 1 000 000 operations on 10 logs.
func BenchmarkLog(b *testing.B) {
	benchmark(b, Log(LogOptions{}), logHistory(b, 1_000_000, nil), checkers.Valid)
}
