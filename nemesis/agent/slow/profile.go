package slow

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Longest is the longest delay, jitter included. What is sent in that time is
// kept in the kernel's memory.
const Longest = 10 * time.Second

// backlog is how long a packet may wait for its turn where the bandwidth is
// limited; what would wait longer is lost, as in a full buffer.
const backlog = 500 * time.Millisecond

// How delays are distributed.
const (
	Uniform = "uniform" // evenly, at most Jitter to or from Delay
	Normal  = "normal"  // Jitter is the standard deviation
	Pareto  = "pareto"  // likewise; most are early, a few are very late
)

// A Profile is what happens to the packets that go one way between two nodes.
type Profile struct {
	// Delay is added to each packet, and Jitter to or from it, drawn as
	// Distribution says; empty means Uniform. A packet does not overtake
	// another because of Jitter.
	Delay, Jitter time.Duration
	Distribution  string
	// Loss is the share of packets, from 0 to 1, that never arrive. LossBurst
	// is how many are lost in a row, on average; 0 draws each by itself.
	Loss, LossBurst float64
	// Reorder is the share of packets, from 0 to 1, that are not delayed, so
	// that they overtake the ones before them.
	Reorder float64
	// Duplicate is the share of packets that arrive twice. Corrupt is the
	// share of which a bit is wrong, which the receiver's kernel finds out by
	// the checksum; Tamper is the share of which a bit of what the
	// application is sent is wrong and the checksum is right.
	Duplicate, Corrupt, Tamper float64
	// Rate is how many bytes a second get through; 0 means all.
	Rate int64
	// Seed makes the draws repeatable, for the same packets, where they are
	// ours: netem draws for itself.
	Seed uint64
}

// check returns an error for a profile that means nothing.
func (p Profile) check() error {
	for _, s := range []float64{p.Loss, p.Reorder, p.Duplicate, p.Corrupt, p.Tamper} {
		if !(s >= 0 && s <= 1) {
			return fmt.Errorf("a share of %v is not within 0 and 1", s)
		}
	}
	switch {
	case p.Delay < 0 || p.Jitter < 0 || p.Delay+p.Jitter > Longest:
		return fmt.Errorf("a delay of %v with a jitter of %v is not within 0 and %v", p.Delay, p.Jitter, Longest)
	case p.Jitter > p.Delay:
		return fmt.Errorf("a jitter of %v is more than the delay of %v", p.Jitter, p.Delay)
	case p.Distribution != "" && p.Distribution != Uniform && p.Distribution != Normal && p.Distribution != Pareto:
		return fmt.Errorf("there is no distribution %q; it can be %s, %s or %s", p.Distribution, Uniform, Normal, Pareto)
	case p.Rate < 0:
		return fmt.Errorf("a rate of %d bytes a second is less than nothing", p.Rate)
	case p.LossBurst != 0 && p.Loss < 1 && !(p.LossBurst >= p.shortest()):
		return fmt.Errorf("a loss of %v cannot come in bursts of %v packets: %.2f at least", p.Loss, p.LossBurst, p.shortest())
	case p.Delay == 0 && p.Loss == 0 && p.Duplicate == 0 && p.Corrupt == 0 && p.Tamper == 0 && p.Rate == 0:
		return errors.New("neither a delay nor a loss is asked for, nor anything else")
	}
	return nil
}

// shortest is the shortest bursts in which so much can be lost, as exactly as
// people write shares.
func (p Profile) shortest() float64 {
	const exact = 1e-9
	return max(1, p.Loss/(1-p.Loss)-exact)
}

// whole reports whether whole packets must be looked at.
func (p Profile) whole() bool { return p.Duplicate > 0 || p.Corrupt > 0 || p.Tamper > 0 }

// A Tally is what came of the packets of one fault.
type Tally struct {
	// Seen is all that came; the others are the parts of it. Overflowed found
	// no room to wait for its turn, and is lost, too.
	Seen, Delayed, Lost, Overtook, Overflowed uint64
	Duplicated, Corrupted, Tampered           uint64
	// Held is how long the delayed packets were held in all, as measured from
	// when they came to when they were let go; netem does not tell.
	Held time.Duration
}

// Add adds what came of other packets.
func (t *Tally) Add(o Tally) {
	t.Seen += o.Seen
	t.Delayed += o.Delayed
	t.Lost += o.Lost
	t.Overtook += o.Overtook
	t.Overflowed += o.Overflowed
	t.Duplicated += o.Duplicated
	t.Corrupted += o.Corrupted
	t.Tampered += o.Tampered
	t.Held += o.Held
}

// Hit is how many times something happened to a packet.
func (t Tally) Hit() uint64 {
	return t.Delayed + t.Lost + t.Overflowed + t.Duplicated + t.Corrupted + t.Tampered
}

