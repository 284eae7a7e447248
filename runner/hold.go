package runner

import (
	"encoding/json"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/workload"
)

// A hold is the lock that a worker believes to hold: it was told so, and has
// not tried to give it back. Whether it still has it, it does not ask.
type hold struct {
	key   string
	token json.RawMessage
}

// guard completes an operation on a lock, and says whether it makes sense: only
// who holds the lock writes what it guards, under the token that came with it,
// and gives it back.
func (h *hold) guard(op history.Op) (history.Op, bool) {
	if op.F == workload.Acquire {
		return op, true
	}
	if h.key == "" || h.key != op.Key {
		return op, false
	}
	if op.F == workload.Write {
		op.Value = h.token
	}
	return op, true
}

// note takes in how an operation on a lock ended.
func (h *hold) note(done history.Op) {
	switch {
	case done.F == workload.Acquire && done.Type == history.OK:
		h.key, h.token = done.Key, done.Value
	case done.F == workload.Acquire, done.F == workload.Release:
		*h = hold{}
	}
}
