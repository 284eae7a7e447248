package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/history"
)

// checker judges whether all things of a history are linearizable.
type checker struct {
	model model
}

// Name returns "linearizable".
func (checker) Name() string { return "linearizable" }

// A judgement is what is known about one thing.
type judgement struct {
	*thing
	verdict checkers.Verdict
	engine  string
	// reason is a sentence without a full stop: what is wrong, or why nobody knows.
	reason string
	// witness are the acts that contradict each other.
	witness []act
}

const outOfTime = "its time was up"

// Check judges key by key, the smallest first, as many at once as there are
// processors. When ctx is done, the rest is Unknown.
func (c checker) Check(ctx context.Context, h *history.History) checkers.Result {
	var all []*judgement
	for _, t := range c.things(h) {
		all = append(all, &judgement{thing: t, reason: outOfTime})
	}
	slices.SortStableFunc(all, func(a, b *judgement) int { return cmp.Compare(len(a.acts), len(b.acts)) })
	checkers.Each(len(all), runtime.GOMAXPROCS(0), func(i int) { all[i].judge(ctx, &c.model) })
	return c.conclude(all, h.Faults())
}

// things takes a history apart by key, in order of first use.
func (c checker) things(h *history.History) []*thing {
	byKey := make(map[string]*thing)
	var all []*thing
	events := make([]int64, len(h.Ops))
	for i := range h.Ops {
		events[i] = int64(h.Ops[i].Time)
	}
	for _, o := range h.Operations() {
		key := o.Invoke.Key
		if c.model.together {
			key = ""
		}
		t, ok := byKey[key]
		if !ok {
			t = &thing{key: key, events: events}
			byKey[key] = t
			all = append(all, t)
		}
		t.add(o, &c.model)
	}
	return all
}

// add takes in the next operation.
func (t *thing) add(o history.Operation, m *model) {
	t.operations++
	switch o.Type() {
	case history.Fail:
		return
	case history.Info:
		t.unknown++
	}
	a, err := t.understand(o, m, o.Type() == history.Info)
	switch {
	case err == nil:
		a.at = len(t.acts)
		t.acts = append(t.acts, a)
	case errors.Is(err, errNothing) || t.strange != "":
	case errors.Is(err, errStrange):
		t.strange = fmt.Sprintf("#%d: a %s has no %q; it has %s", o.Invoke.Index, m.Name, o.Invoke.F, m.Says)
	default:
		t.strange = fmt.Sprintf("#%d: %v", o.Invoke.Index, err)
	}
}

// understand reads an operation; as one of unknown outcome if that is asked for.
func (t *thing) understand(o history.Operation, m *model, unknown bool) (act, error) {
	a := act{op: o, f: o.Invoke.F, unknown: unknown}
	a.lin = linear.Op{Call: o.Invoke.Index, Return: linear.Open, Unknown: unknown}
	if !unknown {
		a.lin.Return = o.Complete.Index
	}
	return a, m.read(t, &a)
}

// judge decides. A bug that one thing meets takes no other along.
func (j *judgement) judge(ctx context.Context, m *model) {
	defer func() {
		if cause := recover(); cause != nil {
			j.verdict, j.reason = checkers.Unknown, fmt.Sprintf("the checker itself broke: %v", cause)
		}
	}()
	if j.strange != "" {
		j.reason = j.strange
		return
	}
	if ctx.Err() != nil {
		return
	}
	r := m.decide(ctx, j.thing)
	j.engine = r.Engine
	j.reason = j.spell(r.Reason)
	switch r.Verdict {
	case linear.Linearizable:
		j.verdict = checkers.Valid
	case linear.Violated:
		j.verdict = checkers.Violation
		for _, w := range r.Witness {
			j.witness = append(j.witness, j.acts[w])
		}
		j.shrink(ctx, m)
	}
}
