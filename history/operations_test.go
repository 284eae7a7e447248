package history_test

import (
	"sync"
	"testing"

	"github.com/shakedown-dev/shakedown/history"
)

// TestOperationsAreShared has several ask at a time: all get the same, and who
// appends to it changes nothing for the others.
func TestOperationsAreShared(t *testing.T) {
	h := history.New([]history.Op{
		{Index: 0, Process: 1, F: "read"}, {Index: 1, Process: 2, F: "read"},
		{Index: 2, Process: 2, F: "read", Type: history.OK},
	})
	answers := make([][]history.Operation, 8)
	var asking sync.WaitGroup
	for i := range answers {
		asking.Go(func() {
			answers[i] = h.Operations()
			_ = append(answers[i], history.Operation{})
		})
	}
	asking.Wait()
	for _, a := range answers {
		if len(a) != 2 || &a[0] != &answers[0][0] || a[1].Complete != &h.Ops[2] {
			t.Fatalf("%+v", a)
		}
	}
}

// TestOperationsOfOtherEvents has the events replaced after somebody asked:
// what was paired before is not taken for them.
func TestOperationsOfOtherEvents(t *testing.T) {
	h := history.New([]history.Op{{Index: 0, Process: 1, F: "read"}})
	if got := len(h.Operations()); got != 1 {
		t.Fatal(got)
	}
	h.Ops = append(h.Ops, history.Op{Index: 1, Process: 2, F: "read"})
	if got := len(h.Operations()); got != 2 {
		t.Errorf("%d operations after another event, want 2", got)
	}
	h.Ops = []history.Op{{Index: 0, Process: 3, F: "write"}}
	if got := h.Operations(); len(got) != 1 || got[0].Invoke.F != "write" {
		t.Errorf("%+v of other events", got)
	}
	none := history.History{}
	if got := len(none.Operations()); got != 0 {
		t.Errorf("%d operations of nothing", got)
	}
}
