package history

import (
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"
)

// A History is the whole of a run, in order. It is not changed once it is
// made, so that any number of checkers may read it at a time.
type History struct {
	// Ops are the events; Ops[i].Index is i.
	Ops []Op
	// Truncated says that the file's last line was cut short and was dropped:
	// whoever wrote it did not get to an end.
	Truncated bool
	// SessionOnly says that the source knew the order of the events of each
	// process, and not which of two processes was first: what the order of the
	// events and their times say beyond that means nothing, and must not be
	// used to judge. Only some foreign formats are so.
	SessionOnly bool

	// pairs are the operations, once somebody asked for them. nil for a History
	// that was not made by New: then they are paired each time.
	pairs *pairs
}

// pairs are the operations of these events.
type pairs struct {
	once       sync.Once
	of         []Op
	operations []Operation
}

// New makes a History of events that are in memory. They are taken as they
// are; see [History.Validate].
func New(ops []Op) *History {
	return &History{Ops: ops, pairs: &pairs{of: ops}}
}

// An Operation is what a client asked and how that ended.
type Operation struct {
	Invoke *Op
	// Complete is nil for an operation that never completed, because the run
	// was cut short. It counts as [Info]: it may have happened, or still will.
	Complete *Op
}

// Type returns OK, Fail or Info; Info for an operation that never completed.
func (o Operation) Type() Type {
	if o.Complete == nil {
		return Info
	}
	return o.Complete.Type
}

// Start returns when the operation was invoked; it did not happen before.
func (o Operation) Start() time.Duration {
	return o.Invoke.Time
}

// End returns when the operation completed. An operation with an unknown
// outcome may take effect at any later time, so its end is [math.MaxInt64].
func (o Operation) End() time.Duration {
	if o.Type() == Info {
		return math.MaxInt64
	}
	return o.Complete.Time
}

// Value returns the completion's value if there is one, else the invocation's.
func (o Operation) Value() json.RawMessage {
	if o.Complete != nil && len(o.Complete.Value) > 0 {
		return o.Complete.Value
	}
	return o.Invoke.Value
}

// Operations returns what the clients did, by index of the invocation, without
// the nemesis. It points into h.Ops. In a history that does not [History.Validate],
// completions without an invocation are left out. All who ask get the same,
// and must not change it.
func (h *History) Operations() []Operation {
	if p := h.pairs; p != nil && len(p.of) == len(h.Ops) && (len(p.of) == 0 || &p.of[0] == &h.Ops[0]) {
		p.once.Do(func() { p.operations = pair(p.of) })
		return slices.Clip(p.operations)
	}
	return pair(h.Ops)
}

// pair finds the completion of each invocation.
func pair(ops []Op) []Operation {
	operations := make([]Operation, 0, len(ops)/2+1)
	open := make(map[int]int)
	for i := range ops {
		op := &ops[i]
		if op.Process == Nemesis {
			continue
		}
		if op.Type == Invoke {
			open[op.Process] = len(operations)
			operations = append(operations, Operation{Invoke: op})
			continue
		}
		if at, ok := open[op.Process]; ok {
			operations[at].Complete = op
			delete(open, op.Process)
		}
	}
	return operations
}
