package invariant

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

func anyHistory(t *rapid.T) *history.History {
	seed := rapid.Uint64().Draw(t, "seed")
	return randomHistory(rand.New(rand.NewPCG(seed, 1)), []string{"write", "read"})
}

// TestMetamorphic: what does not change what happened does not change what the
// register model says of it, and what only takes evidence away never makes a
// violation.
func TestMetamorphic(t *testing.T) {
	rule := mustRule(t, peers()["register"].star, "")
	verdict := func(h *history.History) checkers.Verdict {
		for i := range h.Ops {
			h.Ops[i].Index = i
		}
		return rule.check(context.Background(), h).Verdict
	}
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t)
		before := verdict(h)
		if got := verdict(renamed(h)); got != before {
			t.Fatalf("renamed: %v becomes %v\n%s", before, got, h)
		}
		if got := verdict(shifted(h)); got != before {
			t.Fatalf("shifted: %v becomes %v\n%s", before, got, h)
		}
		if got := verdict(withoutOutcome(h, history.Fail)); got != before {
			t.Fatalf("without what failed: %v becomes %v\n%s", before, got, h)
		}
		for name, weaker := range map[string]*history.History{
			"forgotten": forgotten(t, h), "widened": widened(t, h), "unseen": unseen(h),
		} {
			if got := verdict(weaker); before != checkers.Violation && got == checkers.Violation {
				t.Fatalf("%s: %v becomes %v\n%s", name, before, got, h)
			}
		}
	})
}

func changed(h *history.History, change func(*history.Op)) *history.History {
	c := history.New(slices.Clone(h.Ops))
	for i := range c.Ops {
		change(&c.Ops[i])
	}
	return c
}

func renamed(h *history.History) *history.History {
	return changed(h, func(o *history.Op) { o.Process, o.Key, o.Node = 3*o.Process+7, "k"+o.Key, "other" })
}

func shifted(h *history.History) *history.History {
	return changed(h, func(o *history.Op) { o.Time = 3*o.Time + time.Hour })
}

// withoutOutcome drops the operations with that outcome.
func withoutOutcome(h *history.History, outcome history.Type) *history.History {
	drop := map[int]bool{}
	for _, did := range h.Operations() {
		if did.Complete != nil && did.Type() == outcome {
			drop[did.Invoke.Index], drop[did.Complete.Index] = true, true
		}
	}
	c := &history.History{}
	for _, o := range h.Ops {
		if !drop[o.Index] {
			c.Ops = append(c.Ops, o)
		}
	}
	return c
}

// forgotten makes the outcome of one operation unknown.
func forgotten(t *rapid.T, h *history.History) *history.History {
	n := rapid.IntRange(0, len(h.Ops)-1).Draw(t, "forgotten")
	if h.Ops[n].Type != history.OK {
		return h
	}
	process := h.Ops[n].Process
	c := changed(h, func(o *history.Op) {
		if o.Index > n && o.Process == process {
			o.Process += 1000 // a client whose operation is unknown goes on as another
		}
	})
	c.Ops[n].Type = history.Info
	return c
}

// widened moves one completion to the end of the history; its process does
// nothing after it but under another name.
func widened(t *rapid.T, h *history.History) *history.History {
	n := rapid.IntRange(0, len(h.Ops)-1).Draw(t, "widened")
	if h.Ops[n].Type != history.OK {
		return h
	}
	process := h.Ops[n].Process
	c := changed(h, func(o *history.Op) {
		if o.Index > n && o.Process == process {
			o.Process += 1000
		}
	})
	late := c.Ops[n]
	late.Time = c.Ops[len(c.Ops)-1].Time
	c.Ops = append(slices.Delete(c.Ops, n, n+1), late)
	return c
}

// unseen adds a write that nobody saw the outcome of.
func unseen(h *history.History) *history.History {
	c := history.New(slices.Clone(h.Ops))
	c.Ops = append([]history.Op{{Process: 9999, F: "write", Value: json.RawMessage("2")}}, c.Ops...)
	return c
}
