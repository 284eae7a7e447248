// Package micro reads and writes the values of transactions: arrays of
// micro-operations, as in [["append","a1.1",3],["r","a1.2",null]].
package micro

import (
	"encoding/json"
	"errors"
	"fmt"
)

// An Op is a micro-operation. F is "r", "w" or "append"; Value is null for a
// read until it was answered.
type Op struct {
	F     string
	Key   string
	Value json.RawMessage
}

// Parse reads the value of a transaction. What it does not know is an error,
// since a client that leaves something out would answer for what it did not do.
func Parse(value json.RawMessage) ([]Op, error) {
	var raw [][]json.RawMessage
	if err := json.Unmarshal(value, &raw); err != nil {
		return nil, fmt.Errorf("read the transaction %s: %w", value, err)
	}
	ops := make([]Op, len(raw))
	for i, m := range raw {
		if len(m) != 3 {
			return nil, fmt.Errorf("read the transaction %s: a micro-operation has three parts", value)
		}
		err := errors.Join(json.Unmarshal(m[0], &ops[i].F), json.Unmarshal(m[1], &ops[i].Key))
		if f := ops[i].F; err == nil && f != "r" && f != "w" && f != "append" {
			err = fmt.Errorf("there is no micro-operation %q", f)
		}
		if err != nil {
			return nil, fmt.Errorf("read the transaction %s: %w", value, err)
		}
		ops[i].Value = m[2]
	}
	return ops, nil
}

// Format writes a transaction.
func Format(ops []Op) (json.RawMessage, error) {
	raw := make([][3]any, len(ops))
	for i, op := range ops {
		raw[i] = [3]any{op.F, op.Key, op.Value}
		if len(op.Value) == 0 {
			raw[i][2] = nil
		}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("write the answer of a transaction: %w", err)
	}
	return text, nil
}

// Keys lists the keys of ops, each once, in the order of their first use.
func Keys(ops []Op) []string {
	var keys []string
	seen := map[string]bool{}
	for _, op := range ops {
		if !seen[op.Key] {
			seen[op.Key] = true
			keys = append(keys, op.Key)
		}
	}
	return keys
}

// Apply carries out a transaction on values that were read before, missing ones
// being null: reads are answered, and values become what the transaction leaves.
// It returns the keys that it wrote. A list is a JSON array.
func Apply(ops []Op, values map[string]json.RawMessage) (written []string, err error) {
	seen := map[string]bool{}
	for i, op := range ops {
		switch op.F {
		case "r":
			ops[i].Value = values[op.Key]
			continue
		case "w":
			values[op.Key] = op.Value
		case "append":
			if values[op.Key], err = push(values[op.Key], op.Value); err != nil {
				return nil, fmt.Errorf("append to %s: %w", op.Key, err)
			}
		}
		if !seen[op.Key] {
			seen[op.Key] = true
			written = append(written, op.Key)
		}
	}
	return written, nil
}

// push returns list with value at its end.
func push(list, value json.RawMessage) (json.RawMessage, error) {
	var elements []json.RawMessage
	if len(list) > 0 {
		if err := json.Unmarshal(list, &elements); err != nil {
			return nil, fmt.Errorf("%s is no list: %w", list, err)
		}
	}
	return json.Marshal(append(elements, value))
}
