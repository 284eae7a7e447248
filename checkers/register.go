package checkers

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// A model is what a key is meant to be.
type model struct {
	name string
	// cas says that the register knows compare-and-set.
	cas bool
}

func models() []model {
	return []model{{name: "register"}, {name: "cas-register", cas: true}}
}

func modelNames() []string {
	var names []string
	for _, m := range models() {
		names = append(names, m.name)
	}
	return names
}

const (
	// nothing stands where an access does not need, set or refuse any value.
	nothing = -1
	// initial is the number of the value that the key has at first, mostly null.
	initial = 0
	// open is the return of an access that may take effect at any later time.
	open = math.MaxInt
)

// An access is what one operation does to a register, with its values as
// numbers. A read needs a value; a write sets one; a compare-and-set needs one
// and sets another; and one that is known to have found something else than it
// expected refuses a value.
//
// Its interval is in indexes of events, not in nanoseconds: the order of
// events is the order in which they really happened, and an index is never
// shared, so that there are no ties. An operation that completed before
// another was invoked therefore precedes it, even within one nanosecond.
//
// Whether an operation with an unknown result happened is nobody's guess: its
// interval stays open for ever, where a write that comes last of all disturbs
// nobody, and a compare-and-set that finds another value than it needs leaves
// the register as it is. "It never happened" and "it happens after all we saw"
// are thus the same.
type access struct {
	op                   history.Operation
	needs, sets, refuses int
	call, ret            int
	// witness is the index of the invocation of the access that proves, by
	// what it saw, that this one happened before it ended; nothing if no
	// proof is needed. See reduce.
	witness int
}

// id names the access: the index of its invocation.
func (a *access) id() int { return a.op.Invoke.Index }

// certain reports whether the operation is known to have happened.
func (a *access) certain() bool { return a.op.Type() != history.Info }

// step applies the access to the value in the register.
func (a *access) step(state int) (bool, int) {
	switch {
	case a.refuses != nothing:
		return state != a.refuses, state
	case a.needs != nothing && a.needs != state:
		return a.ret == open, state
	case a.sets != nothing:
		return true, a.sets
	}
	return true, state
}

// A register is the history of one key.
//
// What its operations do is gathered when they are judged, and let go when they
// are found to be right: of the keys of a long history, few are in memory at a
// time. The figures stay.
type register struct {
	key string
	// at are the key's operations, by their places among all.
	at []int32
	// first is the canonical value that the key had at first.
	first string
	// accesses are in order of invocation, without what cannot matter: failed
	// operations did not happen, and a read whose result nobody knows could
	// have returned anything.
	accesses []access
	// values are the canonical values by number.
	values  []string
	numbers map[string]int
	// failed are operations that would have written a value, but failed.
	failed map[int]history.Operation
	// operations and unknown count all that were invoked on the key, and
	// observations those that certainly saw a value.
	operations, unknown, observations int
	// silent counts reads of null that were taken to say nothing.
	silent int
	// strange is why the key cannot be judged; empty if it can.
	strange string
}

// registers takes a history apart by key, in order of first use, and gathers
// what was done to each.
func registers(h *history.History, c linearizable, first string) []*register {
	all, operations := keysOf(h, first), h.Operations()
	for _, r := range all {
		r.gather(operations, c)
	}
	return all
}

// keysOf takes a history apart by key, in order of first use. Keys are
// independent objects: a history is linearizable if and only if each key's is
// (Herlihy and Wing, 1990).
func keysOf(h *history.History, first string) []*register {
	byKey := make(map[string]*register)
	var all []*register
	for i, o := range h.Operations() {
		r, ok := byKey[o.Invoke.Key]
		if !ok {
			r = &register{key: o.Invoke.Key, first: Canonical(json.RawMessage(first))}
			byKey[o.Invoke.Key] = r
			all = append(all, r)
		}
		r.at = append(r.at, int32(i))
	}
	return all
}

