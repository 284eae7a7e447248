package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// slotStreams is where the PRNG streams of the slots begin, above the streams
// of the clients, which are numbered from 0.
const slotStreams = 1 << 32

// A slot holds one key at a time and replaces it when it is used up: checking
// a key takes longer the more of its operations are unknown, so a key must not
// live for as long as the run does.
type slot struct {
	prefix     string
	number     int
	rng        *rand.Rand
	perKey     int
	generation int
	name       string // of the key in use
	left       int    // operations that the key still gets
	written    int    // values given out for the key
}

func newSlots(s Spec) []*slot {
	slots := make([]*slot, max(s.Keys, 1))
	for i := range slots {
		rng := rand.New(rand.NewPCG(s.Seed, slotStreams+uint64(i)))
		slots[i] = &slot{prefix: "r", number: i + 1, rng: rng, perKey: s.OperationsPerKey}
	}
	return slots
}

// take returns the key for the slot's next operation, and a value that is new
// to the key if the operation writes one.
func (s *slot) take(writes bool) (string, json.RawMessage) {
	s.use()
	if !writes {
		return s.key(), nil
	}
	return s.key(), s.value()
}

// use takes one of the operations of the key, and a fresh key if it has none left.
func (s *slot) use() {
	if s.generation == 0 || s.perKey > 0 && s.left <= 0 {
		s.renew()
	}
	s.left--
}

// key is the name of the key in use.
func (s *slot) key() string { return s.name }

// value returns a value that is new to the key.
func (s *slot) value() json.RawMessage {
	s.written++
	return jsonInteger(s.written)
}

// renew puts a fresh key in place, with 90 to 100 percent of the operations
// that a key may get.
func (s *slot) renew() {
	s.generation++
	s.name = fmt.Sprintf("%s%d.%d", s.prefix, s.number, s.generation)
	s.written = 0
	if s.perKey > 0 {
		spare := s.perKey / 10
		s.left = s.perKey - s.rng.IntN(spare+1)
	}
}
