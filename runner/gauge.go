package runner

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// measureEvery is how often a [Reading] is taken.
	measureEvery = time.Second
	// leaderEvery is how often the system is asked who leads, and
	// leaderWithin how long it may take to say.
	leaderEvery  = 2 * time.Second
	leaderWithin = time.Second
)

// A Reading is the pace of a run at one moment, for people to watch. Nothing is
// judged by it.
type Reading struct {
	// At is the time since the first phase began.
	At time.Duration `json:"at_ns"`
	// OK, Fail and Unknown are how many operations have ended so since then;
	// Shed is how many were not sent, their client being busy.
	OK      int64 `json:"ok"`
	Fail    int64 `json:"fail"`
	Unknown int64 `json:"unknown"`
	Shed    int64 `json:"shed"`
	// Rate is how many operations ended in a second, since the reading before.
	Rate float64 `json:"rate_per_second"`
	// P50 and P99 are how long those of them took that ended well, to about
	// an eighth; 0 if there were none.
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
	// Leader is the node that led when the system was last asked; empty if it
	// has no leader, or could not say.
	Leader string `json:"leader,omitempty"`
}

// A gauge takes readings of a run.
type gauge struct {
	run    *run
	before snapshot

	mu     sync.Mutex
	leader string
}

// measure tells a reading every second until ctx is done.
func (g *gauge) measure(ctx context.Context) {
	for pauseFor(ctx, measureEvery) {
		g.run.o.Measure(g.read())
	}
}

// read is a reading since the one before.
func (g *gauge) read() Reading {
	now, before := g.run.rec.snapshot(), g.before
	g.before = now
	out := Reading{At: g.run.since(), OK: now.ok, Fail: now.fail, Unknown: now.info, Shed: now.shed, Leader: g.lastLeader()}
	if d := (now.at - before.at).Seconds(); d > 0 {
		out.Rate = float64(now.ended()-before.ended()) / d
	}
	fresh := now.took.minus(before.took)
	out.P50, out.P99 = fresh.quantile(0.5), fresh.quantile(0.99)
	return out
}

// followLeader asks every other second who leads. A system without roles is
// asked once.
func (g *gauge) followLeader(ctx context.Context) {
	cluster := g.run.hurtable()
	for {
		asking, cancel := context.WithTimeout(ctx, leaderWithin)
		leader, err := cluster.Leader(asking)
		cancel()
		if err == errNoRoles {
			return
		}
		g.mu.Lock()
		g.leader = leader
		g.mu.Unlock()
		if !pauseFor(ctx, leaderEvery) {
			return
		}
	}
}

func (g *gauge) lastLeader() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.leader
}

// A snapshot is what a recorder has counted up to a moment.
type snapshot struct {
	at                   time.Duration
	ok, fail, info, shed int64
	took                 lengthCounts
}

func (s snapshot) ended() int64 { return s.ok + s.fail + s.info }

func (r *recorder) snapshot() snapshot {
	return snapshot{at: r.now(), ok: r.ok.Load(), fail: r.fail.Load(), info: r.info.Load(), shed: r.shed.Load(), took: r.took.load()}
}

// lengthBuckets is enough for a day in microseconds, four buckets each time
// the length doubles.
const lengthBuckets = 4 * 38

// lengths counts lengths of time in buckets that grow with them. Any number of
// goroutines may add at a time.
type lengths [lengthBuckets]atomic.Int64

// lengthCounts are the counts of [lengths] at one moment.
type lengthCounts [lengthBuckets]int64

func (l *lengths) add(d time.Duration) { l[bucketOf(d)].Add(1) }

func (l *lengths) load() (out lengthCounts) {
	for i := range l {
		out[i] = l[i].Load()
	}
	return out
}

// bucketOf numbers the bucket of a length: by its highest bit, and the two
// below.
func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0)) + 4 // so that there always are two bits below
	high := bits.Len64(us)
	return min((high-3)*4+int(us>>(high-3)&3), lengthBuckets-1)
}

// middleOf is a length in the middle of a bucket.
func middleOf(bucket int) time.Duration {
	shift := bucket / 4
	low := uint64(4+bucket%4) << shift
	return time.Duration(low+(1<<shift)/2-4) * time.Microsecond
}

func (c lengthCounts) minus(before lengthCounts) lengthCounts {
	for i := range c {
		c[i] -= before[i]
	}
	return c
}

// quantile is about the length that the share q of all does not exceed; 0 if
// there are none.
func (c lengthCounts) quantile(q float64) time.Duration {
	var all int64
	for _, n := range c {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank := int64(q * float64(all-1))
	for i, n := range c {
		if rank < n {
			return max(middleOf(i), time.Microsecond)
		}
		rank -= n
	}
	return 0
}