// gather finds out what was done to the key, unless that is known.
func (r *register) gather(operations []history.Operation, c linearizable) {
	if r.values != nil {
		return
	}
	*r = register{
		key: r.key, at: r.at, first: r.first, accesses: make([]access, 0, len(r.at)),
		values: []string{r.first}, numbers: map[string]int{r.first: initial}, failed: make(map[int]history.Operation),
	}
	for _, i := range r.at {
		r.add(operations[i], c)
	}
	for i := range r.accesses {
		if a := &r.accesses[i]; a.certain() && a.needs != nothing {
			r.observations++
		}
	}
}

// forget lets go of what can be gathered again.
func (r *register) forget() {
	r.accesses, r.values, r.numbers, r.failed = nil, nil, nil, nil
}

// name is what sentences call the register.
func (r *register) name() string {
	if r.key == "" {
		return "the register"
	}
	return "key " + r.key
}

func (r *register) number(value json.RawMessage) int {
	text := Canonical(value)
	n, ok := r.numbers[text]
	if !ok {
		n = len(r.values)
		r.values = append(r.values, text)
		r.numbers[text] = n
	}
	return n
}

// add takes in the next operation.
func (r *register) add(o history.Operation, c linearizable) {
	r.operations++
	if o.Type() == history.Info {
		r.unknown++
	}
	a := access{op: o, needs: nothing, sets: nothing, refuses: nothing, call: o.Invoke.Index, ret: open, witness: nothing}
	if o.Type() != history.Info {
		a.ret = o.Complete.Index
	}
	if err := r.describe(&a, c.model); err != nil {
		if o.Type() != history.Fail && r.strange == "" {
			r.strange = fmt.Sprintf("#%d: %v", o.Invoke.Index, err)
		}
		return
	}
	if found := foundBy(o); found != nil {
		r.failed[a.sets] = o
		a.needs, a.sets = r.number(found), nothing
		r.accesses = append(r.accesses, a)
		return
	}
	switch {
	case o.Type() == history.Fail && c.options.CASRefuses && a.needs != nothing && a.sets != nothing:
		a.refuses, a.needs, a.sets = a.needs, nothing, nothing
		r.accesses = append(r.accesses, a)
	case o.Type() == history.Fail:
		if a.sets != nothing {
			r.failed[a.sets] = o
		}
	case o.Type() == history.Info && a.sets == nothing:
	case c.options.NullUnknown && a.sets == nothing && isNull(o.Value()):
		r.silent++
	default:
		r.accesses = append(r.accesses, a)
	}
}

// foundBy returns what a compare-and-set found in place of what it expected, if
// it says so: it is as good as a read. Else it returns nil.
func foundBy(o history.Operation) json.RawMessage {
	var values []json.RawMessage
	if o.Type() != history.Fail || o.Invoke.F != "cas" || json.Unmarshal(o.Complete.Value, &values) != nil || len(values) != 3 {
		return nil
	}
	return values[2]
}

func isNull(value json.RawMessage) bool { return len(value) == 0 || string(value) == null }

// describe says what the operation does. A completion may repeat the value or
// leave it out; of an operation with an unknown result only the invocation
// says what was asked for.
func (r *register) describe(a *access, m model) error {
	value := a.op.Value()
	if a.op.Type() != history.OK {
		value = a.op.Invoke.Value
	}
	switch f := a.op.Invoke.F; {
	case f == "read":
		a.needs = r.number(value)
	case f == "write":
		a.sets = r.number(value)
	case f == "cas" && m.cas:
		var pair []json.RawMessage
		if err := json.Unmarshal(value, &pair); err != nil || len(pair) != 2 {
			return fmt.Errorf("the value of a cas must be [old, new], not %s", say.Cut(string(value), shownValue))
		}
		a.needs, a.sets = r.number(pair[0]), r.number(pair[1])
	default:
		return fmt.Errorf("a %s has no %q", m.name, f)
	}
	return nil
}
