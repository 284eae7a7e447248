package slow

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Longest is the longest delay, jitter included. What is sent in that time is
// kept in the kernel's memory.
const Longest = 10 * time.Second

// A Profile is what happens to the packets that go one way between two nodes.
type Profile struct {
	// Delay is added to each packet, and Jitter at most to or from it, drawn
	// evenly. A packet does not overtake another because of Jitter.
	Delay, Jitter time.Duration
	// Loss is the share of packets, from 0 to 1, that never arrive.
	Loss float64
	// Reorder is the share of packets, from 0 to 1, that are not delayed, so
	// that they overtake the ones before them.
	Reorder float64
	// Seed makes the draws repeatable, for the same packets.
	Seed uint64
}

// check returns an error for a profile that means nothing.
func (p Profile) check() error {
	share := func(s float64) bool { return s >= 0 && s <= 1 }
	switch {
	case p.Delay < 0 || p.Jitter < 0 || p.Delay+p.Jitter > Longest:
		return fmt.Errorf("a delay of %v with a jitter of %v is not within 0 and %v", p.Delay, p.Jitter, Longest)
	case p.Jitter > p.Delay:
		return fmt.Errorf("a jitter of %v is more than the delay of %v", p.Jitter, p.Delay)
	case !share(p.Loss) || !share(p.Reorder):
		return fmt.Errorf("a loss of %v and a reorder of %v are not within 0 and 1", p.Loss, p.Reorder)
	case p.Delay == 0 && p.Loss == 0:
		return errors.New("neither a delay nor a loss is asked for")
	}
	return nil
}

// A Tally is what came of the packets of one fault.
type Tally struct {
	Delayed, Lost, Overtook uint64
	// Held is how long the delayed packets were held in all, as measured from
	// when they came to when they were let go.
	Held time.Duration
}

// An effect is one fault, as it acts on packets.
type effect struct {
	Profile
	Tally
	rng *rand.Rand
}

func newEffect(p Profile) *effect {
	return &effect{Profile: p, rng: rand.New(rand.NewPCG(p.Seed, 0))}
}

// A link is one direction between two addresses, and the faults that act on it.
type link struct {
	effects []*effect
	last    int64 // when the last packet that keeps its place is let go
}

// pass says what becomes of a packet that comes now: lost, or let go at due.
// Times are in nanoseconds. Delays of several faults add up.
func (l *link) pass(now int64) (due int64, lost bool) {
	due = now
	for _, e := range l.effects {
		if e.Loss > 0 && e.rng.Float64() < e.Loss {
			e.Lost++
			return now, true
		}
	}
	overtakes := false
	for _, e := range l.effects {
		if e.Reorder > 0 && e.rng.Float64() < e.Reorder {
			e.Overtook++
			overtakes = true
			continue
		}
		due += int64(e.draw())
	}
	if overtakes {
		return due, false
	}
	l.last = max(due, l.last)
	return l.last, false
}

func (e *effect) draw() time.Duration {
	if e.Jitter == 0 {
		return e.Delay
	}
	return e.Delay - e.Jitter + time.Duration(e.rng.Int64N(2*int64(e.Jitter)+1))
}

// held notes that a packet which came at one time was let go at another.
func (l *link) held(came, left int64) {
	for _, e := range l.effects {
		if e.Delay > 0 {
			e.Delayed++
			e.Held += time.Duration(left - came)
		}
	}
}
