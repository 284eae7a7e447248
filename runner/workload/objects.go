package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// Names of further operations.
const (
	Add      = "add"
	Enqueue  = "enqueue"
	Dequeue  = "dequeue"
	Generate = "generate"
	Send     = "send"
	Poll     = "poll"
	Transfer = "transfer"
	Acquire  = "acquire"
	Release  = "release"
	Insert   = "insert"
	Drain    = "drain"
)

// fresh makes a value that is new to the key.
func fresh(s *slot) json.RawMessage { return s.value() }

// Set makes adds and reads of independent sets, "s3.7": Add of an integer from
// 1 that no other add puts into the same set, and Read of the whole set. Mix
// weighs Add and Read.
func Set(s Spec) [][]Operation {
	return simple(s, "s", map[string]func(*slot) json.RawMessage{Add: fresh})
}

// Queue makes enqueues and dequeues of independent queues, "q3.7": Enqueue of
// an integer from 1 that no other enqueues there, and Dequeue. What is left in
// a queue when it is retired is for the final drain. Mix weighs Enqueue and
// Dequeue.
func Queue(s Spec) [][]Operation {
	return simple(s, "q", map[string]func(*slot) json.RawMessage{Enqueue: fresh})
}

// Counter makes additions and reads of independent counters, "c3.7": Add of
// 1, so that reads can be judged exactly, and Read. Mix weighs Add and Read.
func Counter(s Spec) [][]Operation {
	one := func(*slot) json.RawMessage { return jsonInteger(1) }
	return simple(s, "c", map[string]func(*slot) json.RawMessage{Add: one})
}

// Log makes sends to and polls of independent logs, "l3.7": Send of an integer
// from 1 that no other sends there, and Poll, by which the client reads on
// where its last poll of the log ended, or from the beginning. What was not
// polled when a log is retired is for the final polls. Mix weighs Send and Poll.
func Log(s Spec) [][]Operation {
	return simple(s, "l", map[string]func(*slot) json.RawMessage{Send: fresh})
}

// Monotonic makes insertions into and reads of independent tables, "m3.7": Add
// inserts the largest value there is and one more, which only the database
// knows, and Read reads all rows. Mix weighs Add and Read.
func Monotonic(s Spec) [][]Operation { return simple(s, "m", nil) }

// CausalReverse makes writes to and reads of independent lists of values,
// "v3.7": Write of an integer from 1 that no other writes there, which takes
// nothing away, and Read of all that was written. Mix weighs Write and Read.
func CausalReverse(s Spec) [][]Operation {
	return simple(s, "v", map[string]func(*slot) json.RawMessage{Write: fresh})
}

// Sequential makes writes and reads of rows of subkeys, "e3.7": Write, which
// writes the subkeys one after the other, each in a transaction of its own, and
// Read, which reads them in the opposite order. A row is written once: each key
// gets one Write, then reads until its slot writes again. OperationsPerKey is
// not looked at. Mix weighs Write and Read.
func Sequential(s Spec) [][]Operation {
	s.OperationsPerKey = 0
	return plan{Spec: s, prefix: "e", give: func(d *sketch, slots []*slot) Operation {
		slot := slots[d.slot]
		if d.f == Write || slot.generation == 0 {
			slot.renew()
		}
		return Operation{F: d.f, Key: slot.key()}
	}}.make()
}

// UniqueIDs makes requests for identifiers, Generate, which have neither key
// nor value. Mix weighs Generate.
func UniqueIDs(s Spec) [][]Operation {
	return plan{Spec: s, give: func(d *sketch, _ []*slot) Operation { return Operation{F: d.f} }}.make()
}

// Bank makes transfers between accounts, Transfer of {"from": 3, "to": 0,
// "amount": 5}, and reads of all of them, Read. Accounts are numbered from 0;
// from and to are never the same. There is one bank, without a key. Mix weighs
// Transfer and Read.
func Bank(s Spec) [][]Operation {
	accounts, most := max(orElse(s.Accounts, 8), 2), max(orElse(s.MaxTransfer, 5), 1)
	return plan{
		Spec: s,
		more: func(rng *rand.Rand, d *sketch) {
			from, to := rng.IntN(accounts), rng.IntN(accounts-1)
			if to >= from {
				to++
			}
			d.n = []int{from, to, 1 + rng.IntN(most)}
		},
		give: func(d *sketch, _ []*slot) Operation {
			op := Operation{F: d.f}
			if d.f == Transfer {
				op.Value = fmt.Appendf(nil, `{"from":%d,"to":%d,"amount":%d}`, d.n[0], d.n[1], d.n[2])
			}
			return op
		},
	}.make()
}

// Lock makes clients take and give back independent locks, "k3.7": Acquire,
// whose value is an integer from 1 that no other acquire of the lock has; if
// Write has a weight, as the client's next operation Write without a value, for
// what is guarded by the lock; and then Release with the key and value of the
// acquire. They follow whether the lock was got or not: whoever carries them
// out leaves out what makes no sense. Mix weighs Acquire and Write, which is
// only looked at for being there.
func Lock(s Spec) [][]Operation {
	steps := []string{Acquire, Release}
	if s.Mix[Write] > 0 {
		steps = []string{Acquire, Write, Release}
	}
	if s.Mix[Acquire] <= 0 {
		s.Mix = nil
	}
	hands := make(map[int]*hand)
	return plan{Spec: s, prefix: "k", give: func(d *sketch, slots []*slot) Operation {
		h := hands[d.client]
		if h == nil || h.step == len(steps) {
			h = takeLock(slots[d.slot], len(steps))
			hands[d.client] = h
		}
		op := Operation{F: steps[h.step], Key: h.key}
		if op.F != Write {
			op.Value = h.value
		}
		h.step++
		return op
	}}.make()
}

// A hand is a client that holds a lock, or tries to.
type hand struct {
	key   string
	value json.RawMessage
	step  int // what comes next
}

// takeLock takes so many operations of a key, since the later ones may be
// planned when the key would be retired.
func takeLock(s *slot, operations int) *hand {
	s.use()
	s.left -= operations - 1
	return &hand{key: s.key(), value: s.value()}
}

// WriteSkew makes pairs of transactions that must not both succeed, Insert of
// [a, null] and of [null, b] with the same key, "w3.7", a and b being
// different integers from 1: each looks whether the other has inserted, and
// inserts if not. The two follow each other in the order in which operations
// are due and are seldom of the same client. OperationsPerKey is not looked
// at. Mix weighs Insert.
func WriteSkew(s Spec) [][]Operation {
	s.OperationsPerKey = 2
	return plan{Spec: s, prefix: "w", give: func(d *sketch, slots []*slot) Operation {
		slot := slots[d.slot]
		slot.use()
		id := slot.value()
		if slot.written == 1 {
			return Operation{F: d.f, Key: slot.key(), Value: fmt.Appendf(nil, "[%s,null]", id)}
		}
		return Operation{F: d.f, Key: slot.key(), Value: fmt.Appendf(nil, "[null,%s]", id)}
	}}.make()
}

// orElse is n, or what 0 means.
func orElse(n, usual int) int {
	if n == 0 {
		return usual
	}
	return n
}
