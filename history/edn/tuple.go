package edn

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// Tuples says what values [k v] mean. Jepsen's independent keys are tuples in
// its memory, but its files show them as plain vectors of two.
type Tuples uint8

// The meanings of [k v].
const (
	// DetectTuples takes them for a key and a value if the history gives
	// reason: no event has a :key, every client's value is a vector of two
	// that begins with a number or a name, and some operation was invoked
	// with [k nil], as reads of independent keys are.
	DetectTuples Tuples = iota
	// SplitTuples takes every client's value that is a vector of two for a key
	// and a value.
	SplitTuples
	// KeepTuples leaves values as they are.
	KeepTuples
)

// Split puts the keys of tuples where keys belong, for those who read the same
// events in another notation. Values must be JSON without blanks.
func (t Tuples) Split(ops []history.Op) {
	keyed := slices.ContainsFunc(ops, func(op history.Op) bool { return op.Key != "" })
	t.split(ops, keyed)
}

// split is Split, where keyed says that some event said what its key is.
func (t Tuples) split(ops []history.Op, keyed bool) {
	if t == KeepTuples || t == DetectTuples && (keyed || !areTuples(ops)) {
		return
	}
	for i := range ops {
		op := &ops[i]
		if op.Process == history.Nemesis || op.Key != "" {
			continue
		}
		if key, value, ok := pair(op.Value); ok {
			take(op, key, value)
		}
	}
}

// take gives the event its key, and what is left of the tuple as its value.
func take(op *history.Op, key, value json.RawMessage) {
	text, err := textOf(key)
	if err != nil {
		return
	}
	op.Key, op.Value = text, value
	if string(value) == "null" {
		op.Value = nil
	}
}

// splitOwn takes the key off a value that repeats the event's :key, as [Write]
// writes it.
func splitOwn(op *history.Op) {
	key, value, ok := pair(op.Value)
	if !ok {
		return
	}
	if text, err := textOf(key); err == nil && text == op.Key && op.Key != "" {
		take(op, key, value)
	}
}

// areTuples looks for the reasons that [DetectTuples] wants.
func areTuples(ops []history.Op) bool {
	asked := false
	for i := range ops {
		op := &ops[i]
		if op.Process == history.Nemesis || op.Type != history.Invoke && len(op.Value) == 0 {
			continue
		}
		key, value, ok := pair(op.Value)
		if !ok || key[0] == '[' || key[0] == '{' || string(key) == "null" {
			return false
		}
		asked = asked || op.Type == history.Invoke && string(value) == "null"
	}
	return asked
}

// pair takes a JSON array of two elements apart. The JSON is our own: without
// blanks.
func pair(value json.RawMessage) (first, second json.RawMessage, ok bool) {
	if len(value) < len("[0,0]") || value[0] != '[' {
		return nil, nil, false
	}
	comma := elementEnd(value, 1)
	if value[comma] != ',' {
		return nil, nil, false
	}
	end := elementEnd(value, comma+1)
	if end != len(value)-1 {
		return nil, nil, false
	}
	return value[1:comma:comma], value[comma+1 : end : end], true
}

// elementEnd returns where the element that begins at from ends: at a comma or
// the bracket that closes the array.
func elementEnd(value []byte, from int) int {
	depth := 0
	for i := from; i < len(value); i++ {
		switch value[i] {
		case '"':
			i = stringEnd(value, i)
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(value) - 1
}

// stringEnd returns where the string that begins at from has its last quote.
func stringEnd(value []byte, from int) int {
	for i := from + 1; ; i++ {
		next := bytes.IndexAny(value[i:], `"\`)
		if next < 0 {
			return len(value) - 1
		}
		i += next
		if value[i] == '"' {
			return i
		}
		i++
	}
}
