package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// longHistory is a run as real ones are: clients that take turns on keys,
// latencies with a long tail, and faults during which much fails.
func longHistory(operations, faults int) *history.History {
	const clients, keys = 20, 64
	chance := rand.New(rand.NewPCG(1, 2))
	events := make([]history.Op, 0, 2*operations+4*faults)
	every := 600 * time.Second / time.Duration(operations/clients)
	written := 0
	var last [keys]int
	for c := range clients {
		at, process := time.Duration(chance.Int64N(int64(every))), c
		node := fmt.Sprint("n", c%5+1)
		for range operations / clients {
			key := chance.IntN(keys)
			op := history.Op{Time: at, Process: process, Type: history.Invoke, F: "read", Key: fmt.Sprint("r", key), Node: node}
			took := time.Duration(float64(every) * 0.3 * math.Exp(chance.NormFloat64()*0.5))
			done := op
			done.Time, done.Type, done.Value = at+took, history.OK, json.RawMessage(strconv.Itoa(last[key]))
			if chance.IntN(2) == 0 {
				written++
				last[key] = written
				op.F, done.F = "write", "write"
				op.Value = json.RawMessage(strconv.Itoa(written))
				done.Value = op.Value
			}
			switch n := chance.IntN(1000); {
			case n < 10:
				done.Type, done.Error = history.Fail, "etcdserver: request timed out"
			case n < 15:
				done.Type, done.Error = history.Info, "context deadline exceeded"
				process += clients
			}
			events = append(events, op, done)
			at = done.Time + time.Duration(float64(every)*0.5*chance.Float64())
		}
	}
	events = append(events, longFaults(faults)...)
	slices.SortStableFunc(events, func(a, b history.Op) int { return int(a.Time - b.Time) })
	for i := range events {
		events[i].Index = i
	}
	return history.New(events)
}

func longFaults(n int) []history.Op {
	kinds := []string{"partition", "kill", "pause", "clock"}
	events := []history.Op{
		{Process: history.Nemesis, Type: history.Info, F: "plan", Value: json.RawMessage(`{"scenario":"long","clients":20,"nodes":["n1","n2","n3","n4","n5"]}`)},
		{Process: history.Nemesis, Type: history.Info, F: "phase", Value: json.RawMessage(`{"phase":"storm"}`)},
	}
	for i := range n {
		from := time.Duration(i+1) * 500 * time.Second / time.Duration(n)
		for step, stage := range []history.Stage{history.StageInject, history.StageInForce, history.StageHeal, history.StageHealed} {
			value, _ := json.Marshal(history.FaultEvent{ID: fmt.Sprintf("storm/%s#%d", kinds[i%4], i), Stage: stage, Nodes: []string{fmt.Sprint("n", i%5+1)}, Says: "as a test has it", Evidence: "n1: clock offset +1m30s"})
			events = append(events, history.Op{Time: from + time.Duration(step*i%9)*time.Millisecond*250, Process: history.Nemesis, Type: history.Info, F: kinds[i%4], Value: value})
		}
	}
	return events
}

func longRun(operations, faults int) Run {
	h := longHistory(operations, faults)
	return Run{ID: "20261122T101502Z-7f3a91", Scenario: "long", History: h, Verdict: checkers.Violation, Expect: checkers.Valid,
		Results: []checkers.Result{{Check: "linearizable", Verdict: checkers.Violation, Says: []string{"As a test has it (#100)."}, Evidence: []int{100, 104, 108}}}}
}

// The figure to keep: a million operations and 200 faults in 3 s and 12 MB.
func BenchmarkHTMLMillion(b *testing.B) {
	r := longRun(1_000_000, 200)
	for b.Loop() {
		var size counter
		if err := HTML(&size, r); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = new(counter)
