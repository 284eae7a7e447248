package object

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

// decide judges the acts of a thing. It may leave out of them what cannot matter.
func (m *model) decide(ctx context.Context, t *thing) linear.Result {
	object, known := m.pick(t)
	if known {
		ops := make([]linear.Op, len(t.acts))
		for i := range t.acts {
			ops[i] = t.acts[i].lin
		}
		return linear.Judge(ctx, object, ops)
	}
	if m.many {
		return linear.JudgeNondeterministic(ctx, m.nondeterministic(), calls(t.acts))
	}
	return linear.JudgeModel(ctx, m.plain(), calls(t.acts))
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
		if !a.unknown {
			all[i].Return = int64(a.lin.Return)
		}
	}
	return all
}

const (
	// mostShrunk is how many acts a history may have up to its violation for us
	// to look for a smaller one in it.
	mostShrunk = 1000
	// shrinkTime bounds the looking.
	shrinkTime = 2 * time.Second
)

// shrink makes the witness of a search as small as possible. A search names the
// operation that no order explains, with those that were open then; a few of
// those before it will do, if the others may have happened or not.
//
// To take what an act is known to have done for unknown, or to leave out one
// that only looked, leaves a linearizable history linearizable. So if the rest is
// wrong, those that are still known contradict each other whatever the others did.
func (j *judgement) shrink(ctx context.Context, m *model) {
	if !strings.HasSuffix(j.engine, "search") && j.engine != "porcupine" {
		return
	}
	if m.sharpen != nil {
		if r := m.sharpen(ctx, j.thing); r.Verdict == linear.Violated && r.Engine == "locks" {
			j.reason, j.witness = r.Reason, nil
			for _, w := range r.Witness {
				j.witness = append(j.witness, j.acts[w])
			}
			return
		}
	}
	until := linear.Open
	for i := range j.witness {
		until = min(until, j.witness[i].lin.Return)
	}
	var near, certain []int
	for i := range j.acts {
		if j.acts[i].lin.Call <= until {
			near = append(near, i)
			if j.acts[i].lin.Return <= until {
				certain = append(certain, i)
			}
		}
	}
	if len(near) > mostShrunk || len(certain) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	wrong := func(kept []int) bool {
		return m.decide(ctx, &thing{acts: j.relaxed(m, near, kept)}).Verdict == linear.Violated
	}
	if !wrong(certain) {
		return
	}
	j.witness = nil
	for _, i := range strike(certain, wrong) {
		j.witness = append(j.witness, j.acts[i])
	}
	j.reason = "no order explains these operations, whatever the others did"
}

// relaxed returns the acts with only those in kept certain.
func (t *thing) relaxed(m *model, near, kept []int) []act {
	var some []act
	for _, i := range near {
		a := t.acts[i]
		if _, certain := slices.BinarySearch(kept, i); !certain {
			weak, err := t.understand(a.op, m, true)
			if err != nil {
				continue
			}
			a = weak
		}
		some = append(some, a)
	}
	return some
}

// strike takes away what it can, in pieces that get smaller, as long as the
// rest is wrong (after Zeller's delta debugging). A wrong that answers false
// once time is up, ends it.
func strike(all []int, wrong func([]int) bool) []int {
	for size := (len(all) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(all); {
			rest := slices.Concat(all[:at], all[min(at+size, len(all)):])
			if len(rest) > 0 && wrong(rest) {
				all = rest
			} else {
				at += size
			}
		}
	}
	return all
}
