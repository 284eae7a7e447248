package linear

import (
	"context"
	"math/bits"

	"github.com/anishathalye/porcupine"
)

// Steps are an object as a machine whose states are texts, for which operations
// are positions in a history.
type Steps struct {
	// Start are the states that it may be in at first.
	Start []string
	// Step returns the states that an operation may lead to from state, none if
	// it cannot have happened there. It depends on nothing but its arguments.
	Step func(op int, state string) []string
	// Class is equal for operations that do the same in every state; nil for one
	// that is like no other. It can be compared.
	Class func(op int) any
}

// JudgeSteps judges a history by a machine. Unlike [JudgeModel] it knows which
// operations have an unknown outcome ([Op.Unknown]), so that any number of them
// may be open; of the operations it looks at nothing else but their times. If
// too many ways must be kept, the result is Unknown.
func JudgeSteps(ctx context.Context, s Steps, ops []Op) Result {
	first := s.searcher(ctx, ops)
	r := first.walk()
	if r.Verdict != Unknown || ctx.Err() != nil {
		return r
	}
	few := s.searcher(ctx, ops)
	few.cover.beam = beam
	if tried := few.walk(); tried.Verdict == Linearizable {
		return tried
	}
	return r
}

func (s Steps) searcher(ctx context.Context, ops []Op) *searcher {
	model := foreignModel{
		start: func() (all []any) {
			for _, state := range s.Start {
				all = append(all, state)
			}
			return all
		},
		step: func(state, input, _ any) (all []any) {
			for _, next := range s.Step(input.(int), state.(string)) {
				all = append(all, next)
			}
			return all
		},
	}
	history := make([]porcupine.Operation, len(ops))
	for i := range history {
		history[i].Input = i
	}
	m := newForeign(model, history)
	m.classes = s.classes(len(ops))
	found := newSearcher(ctx, "model-search", ops, m)
	found.most, found.enough = mostForeign, 20*(mostForeign+len(ops))
	return found
}

// classes numbers the classes of n operations.
func (s Steps) classes(n int) []int32 {
	numbers, all := map[any]int32{}, make([]int32, n)
	for i := range all {
		name := s.Class(i)
		if all[i] = none; name == nil {
			continue
		}
		if _, known := numbers[name]; !known {
			numbers[name] = int32(len(numbers))
		}
		all[i] = numbers[name]
	}
	return all
}

// A Way is one way in which everything can have gone up to a moment.
type Way struct {
	State string
	// Done are the operations that were open at that moment and had taken effect.
	Done []int
	// Used are the operations of unknown outcome that took effect, those of one
	// class being named in the order of their calls.
	Used []int
}

// Ways returns for each of the marks in how many ways everything can have gone
// when so many of the certain operations had returned; nil where nobody knows,
// or where there are more than most. Ways that are no better than others are left
// out: what can go on from them can go on from the others as well.
func (s Steps) Ways(ctx context.Context, ops []Op, marks []int, most int) map[int][]Way {
	asked := make(map[int]bool, len(marks))
	for _, m := range marks {
		asked[m] = true
	}
	found := make(map[int][]Way, len(marks))
	walker := s.searcher(ctx, ops)
	walker.passed = func(returned int) {
		if asked[returned] && len(walker.now.configs) <= most {
			found[returned] = walker.ways()
		}
	}
	if asked[0] {
		for _, state := range s.Start {
			found[0] = append(found[0], Way{State: state})
		}
	}
	walker.walk()
	return found
}

// ways are the configurations held.
func (s *searcher) ways() []Way {
	m, isForeign := s.m.(*foreign)
	if !isForeign {
		return nil
	}
	var all []Way
	for _, c := range s.now.configs {
		if c.state < 0 {
			continue
		}
		state, _ := m.states[c.state].(string)
		way := Way{State: state, Used: s.spent(c.used)}
		for done := c.done & s.open; done != 0; done &= done - 1 {
			way.Done = append(way.Done, int(s.inSlot[bits.TrailingZeros64(done)]))
		}
		all = append(all, way)
	}
	return all
}

// spent are the unknown operations in a multiset.
func (s *searcher) spent(used int32) []int {
	var all []int
	for _, share := range s.usage.sets[used] {
		left := share.count
		if share.class < none { // one that is like no other; see crash
			all = append(all, int(-2-share.class))
			continue
		}
		for i := range s.ops {
			if left > 0 && s.ops[i].Unknown && s.m.class(i) == share.class {
				all = append(all, i)
				left--
			}
		}
	}
	return all
}
