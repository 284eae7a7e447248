package workload

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Names of the operations. They are the keys of [Spec.Mix].
const (
	Read  = "read"
	Write = "write"
	CAS   = "cas"
)

// defaultClosedLoopLimit is how many operations a client of a closed loop gets
// when the spec does not say: at one operation a millisecond, which is faster
// than a replicated write gets, they last for twenty seconds, and at ten times
// that, which is common, for minutes; and ten clients make a plan of some
// fifteen megabytes, which is still one to open in an editor.
const defaultClosedLoopLimit = 20000

// An Operation is one operation that a client is to invoke.
type Operation struct {
	// At is when, from the beginning of the first phase; 0 in a closed loop.
	At time.Duration `json:"at_ns"`
	// F names the operation; see the workload.
	F string `json:"f"`
	// Key is the object, for example "r3.7": the seventh key of slot 3. It is
	// empty where there is only one, and where Value names keys.
	Key string `json:"key"`
	// Value is JSON; see the workload. Of a Register, it is what a write
	// writes and a cas sets: an integer from 1 that no other operation writes
	// to the same key. It is nil for a read.
	Value json.RawMessage `json:"value,omitempty"`
}

// A Spec says how much of what a workload makes.
type Spec struct {
	// Clients is how many clients there are. Less than 1 means none.
	Clients int
	// Keys is how many keys are in use at a time. Less than 1 means 1.
	Keys int
	// OperationsPerKey is the most operations that a key gets, over all
	// clients, before a fresh one takes its place. Where exactly, from 90 to
	// 100 percent of it, depends on the seed, so that the keys in use do not
	// all end together. Less than 1 means that keys are never retired.
	OperationsPerKey int
	// RatePerSecond is the open load of all clients together: each client
	// sends at random moments (a Poisson process), whether answers come or
	// not. It must be finite. 0 means a closed loop.
	RatePerSecond float64
	// Mix are the weights of the operations, for a Register of Read, Write and
	// CAS. Weights less than 1 count as 0; with no weight at all there are no
	// operations.
	Mix map[string]int
	// Span is how long the open load lasts: every At is less than it. It
	// means nothing to a closed loop.
	Span time.Duration
	// Seed is what everything random is drawn from.
	Seed uint64
	// ClosedLoopLimit is how many operations each client of a closed loop
	// gets, since nobody knows how many it will have time for. 0 means 20000.
	ClosedLoopLimit int
	// TxnLength is the most micro-operations of a transaction. 0 means 4.
	TxnLength int
	// Accounts is how many accounts a bank has, at least 2. 0 means 8.
	Accounts int
	// MaxTransfer is the most that is transferred at a time. 0 means 5.
	MaxTransfer int
	// GroupSize is how many keys a read of LongFork reads, at least 2. 0 means 2.
	GroupSize int
}

// Register makes reads, writes and compare-and-sets on independent registers:
// one list for each client, in the order in which it sends them, At never
// decreasing.
//
// The same spec gives the same operations. Each client draws from a PRNG of
// its own, seeded with Seed and its number. Another number of clients at the
// same rate for each of them therefore changes neither when a client sends nor
// what it does to which slot; another total rate stretches the times and
// changes nothing else of the operations that remain. Which key of the slot it
// is, and which value, does depend on the other clients: keys are retired and
// values counted over all of them, in order of At; in a closed loop, in turn.
func Register(s Spec) [][]Operation {
	ops, where := make([][]Operation, max(s.Clients, 0)), make([][]int32, max(s.Clients, 0))
	for client := range ops {
		ops[client], where[client] = s.draw(client)
	}
	slots := newSlots(s)
	for _, due := range merge(ops) {
		op := &ops[due.client][due.n]
		op.Key, op.Value = slots[where[due.client][due.n]].take(op.F != Read)
	}
	return ops
}

// draw makes the operations of one client as far as they depend on no other
// client, and the slot of each, of which the key is not known yet. A plan of
// hours holds millions: nothing is kept of one but the operation itself.
func (s Spec) draw(client int) (ops []Operation, slots []int32) {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(client)))
	mix := newMix(s.Mix)
	if mix.total == 0 {
		return nil, nil
	}
	for at, more := s.next(rng, 0, 0); more; at, more = s.next(rng, at, len(ops)) {
		ops = append(ops, Operation{At: time.Duration(at), F: mix.pick(rng)})
		slots = append(slots, int32(rng.IntN(max(s.Keys, 1))))
	}
	return slices.Clip(ops), slots
}

// next returns when a client sends after it has sent n operations, the last of
// them at the given time in nanoseconds, and whether it sends at all. Times add
// up as float64 so that rounding does not add up as well.
func (s Spec) next(rng *rand.Rand, at float64, n int) (float64, bool) {
	if s.RatePerSecond <= 0 {
		limit := s.ClosedLoopLimit
		if limit == 0 {
			limit = defaultClosedLoopLimit
		}
		return 0, n < limit
	}
	perClient := s.RatePerSecond / float64(s.Clients)
	gap := rng.ExpFloat64() / perClient * float64(time.Second)
	at += float64(gap) // the conversion forbids a fused multiply-add, which only some processors have
	return at, at < float64(s.Span)
}

// A mix is the weights of the operations, in order of their names: the order
// of a map is another one each time.
type mix struct {
	names   []string
	weights []int
	total   int
}

func newMix(weights map[string]int) mix {
	var m mix
	for _, f := range slices.Sorted(maps.Keys(weights)) {
		if w := weights[f]; w > 0 {
			m.names, m.weights, m.total = append(m.names, f), append(m.weights, w), m.total+w
		}
	}
	return m
}

// pick draws an operation, each with a chance in proportion to its weight.
func (m mix) pick(rng *rand.Rand) string {
	n := rng.IntN(m.total)
	i := 0
	for n >= m.weights[i] {
		n -= m.weights[i]
		i++
	}
	return m.names[i]
}

// A place is where an operation stands: the n-th of its client.
type place struct{ client, n int32 }

// merge lists all operations in the order in which they are due. What is due at
// the same time, as everything in a closed loop, comes in turn: the first of
// each client, then the second of each.
func merge(ops [][]Operation) []place {
	total := 0
	for _, list := range ops {
		total += len(list)
	}
	all := make([]place, 0, total)
	for client, list := range ops {
		for n := range list {
			all = append(all, place{int32(client), int32(n)})
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(
			cmp.Compare(ops[a.client][a.n].At, ops[b.client][b.n].At),
			cmp.Compare(a.n, b.n),
			cmp.Compare(a.client, b.client))
	})
	return all
}

// jsonInteger returns the JSON text of n.
func jsonInteger(n int) json.RawMessage {
	return strconv.AppendInt(nil, int64(n), 10)
}
