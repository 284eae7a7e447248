package object

import (
	"context"
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A Reader says what an operation is to a model of the user's own: its input and
// output. It is false for one that says nothing and is left out, like a read
// without an answer. Failed operations are not asked for. One with an unknown
// outcome ([history.Operation.Type] is Info) never returns; the model must
// allow it in every state, so that it can come last of all, which is the same as
// never.
type Reader func(o history.Operation) (input, output any, says bool)

// Of makes the checker of a model of the user's own. The model's Partition is
// kept to; keys are not told apart otherwise. The name goes into the result.
func Of(name string, m porcupine.Model, read Reader) checkers.Checker {
	return custom{name, read, func(ctx context.Context, calls []porcupine.Operation) linear.Result {
		return linear.JudgeModel(ctx, m, calls)
	}}
}

// OfMany is [Of] for a model whose operations may lead to one of several states.
func OfMany(name string, m porcupine.NondeterministicModel, read Reader) checkers.Checker {
	return custom{name, read, func(ctx context.Context, calls []porcupine.Operation) linear.Result {
		return linear.JudgeNondeterministic(ctx, m, calls)
	}}
}

// custom is the checker of a model that we know nothing of.
type custom struct {
	name  string
	read  Reader
	judge func(ctx context.Context, calls []porcupine.Operation) linear.Result
}

// Name returns "linearizable".
func (custom) Name() string { return "linearizable" }

// Check judges the operations that the reader takes.
func (c custom) Check(ctx context.Context, h *history.History) checkers.Result {
	t := &thing{}
	var asked []porcupine.Operation
	for _, o := range h.Operations() {
		if o.Type() == history.Fail {
			continue
		}
		input, output, says := c.read(o)
		if !says {
			continue
		}
		a := act{op: o, f: o.Invoke.F, unknown: o.Type() == history.Info}
		a.lin = linear.Op{Call: o.Invoke.Index, Return: linear.Open, Unknown: a.unknown}
		if !a.unknown {
			a.lin.Return = o.Complete.Index
		}
		call := calls([]act{a})[0]
		call.Input, call.Output = input, output
		t.acts, asked = append(t.acts, a), append(asked, call)
	}
	return c.result(c.judge(ctx, asked), t, h.Faults())
}

func (c custom) result(found linear.Result, t *thing, faults []history.FaultWindow) checkers.Result {
	r := checkers.Result{Check: "linearizable " + c.name, Counts: map[string]int64{"operations": int64(len(t.acts))}}
	switch {
	case len(t.acts) == 0:
		r.Says = []string{"The history has no operations of the model."}
	case found.Verdict == linear.Linearizable:
		r.Verdict = checkers.Valid
		r.Says = []string{fmt.Sprintf("%s are linearizable; decided by %s.", say.Number(len(t.acts), "operation"), plain(found.Engine))}
	case found.Verdict == linear.Violated:
		r.Verdict = checkers.Violation
		j := &judgement{thing: t, reason: found.Reason}
		for _, w := range found.Witness {
			j.witness = append(j.witness, t.acts[w])
		}
		one := checker{model: model{Model: Model{Name: c.name}}}
		one.show(&r, j, faults)
	default:
		r.Says = []string{say.Capital(found.Reason) + "."}
	}
	return r
}
