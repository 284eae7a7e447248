package invariant

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// registers makes a valid history of n operations by 20 clients on 8 keys.
func registers(n int) *history.History {
	var ops []history.Op
	values := make([]int, 8)
	for i := range n {
		key := i % 8
		op := history.Op{Process: i % 20, F: "read", Key: "r" + strconv.Itoa(key), Node: "n" + strconv.Itoa(i%5)}
		done := op
		if i%3 == 0 {
			values[key] = i + 1
			op.F, done.F = "write", "write"
			op.Value = json.RawMessage(strconv.Itoa(i + 1))
		}
		done.Type, done.Value = history.OK, json.RawMessage(strconv.Itoa(values[key]))
		op.Index, op.Time = 2*i, time.Duration(2*i)*time.Microsecond
		done.Index, done.Time = 2*i+1, time.Duration(2*i+1)*time.Microsecond
		ops = append(ops, op, done)
	}
	return history.New(ops)
}

func BenchmarkRules(b *testing.B) {
	const n = 100_000
	h := registers(n)
	for _, bench := range []struct{ name, file, where string }{
		{"where one line", "", `op.f == "read" and op.value == -99`},
		{"where every operation", "", `op.value == -99 and op.ok`},
		{"where value", "", `value == -99`},
		{"where arithmetic", "", `op.value % 2 == 5 or op.value * 2 < 0`},
		{"each_op lambda", `invariant(name = "r", each_op = lambda op: op.f != "read" or op.value >= 0)`, ""},
		{"each_op list", `invariant(name = "r", each_op = lambda op: op.f in ["read", "write"] and op.end >= op.start)`, ""},
		{"fold", "def step(s, op):\n    s[op.key] = max(s.get(op.key, 0), op.value)\ninvariant(name = \"r\", init = {}, step = step)", ""},
		{"fold tuple", `invariant(name = "r", init = (0, 0), step = lambda s, op: (s[0] + 1, s[1] + op.value))`, ""},
		{"history", "def check(h):\n    n = 0\n    for op in h.operations:\n        if op.ok:\n            n += 1\n    return n > 0\ninvariant(name = \"r\", history = check)", ""},
		{"within", `invariant(name = "r", per = "key", within = "1s", after = lambda op: op.f == "write", holds = lambda op: op.f == "read")`, ""},
		{"model register", "def step(s, op):\n    return [op.input] if op.f == \"write\" else [s] if s == op.value else []\nmodel(name = \"r\", init = 0, step = step)", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := mustRule(b, bench.file, bench.where)
			b.ReportAllocs()
			for b.Loop() {
				if result := r.Check(context.Background(), h); result.Verdict == checkers.Violation || result.Counts["evaluated"] == 0 || result.Counts["script_errors"] > 0 {
					b.Fatal(result)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
		})
	}
}

func mustRule(t testing.TB, file, where string) *Rule {
	t.Helper()
	if where != "" {
		r, err := Where("r", "", "", where)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	rules, err := Load("r.star", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return rules[0]
}

func BenchmarkOnline(b *testing.B) {
	h := registers(100_000)
	r := mustRule(b, "", `op.value == -99`)
	for b.Loop() {
		w, _ := r.Watch(context.Background())
		for i := range h.Ops {
			if broken := w.Observe(h.Ops[i]); broken != nil {
				b.Fatal(broken)
			}
		}
		w.Close()
	}
	b.ReportMetric(float64(len(h.Ops)/2)*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}

func ExampleWhere() {
	r, err := Where("never-99", "Nobody ever reads 99.", "INC-7", `op.f == "read" and op.value == 99`)
	if err != nil {
		fmt.Println(err)
		return
	}
	result := r.Check(context.Background(), registers(100))
	fmt.Println(result.Verdict, result.Says[0])
	// Output: valid Nobody ever reads 99. It was judged 66 times, and held.
}
