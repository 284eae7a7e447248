// Package linear decides whether the history of one object is linearizable
// (Herlihy and Wing, Linearizability, 1990): whether each operation can be
// given one moment between its call and its return, such that every result is
// what the operations before it left behind.
//
// It knows special cases that are decided exactly in O(n log n), and chooses
// them itself; see [Judge]. What fits none of them goes to a search that walks
// along the events and whose memory does not grow with the history. Models of
// the user's own go through [JudgeModel] and [JudgeNondeterministic].
//
// It explains nothing: a [Result] names the engine, says in one sentence what
// it found, and points at the operations that contradict each other. It knows
// neither files nor the rest of the checkers.
package linear

import (
	"context"
	"fmt"
	"math"
)

// A Verdict is what was found out. The zero Verdict is Unknown.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Linearizable
	Violated
)

// String returns "unknown", "linearizable" or "violated".
func (v Verdict) String() string {
	switch v {
	case Linearizable:
		return "linearizable"
	case Violated:
		return "violated"
	}
	return "unknown"
}

// A Result is a verdict with its grounds.
type Result struct {
	Verdict Verdict
	// Engine names what decided: "zones", "search", "queue", ….
	Engine string
	// Reason is a sentence without a full stop: for Violated what is wrong,
	// for Unknown why it was not decided and how far it got.
	Reason string
	// Witness are positions in the operations given, ascending: operations
	// that contradict each other. Values that they observed and that none of
	// them wrote, were written by others, once. Empty unless Violated.
	Witness []int
}

// Open is the return of an operation that may take effect at any later time.
const Open = math.MaxInt

// An Op is one operation on the object. An operation that is known to have
// failed did not happen and must be left out, and so must an observation whose
// result is unknown.
type Op struct {
	// Call and Return are when it was called and when it returned, in indexes
	// of events or any other unit. One that returned before another was
	// called, precedes it; if the two are equal, they overlap.
	Call, Return int
	// Unknown says that nobody knows whether it happened: it may take effect
	// at any time after Call, or never. Return is then ignored.
	Unknown bool
	Kind    Kind
	// Value and New are arguments or results; see [Kind].
	Value, New int
	// Whole is what a [Snapshot] saw.
	Whole []int
}

// end is the return of o, which is Open if it is unknown.
func (o *Op) end() int {
	if o.Unknown {
		return Open
	}
	return o.Return
}

// A Kind says what an operation did.
type Kind uint8

// The kinds of operations, by the objects that have them.
const (
	// Read saw Value. [Register] and [Counter].
	Read Kind = iota
	// Write set the register to Value.
	Write
	// CAS found Value and put New in its place. If it is unknown, it may also
	// have found another value and done nothing.
	CAS
	// Refuse found some value other than Value: a compare-and-set that did
	// not take place and did not say what it saw.
	Refuse
	// Add adds Value: to a counter as a number, to a [Set] or [GrowSet] as an
	// element (it may be there already), to a [Log] at the end.
	Add
	// FetchAdd added Value to a counter, which then was New.
	FetchAdd
	// Insert put Value into a set and found that it had not been there.
	Insert
	// Remove took Value out of a set and found that it had been there.
	Remove
	// Discard takes Value out of a set, if it is there.
	Discard
	// Has found that Value is in the set, Lacks that it is not.
	Has
	Lacks
	// Snapshot saw all of a [GrowSet] (in any order) or a [Log]: Whole.
	Snapshot
	// Put puts Value into a [Queue], [Stack] or [PriorityQueue].
	Put
	// Take took Value out. If it is unknown, nobody knows which value.
	Take
	// Empty wanted to take and found nothing. Peek saw that Value was next.
	Empty
	Peek
	// Acquire got a [Mutex], or for the holder Value a [Lock] or a [Lease];
	// Release gave it back. A lease that is not given back is over when event
	// New was reached; New is 0 if it does not end by itself.
	Acquire
	Release
	// Grant gave out the fencing token Value; Accept is the resource taking a
	// command with the token Value. [Fencing].
	Grant
	Accept
)

// An Object is what the operations are meant to be operations of.
type Object uint8

// The objects.
const (
	// Register holds one value, at first [Initial].
	Register Object = iota
	// Counter holds a number, at first 0.
	Counter
	// Set is judged element by element; at first it is empty.
	Set
	// GrowSet is a set that only grows and is read as a whole.
	GrowSet
	// Log is a list that only grows at its end and is read as a whole.
	Log
	// Queue gives back first what was put first, Stack what was put last, and
	// PriorityQueue the largest value. At first they are empty.
	Queue
	Stack
	PriorityQueue
	// Bag gives back its values in any order. It has no Peek. Where values are put
	// twice, or what takes of unknown outcome took decides, it is Unknown.
	Bag
	// Mutex is free or taken; anybody may release it.
	Mutex
	// Lock is a mutex that only its holder can release.
	Lock
	// Lease is a lock of which two holders must never be sure at once.
	Lease
	// Fencing gives out tokens that grow, and a resource that never accepts a
	// smaller token after a larger one, nor one not given out.
	Fencing
)

// Initial is the value of a register before the first write.
const Initial = 0

// Judge decides whether the operations are linearizable. It chooses the engine
// and names it in the result:
//
//	zones          registers whose values are written once       O(n log n)
//	register-search  any other register, and mutexes                exponential
//	elements       sets, each element added and removed once     O(n log n)
//	snapshots      grow-only sets and logs with whole reads      O(size of the reads)
//	queue, stack, priority-queue, bag  each value put once       O(n log n)
//	counter        equal increments, also with their results     O(n log n)
//	locks, leases, fencing                                       O(n log n)
//	search         whatever these cannot decide                  exponential
//
// Exponential means: in the number of operations that are open at once, not in
// the length of the history. Each engine treats unknown operations exactly;
// where it cannot, it hands over to the search, which can. When ctx is done, or
// the search would need too much memory, the result is Unknown.
func Judge(ctx context.Context, object Object, ops []Op) Result {
	for i := range ops {
		if !ops[i].Unknown && ops[i].Return < ops[i].Call {
			return Result{Engine: "none", Reason: fmt.Sprintf("operation %d returned before it was called", i)}
		}
	}
	if ctx.Err() != nil {
		return Result{Engine: "none", Reason: outOfTime}
	}
	switch object {
	case Register:
		return judgeRegister(ctx, ops)
	case Counter:
		return judgeCounter(ctx, ops)
	case Set:
		return judgeSet(ctx, ops)
	case GrowSet, Log:
		return judgeSnapshots(ctx, ops, object == Log)
	case Queue, Stack, PriorityQueue, Bag:
		return judgeContainer(ctx, object, ops)
	case Mutex:
		return judgeMutex(ctx, ops)
	case Lock:
		return judgeLock(ctx, ops)
	case Lease:
		return judgeLease(ops)
	case Fencing:
		return judgeFencing(ops)
	}
	return Result{Engine: "none", Reason: fmt.Sprintf("there is no object %d", object)}
}

const outOfTime = "its time was up"

// legal is the result of an engine that found an order.
func legal(engine string) Result { return Result{Verdict: Linearizable, Engine: engine} }

// strange is the result for an operation that the object does not have.
func strange(engine string, i int) Result {
	return Result{Engine: engine, Reason: fmt.Sprintf("operation %d is of a kind that the object does not have", i)}
}
