package runner

import (
	"encoding/json"
	"sync"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/workload"
)

// A board holds which keys have been touched and, for each, the value that a
// client saw or set last. The values only serve to make compare-and-sets that
// have a chance; nothing is judged by them.
type board struct {
	mu      sync.Mutex
	values  map[string]json.RawMessage
	touched map[string]bool
}

func newBoard() *board {
	return &board{values: map[string]json.RawMessage{}, touched: map[string]bool{}}
}

// touch notes that an operation is about to be sent, on its key or on those of
// its transaction.
func (b *board) touch(op history.Op) {
	keys := []string{op.Key}
	if op.F == workload.Txn {
		keys = workload.MicroKeys(workload.Operation{F: op.F, Value: op.Value})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		b.touched[key] = true
	}
}

// only returns those of keys that were touched. The others, which a closed
// loop never got to, hold nothing to be read.
func (b *board) only(keys []string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, k := range keys {
		if b.touched[k] {
			out = append(out, k)
		}
	}
	return out
}

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
