package checkers

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// What the run said it would read in the end must have been read, whatever the
// operations are called; the same one twice does not count twice.
func TestEarnedWantsTheFinalOperations(t *testing.T) {
	final := func(f, value string) history.Op {
		return history.Op{F: f, Value: json.RawMessage(value), Node: "n1", Final: true}
	}
	for name, c := range map[string]struct {
		finals []history.Op
		want   Verdict
	}{
		"all":            {[]history.Op{final("txn", `[["r","a",null]]`), final("txn", `[["r","b",null]]`)}, Valid},
		"one twice":      {[]history.Op{final("txn", `[["r","a",null]]`), final("txn", `[["r","a",null]]`)}, Unknown},
		"one":            {[]history.Op{final("txn", `[["r","a",null]]`)}, Unknown},
		"another":        {[]history.Op{final("drain", ""), final("poll", "")}, Valid},
		"not in the end": {[]history.Op{{F: "txn", Value: json.RawMessage("1"), Node: "n1"}, {F: "txn", Value: json.RawMessage("2"), Node: "n1"}}, Unknown},
	} {
		var ops []history.Op
		note := func(f, value string) {
			ops = append(ops, history.Op{Process: history.Nemesis, Type: history.Info, F: f, Value: json.RawMessage(value)})
		}
		note("plan", `{"nodes":["n1"],"clients":1,"final_reads":9}`)
		note("phase", `{"phase":"final-reads","wanted":2}`)
		for _, op := range c.finals {
			done := op
			done.Type = history.OK
			ops = append(ops, op, done)
		}
		note("phase", `{"phase":"end"}`)
		for i := range ops {
			ops[i].Index = i
		}
		check, err := Earned(0, true)
		if err != nil {
			t.Fatal(err)
		}
		if r := check.Check(context.Background(), history.New(ops)); r.Verdict != c.want {
			t.Errorf("%s: %v, want %v: %v", name, r.Verdict, c.want, fmt.Sprint(r.Says))
		}
	}
}
