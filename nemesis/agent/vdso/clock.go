package vdso

import "time"

// The clocks that can be changed, a bit each in [Clock.Of]: those by which the
// kernel knows them.
const (
	// Realtime is the time of day: CLOCK_REALTIME and CLOCK_REALTIME_COARSE.
	Realtime Clocks = 1<<0 | 1<<5
	// Monotonic is the time since boot without sleep: CLOCK_MONOTONIC, its
	// coarse and its raw form.
	Monotonic Clocks = 1<<1 | 1<<4 | 1<<6
	// Boottime is the time since boot: CLOCK_BOOTTIME.
	Boottime Clocks = 1 << 7
)

// Clocks is a set of clocks.
type Clocks uint32

// PerBillion is the unit of [Clock.Rate].
const PerBillion = 1_000_000_000

// Still is the rate of a clock that stands still.
const Still = -PerBillion

// A Reading is what the four real clocks say at one moment, in nanoseconds:
// CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW and CLOCK_BOOTTIME.
type Reading [4]int64

// In is the reading after d.
func (r Reading) In(d time.Duration) Reading {
	for i := range r {
		r[i] += int64(d)
	}
	return r
}

// A Clock is what a process is shown instead of a real clock that says t:
//
//	t + Rate·(t−From) + Offset
//
// or Other instead of Offset, in every second Period since From. The zero
// Clock is the real one.
type Clock struct {
	// Of are the clocks that it is about.
	Of     Clocks
	Offset time.Duration
	Other  time.Duration
	// Period is how long each of the two offsets is shown; 0: always Offset.
	Period time.Duration
	// Rate is by how many nanoseconds a second the clock is too fast; [Still]
	// stops it.
	Rate int64
	// From is when Rate and Period begin to count, by each of the real clocks.
	From Reading
	// Until is when the real clock comes back by itself. A Clock without it
	// is the zero Clock.
	Until Reading
}

// real reports whether the clock changes nothing.
func (c Clock) real() bool { return c.Of == 0 || c.Until == Reading{} }

// Same reports whether two clocks show the same, however long they last.
func (c Clock) Same(other Clock) bool {
	if c.real() || other.real() {
		return c.real() == other.real()
	}
	c.Until = other.Until
	return c == other
}

// Lasts reports whether the clock has not ended by then.
func (c Clock) Lasts(then Reading) bool { return !c.real() && c.Until[0] > then[0] }

// Off is by how much the time of day that it shows is off, when the real
// clocks say now; if it is not about that, the monotonic time.
func (c Clock) Off(now Reading) time.Duration {
	i := 0
	if c.Of&Realtime == 0 {
		i = 1
	}
	if c.real() || now[i] >= c.Until[i] {
		return 0
	}
	since := now[i] - c.From[i]
	off := c.Offset
	if c.Period != 0 && since/int64(c.Period)%2 != 0 {
		off = c.Other
	}
	return off + time.Duration(scaled(since, fixed(c.Rate)))
}
