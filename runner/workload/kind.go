package workload

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Kind is a workload by its name in scenarios.
type Kind struct {
	Name string
	// Make makes the operations.
	Make func(Spec) [][]Operation
	// Keys lists what is read in the end, in natural order; nil if nothing is.
	Keys func([][]Operation) []string
	// last makes the final operations for keys; nil if there are none.
	last func(keys []string) []Operation
}

// Final returns the operations by which everything about the keys is read once
// the storm is over, through each node. A client sends them one after another.
func (k Kind) Final(keys []string) []Operation {
	if k.last == nil {
		return nil
	}
	return k.last(keys)
}

// Kinds returns all workloads.
func Kinds() []Kind {
	return []Kind{
		{"register", Register, Keys, each(Read)},
		{"cas-register", Register, Keys, each(Read)},
		{"append", Append, TxnKeys, readTogether},
		{"rw-register", RWRegister, TxnKeys, readTogether},
		{"bank", Bank, Keys, each(Read)},
		{"long-fork", LongFork, TxnKeys, readGroups},
		{"write-skew", WriteSkew, nil, nil},
		{"set", Set, Keys, each(Read)},
		{"queue", Queue, Keys, each(Drain)},
		{"counter", Counter, Keys, each(Read)},
		{"unique-ids", UniqueIDs, nil, nil},
		{"lock", Lock, nil, nil},
		{"log", Log, Keys, each(Poll)},
		{"monotonic", Monotonic, Keys, each(Read)},
		{"sequential", Sequential, Keys, each(Read)},
		{"causal-reverse", CausalReverse, Keys, each(Read)},
	}
}

// Find returns the workload of that name.
func Find(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds()[i], true
}

// each makes one final operation for each key.
func each(f string) func([]string) []Operation {
	return func(keys []string) []Operation {
		var ops []Operation
		for _, key := range keys {
			ops = append(ops, Operation{F: f, Key: key})
		}
		return ops
	}
}

// finalLength is how many keys a final transaction reads: few enough for what
// systems allow in a transaction, enough to be done soon.
const finalLength = 8

// readTogether makes transactions that read several keys each.
func readTogether(keys []string) []Operation {
	var ops []Operation
	for some := range slices.Chunk(keys, finalLength) {
		ops = append(ops, readsOf(some))
	}
	return ops
}

// readGroups makes a transaction for each group of keys, as LongFork does.
func readGroups(keys []string) []Operation {
	var ops []Operation
	for len(keys) > 0 {
		group := groupOf(keys[0])
		n := slices.IndexFunc(keys, func(key string) bool { return groupOf(key) != group })
		if n < 0 {
			n = len(keys)
		}
		ops, keys = append(ops, readsOf(keys[:n])), keys[n:]
	}
	return ops
}

// groupOf is the name of a key without its number within the group.
func groupOf(key string) string { return key[:max(strings.LastIndexByte(key, '.'), 0)] }

func readsOf(keys []string) Operation {
	var micros []json.RawMessage
	for _, key := range keys {
		micros = append(micros, micro("r", key, nil))
	}
	return Operation{F: Txn, Value: array(micros)}
}

// MicroKeys returns the keys of the micro-operations of op, each once; nil if
// it is no transaction.
func MicroKeys(op Operation) []string { return TxnKeys([][]Operation{{op}}) }
