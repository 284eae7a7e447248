package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Txn is the F of transactions, whose Value is an array of micro-operations.
const Txn = "txn"

// AppendTo is the micro-operation that appends; it weighs in [Append]'s Mix.
const AppendTo = "append"

// Append makes transactions on lists: Txn of micro-operations ["append", key,
// value], value being an integer from 1 that no other appends to the list, and
// ["r", key, null], which reads the whole list. A transaction has from 1 to
// TxnLength of them, on keys in use, "a3.7"; each counts against
// OperationsPerKey. Key is empty. Mix weighs AppendTo and Read.
func Append(s Spec) [][]Operation {
	return transactions(s, "a", func(p part, slot *slot, _ map[string]bool) []json.RawMessage {
		if p.f == Read {
			return []json.RawMessage{micro("r", slot.key(), nil)}
		}
		return []json.RawMessage{micro("append", slot.key(), slot.value())}
	})
}

// RWRegister makes transactions on registers: Txn of micro-operations ["w",
// key, value], value being an integer from 1 that no other writes to the key,
// and ["r", key, null]. A key is read in a transaction before it is written
// there, so that reads tell the order of the versions and nothing need be
// searched for. A transaction has from 1 to TxnLength of them and those
// reads, on keys in use, "x3.7". Key is empty. Mix weighs Write and Read.
func RWRegister(s Spec) [][]Operation {
	return transactions(s, "x", func(p part, slot *slot, read map[string]bool) []json.RawMessage {
		var micros []json.RawMessage
		if p.f == Read || !read[slot.key()] {
			micros = append(micros, micro("r", slot.key(), nil))
			read[slot.key()] = true
		}
		if p.f != Read {
			micros = append(micros, micro("w", slot.key(), slot.value()))
		}
		return micros
	})
}

// transactions makes transactions, of which one gives the micro-operations
// that a part comes to; read are the keys that the transaction has read so far.
func transactions(s Spec, prefix string, one func(p part, slot *slot, read map[string]bool) []json.RawMessage) [][]Operation {
	length := max(orElse(s.TxnLength, 4), 1)
	mix := newMix(s.Mix)
	return plan{
		Spec: s, prefix: prefix,
		more: func(rng *rand.Rand, d *sketch) {
			d.parts = append(d.parts, part{d.f, d.slot})
			for range rng.IntN(length) {
				d.parts = append(d.parts, part{mix.pick(rng), rng.IntN(max(s.Keys, 1))})
			}
		},
		give: func(d *sketch, slots []*slot) Operation {
			read := make(map[string]bool)
			var all []json.RawMessage
			for _, p := range d.parts {
				slots[p.slot].use()
				all = append(all, one(p, slots[p.slot], read)...)
			}
			return Operation{F: Txn, Value: array(all)}
		},
	}.make()
}

// LongFork makes transactions that show whether two reads saw two writes in
// opposite orders: Txn of a single ["w", key, 1], and Txn of ["r", key, null]
// of all the GroupSize keys of a group, in any order. Every key is written
// once; when all of a group are, or it had OperationsPerKey operations, the
// slot goes on to the next group, of keys "f3.7.1", "f3.7.2". Key is empty. Mix
// weighs Write and Read.
func LongFork(s Spec) [][]Operation {
	size := max(orElse(s.GroupSize, 2), 2)
	return plan{
		Spec: s, prefix: "f",
		more: func(rng *rand.Rand, d *sketch) { d.n = rng.Perm(size) },
		give: func(d *sketch, slots []*slot) Operation {
			slot := slots[d.slot]
			if d.f == Write && slot.written == size {
				slot.renew()
			}
			slot.use()
			if d.f == Write {
				slot.written++
				return Operation{F: Txn, Value: array([]json.RawMessage{micro("w", member(slot, slot.written), jsonInteger(1))})}
			}
			var all []json.RawMessage
			for _, i := range d.n {
				all = append(all, micro("r", member(slot, i+1), nil))
			}
			return Operation{F: Txn, Value: array(all)}
		},
	}.make()
}

// member is the name of a key of the slot's group.
func member(s *slot, i int) string { return fmt.Sprintf("%s.%d", s.key(), i) }

// micro is the JSON of a micro-operation; nil is null.
func micro(f, key string, value json.RawMessage) json.RawMessage {
	if value == nil {
		value = json.RawMessage("null")
	}
	return fmt.Appendf(nil, "[%q,%q,%s]", f, key, value)
}

// array is the JSON array of the elements.
func array(elements []json.RawMessage) json.RawMessage {
	b := json.RawMessage("[")
	for i, e := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	return append(b, ']')
}

// TxnKeys returns every key that occurs in the micro-operations of ops, once,
// in natural order: what final reads of transactions are to read. Operations
// whose Value is no array of micro-operations are passed over.
func TxnKeys(ops [][]Operation) []string {
	seen := make(map[string]bool)
	var keys []string
	for _, client := range ops {
		for _, op := range client {
			var micros [][]any
			if op.F != Txn || json.Unmarshal(op.Value, &micros) != nil {
				continue
			}
			for _, m := range micros {
				if key, isText := keyOf(m); isText && !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
			}
		}
	}
	slices.SortFunc(keys, natural)
	return keys
}

// keyOf returns the key of a micro-operation.
func keyOf(micro []any) (string, bool) {
	if len(micro) < 2 {
		return "", false
	}
	key, isText := micro[1].(string)
	return key, isText
}