// An effect is one fault, as it acts on packets.
type effect struct {
	Profile
	Tally         // by queues
	shaped Tally  // by netems that are no more
	id     uint64 // tells it from all others
	rng    *rand.Rand
	bad    bool  // in a burst of losses
	free   int64 // when the last packet is through, where the rate is limited
}

func newEffect(p Profile) *effect {
	return &effect{Profile: p, rng: rand.New(rand.NewPCG(p.Seed, 0))}
}

// A link is one direction between two addresses, and the faults that act on it.
type link struct {
	effects []*effect
	last    int64 // when the last packet that keeps its place is let go
}

// A fate is what becomes of a packet.
type fate struct {
	due  int64 // nanoseconds; when it is let go
	lost bool
	// duplicate, corrupt and tamper are the faults that want it; nil: none.
	duplicate, corrupt, tamper *effect
	bit                        uint64 // a random number, to say which bit
}

// spoils reports whether anything else happens to the packet than delay.
func (f fate) spoils() bool { return f.duplicate != nil || f.corrupt != nil || f.tamper != nil }

// pass says what becomes of a packet of a number of bytes that comes now.
// Times are in nanoseconds. Delays of several faults add up.
func (l *link) pass(now int64, size int) fate {
	f := fate{due: now}
	for _, e := range l.effects {
		e.Seen++
		if e.loses() {
			e.Lost++
			f.lost = true
			return f
		}
	}
	overtakes := false
	for _, e := range l.effects {
		e.spoil(&f)
		if e.chance(e.Reorder) {
			e.Overtook++
			overtakes = true
			continue
		}
		wait, ok := e.turn(now, size)
		if !ok {
			e.Overflowed++
			f.lost = true
			return f
		}
		f.due += wait + int64(e.draw())
	}
	if !overtakes {
		l.last = max(f.due, l.last)
		f.due = l.last
	}
	return f
}

func (e *effect) chance(share float64) bool { return share > 0 && e.rng.Float64() < share }

// loses draws whether a packet is lost. Bursts are those of a chain of two
// states (after Gilbert), in one of which everything is lost: the chance to
// leave that one makes the bursts as long as they should be, and the chance to
// get into it makes them as frequent.
func (e *effect) loses() bool {
	if e.LossBurst <= 1 || e.Loss >= 1 || e.Loss <= 0 {
		return e.chance(e.Loss)
	}
	leave := 1 / e.LossBurst
	if e.bad {
		e.bad = !e.chance(leave)
	} else {
		e.bad = e.chance(leave * e.Loss / (1 - e.Loss))
	}
	return e.bad
}

// spoil draws what else happens to a packet than delay and loss.
func (e *effect) spoil(f *fate) {
	if e.chance(e.Duplicate) {
		f.duplicate = e
	}
	if e.chance(e.Corrupt) {
		f.corrupt, f.bit = e, e.rng.Uint64()
	}
	if e.chance(e.Tamper) {
		f.tamper, f.bit = e, e.rng.Uint64()
	}
}

// turn is how long it takes until a packet is through, where the rate is
// limited; it is not ok if that would be too long.
func (e *effect) turn(now int64, size int) (wait int64, ok bool) {
	if e.Rate == 0 {
		return 0, true
	}
	if e.free-now > int64(backlog) {
		return 0, false
	}
	e.free = max(e.free, now) + int64(float64(size)/float64(e.Rate)*float64(time.Second))
	return e.free - now, true
}

// draw draws a delay.
func (e *effect) draw() time.Duration {
	if e.Jitter == 0 {
		return e.Delay
	}
	switch e.Distribution {
	case Normal:
		return e.away(e.rng.NormFloat64())
	case Pareto:
		return e.away(paretoDeviation(e.rng.Float64()))
	}
	return e.Delay - e.Jitter + time.Duration(e.rng.Int64N(2*int64(e.Jitter)+1))
}

// away is the delay that is so many standard deviations from the average.
func (e *effect) away(deviations float64) time.Duration {
	d := float64(e.Delay) + deviations*float64(e.Jitter)
	return time.Duration(min(max(d, 0), float64(Longest)))
}

// paretoDeviation turns an even draw between 0 and 1 into one of Pareto's with
// the index 3, less its average of 3/2, in units of its standard deviation of
// √3/2.
func paretoDeviation(even float64) float64 {
	return (math.Pow(1-even, -1.0/3) - 1.5) / (math.Sqrt(3) / 2)
}

// held notes that a packet which came at one time was let go at another.
func (l *link) held(came, left int64) {
	for _, e := range l.effects {
		if e.Delay > 0 || e.Rate > 0 {
			e.Delayed++
			e.Held += time.Duration(left - came)
		}
	}
}
