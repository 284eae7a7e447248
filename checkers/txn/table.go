package txn

const (
	// roomy is up to which value every key has an array of its own; beyond, the
	// array may be crowded times as large as what is in it.
	roomy   = 64
	crowded = 4
)

// A table holds something for versions. Values are mostly small and dense, and
// then it is an array for each key: a map of a million versions would take half
// of all time.
type table[T any] struct {
	keys   []slots[T]
	sparse map[kv]T
}

type slots[T any] struct {
	dense []slot[T]
	count int
}

type slot[T any] struct {
	held T
	used bool
}

func newTable[T any]() *table[T] {
	return &table[T]{sparse: make(map[kv]T)}
}

func (t *table[T]) get(key int32, val value) (held T, ok bool) {
	if int(key) < len(t.keys) {
		if d := t.keys[key].dense; val >= 0 && val < value(len(d)) && d[val].used {
			return d[val].held, true
		}
	}
	if len(t.sparse) > 0 {
		held, ok = t.sparse[kv{key, val}]
	}
	return held, ok
}

func (t *table[T]) set(key int32, val value, held T) {
	for int(key) >= len(t.keys) {
		t.keys = append(t.keys, slots[T]{})
	}
	k := &t.keys[key]
	if val < 0 || val >= value(len(k.dense)) && val >= value(roomy+crowded*k.count) {
		t.sparse[kv{key, val}] = held
		return
	}
	if len(t.sparse) > 0 {
		delete(t.sparse, kv{key, val})
	}
	for val >= value(len(k.dense)) {
		k.dense = append(k.dense, slot[T]{})
	}
	if !k.dense[val].used {
		k.count++
	}
	k.dense[val] = slot[T]{held, true}
}
