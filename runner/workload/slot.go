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
	number     int
	rng        *rand.Rand
	perKey     int
	generation int
	left       int // operations that the key still gets
	written    int // values given out for the key
}

func newSlots(s Spec) []*slot {
	slots := make([]*slot, max(s.Keys, 1))
	for i := range slots {
		rng := rand.New(rand.NewPCG(s.Seed, slotStreams+uint64(i)))
		slots[i] = &slot{number: i + 1, rng: rng, perKey: s.OperationsPerKey}
	}
	return slots
}

// take returns the key for the slot's next operation, and a value that is new
// to the key if the operation writes one.
func (s *slot) take(writes bool) (string, json.RawMessage) {
	if s.generation == 0 || s.perKey > 0 && s.left == 0 {
		s.renew()
	}
	s.left--
	key := fmt.Sprintf("r%d.%d", s.number, s.generation)
	if !writes {
		return key, nil
	}
	s.written++
	return key, jsonInteger(s.written)
}

// renew puts a fresh key in place, with 90 to 100 percent of the operations
// that a key may get.
func (s *slot) renew() {
	s.generation++
	s.written = 0
	if s.perKey > 0 {
		spare := s.perKey / 10
		s.left = s.perKey - s.rng.IntN(spare+1)
	}
}
