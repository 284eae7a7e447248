package checkers

import (
	"context"
	"sync/atomic"

	"github.com/anishathalye/porcupine"
)

// searchMemory bounds what one search may hold in memory, in bytes. Porcupine
// keeps, for every state it has seen, a bit for each operation, so that a long
// history of one key can take more than a machine has; we stop before that.
const searchMemory = 1 << 30

// search asks porcupine whether the accesses can be put into an order that
// respects time and explains every result. It waits until porcupine has come
// to an end, which it soon does when ctx is done. Unknown comes with a reason.
//
// Cost: exponential in the number of accesses that overlap; see judge, which
// first takes away all that it can.
func search(ctx context.Context, accesses []access) (Verdict, string) {
	stop := &stopper{left: searchMemory, state: int64(len(accesses)/8 + 96)}
	defer context.AfterFunc(ctx, func() { stop.stopped.Store(true) })()
	if ctx.Err() != nil {
		return Unknown, outOfTime
	}
	linearizable := porcupine.CheckOperations(stop.model(), porcupineHistory(accesses))
	switch {
	case stop.left < 0:
		return Unknown, "its search would need more memory than it may have"
	case stop.stopped.Load():
		return Unknown, outOfTime
	case linearizable:
		return Valid, ""
	}
	return Violation, ""
}

const outOfTime = "its time was up"

// A stopper ends a search early. Porcupine cannot be interrupted; but when no
// step is possible any more, it has nothing left to search. Its answer then
// means nothing and is thrown away.
type stopper struct {
	stopped atomic.Bool
	// left is how many bytes of memory may still be used, and state what one
	// more state takes. Only the goroutine that searches touches them, and
	// porcupine starts one for us, since there is one partition.
	left, state int64
}

func (s *stopper) model() porcupine.Model {
	m := porcupineModel()
	m.Step = func(state, input, _ any) (bool, any) {
		if s.stopped.Load() {
			return false, state
		}
		ok, next := input.(*access).step(state.(int))
		if ok {
			if s.left -= s.state; s.left < 0 {
				s.stopped.Store(true)
			}
		}
		return ok, next
	}
	return m
}

// porcupineModel is the register as porcupine sees it: its state is the number
// of a value.
func porcupineModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, input, _ any) (bool, any) { return input.(*access).step(state.(int)) },
		Hash: func(state any) uint64 {
			// Spread the small numbers, because porcupine mixes this with the
			// hash of a set by exclusive or.
			return uint64(state.(int)+1) * 0x9e3779b97f4a7c15
		},
	}
}

func porcupineHistory(accesses []access) []porcupine.Operation {
	operations := make([]porcupine.Operation, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		operations[i] = porcupine.Operation{
			ClientId: a.op.Invoke.Process, Input: a, Call: int64(a.call), Return: int64(a.ret),
		}
	}
	return operations
}

// judge asks porcupine whether the accesses of one key are linearizable: reduced
// where that is exact, as they are where it is not.
func judge(ctx context.Context, accesses []access) (Verdict, string) {
	if unique(accesses) {
		accesses = reduce(accesses)
	}
	for i := range accesses {
		if accesses[i].ret < accesses[i].call {
			// Somebody saw it before it was invoked. Porcupine must not get
			// such an interval.
			return Violation, ""
		}
	}
	return search(ctx, accesses)
}
