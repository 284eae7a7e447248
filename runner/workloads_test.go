package runner

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/workload"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Every workload that a scenario can name becomes a plan with operations, which
// are only those that clients are asked for, and what is read in the end is there.
func TestEveryWorkloadBecomesAPlan(t *testing.T) {
	for _, w := range scenarios.Workloads() {
		s := stormy()
		s.Workload = scenarios.Workload{Use: w.Name, Clients: 4, Keys: 2, OperationsPerKey: 20, RatePerSecond: 50, Timeout: time.Second,
			Mix: map[string]int{}, Accounts: 3}
		for _, f := range []string{"read", "write", "append", "transfer", "insert", "add", "enqueue", "dequeue", "generate", "acquire", "send", "poll"} {
			s.Workload.Mix[f] = 1
		}
		switch w.Name { // what it is mixed of
		case "register", "cas-register":
			s.Workload.Mix = map[string]int{"read": 1, "write": 1, "cas": 1}
		}
		p, err := Compile(s, 3)
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := workload.Find(w.Name)
		final := kind.Final(p.FinalReads)
		if none := w.Name == "unique-ids" || w.Name == "lock" || w.Name == "write-skew"; none != (len(final) == 0) {
			t.Errorf("%s: %d final operations", w.Name, len(final))
		}
		read := map[string]bool{}
		for _, o := range final {
			for _, key := range append(workload.MicroKeys(o), o.Key) {
				read[key] = true
			}
		}
		for _, key := range p.FinalReads {
			if !read[key] {
				t.Errorf("%s: %s is not read in the end", w.Name, key)
			}
		}
		if len(p.Clients[0].Operations) == 0 {
			t.Errorf("%s: client 0 has nothing to do", w.Name)
		}
	}
	if _, err := Compile(&scenarios.Scenario{Workload: scenarios.Workload{Use: "dance"}}, 1); err == nil {
		t.Error("there is no workload dance, and there is a plan for it")
	}
}

// What a transaction touched is what is read in the end, and nothing else.
func TestBoardKnowsTheKeysOfTransactions(t *testing.T) {
	b := newBoard()
	b.touch(history.Op{F: "txn", Value: json.RawMessage(`[["append","a1.1",1],["r","a2.1",null]]`)})
	b.touch(history.Op{F: "read", Key: "r1"})
	if got := b.only([]string{"a1.1", "a1.2", "a2.1", "r1", "r2"}); !slices.Equal(got, []string{"a1.1", "a2.1", "r1"}) {
		t.Errorf("touched: %v", got)
	}
}
