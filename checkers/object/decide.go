package object

import (
	"context"
	"hash/maphash"
	"math"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// decide judges the acts of a thing. It may leave out of them what cannot matter.
func (m *model) decide(ctx context.Context, t *thing) linear.Result {
	if object, known := m.pick(t); known {
		r := linear.Judge(ctx, object, times(t.acts))
		if r.Verdict != linear.Unknown || object != linear.Bag || ctx.Err() != nil {
			return r
		}
	}
	acts := m.settle(t.acts)
	r := linear.JudgeSteps(ctx, m.steps(acts, m.first), times(acts))
	if r.Verdict == linear.Unknown && ctx.Err() == nil {
		// porcupine follows one order at a time, and so may find one sooner.
		r = m.judgePorcupine(ctx, acts)
	}
	return original(r, acts)
}

func (m *model) judgePorcupine(ctx context.Context, acts []act) linear.Result {
	if m.many {
		return linear.JudgeNondeterministic(ctx, m.nondeterministic(), calls(acts))
	}
	return linear.JudgeModel(ctx, m.plain(), calls(acts))
}

// plain is the machine as porcupine takes it, if each operation leads to one state.
func (m *model) plain() porcupine.Model {
	seed := maphash.MakeSeed()
	return porcupine.Model{
		Init: func() any { return m.first },
		Hash: func(state any) uint64 { return maphash.String(seed, state.(string)) },
		Step: func(state, input, _ any) (bool, any) {
			if next := m.step(state.(string), input.(*act)); len(next) > 0 {
				return true, next[0]
			}
			return false, state
		},
	}
}

// nondeterministic is the machine as porcupine takes it, if not.
func (m *model) nondeterministic() porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{m.first} },
		Step: func(state, input, _ any) []any {
			var next []any
			for _, s := range m.step(state.(string), input.(*act)) {
				next = append(next, s)
			}
			return next
		},
	}
}

// calls are the acts as porcupine takes them.
func calls(acts []act) []porcupine.Operation {
	all := make([]porcupine.Operation, len(acts))
	for i := range acts {
		a := &acts[i]
		all[i] = porcupine.Operation{ClientId: a.op.Invoke.Process, Input: a, Call: int64(a.lin.Call), Return: math.MaxInt64}
		if !a.lin.Unknown {
			all[i].Return = int64(a.lin.Return)
		}
	}
	return all
}
