package runner

import (
	"encoding/json"
	"sync"

	"github.com/shakedown-dev/shakedown/history"
)

// A board holds, for every key, the value that a client saw or set last. It
// only serves to make compare-and-sets that have a chance; nothing is judged
// by it.
type board struct {
	mu     sync.Mutex
	values map[string]json.RawMessage
}

func newBoard() *board { return &board{values: map[string]json.RawMessage{}} }

// last returns the value last seen in key; nil if there is none.
func (b *board) last(key string) json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[key]
}

// note takes over what a completed operation tells about its key.
func (b *board) note(op history.Op) {
	if op.Type != history.OK {
		return
	}
	value := op.Value
	if op.F == "cas" {
		var both [2]json.RawMessage
		if json.Unmarshal(value, &both) != nil {
			return
		}
		value = both[1]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[op.Key] = value
}
