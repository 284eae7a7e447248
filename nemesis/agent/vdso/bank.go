package vdso

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// The data of a payload: how often it was changed, whose lowest bit is the
// bank in use, then the two banks.
const (
	atBanks  = 8
	bankSize = 5*8 + 4*16
	dataSize = atBanks + 2*bankSize
)

// bank is the clock as a payload reads it: the clocks, a bit each; the two
// offsets; the period; the rate; and for each of the four real clocks its
// beginning and end.
func (c Clock) bank() []byte {
	var b []byte
	put := func(v int64) { b = binary.LittleEndian.AppendUint64(b, uint64(v)) }
	if c.real() {
		return make([]byte, bankSize)
	}
	put(int64(c.Of))
	put(int64(c.Offset))
	put(int64(c.Other))
	put(int64(c.Period))
	put(fixed(c.Rate))
	for i := range c.From {
		put(c.From[i])
		put(c.Until[i])
	}
	return b
}

func clockOf(bank []byte) Clock {
	word := func(i int) int64 { return int64(binary.LittleEndian.Uint64(bank[8*i:])) }
	c := Clock{
		Of: Clocks(word(0)), Offset: time.Duration(word(1)), Other: time.Duration(word(2)),
		Period: time.Duration(word(3)), Rate: perBillion(word(4)),
	}
	for i := range c.From {
		c.From[i], c.Until[i] = word(5+2*i), word(6+2*i)
	}
	if c.real() {
		return Clock{}
	}
	return c
}

// fixed is a rate as the payload knows it: in units of 2^-32.
func fixed(rate int64) int64 {
	return int64(math.Round(float64(rate) * (1 << 32) / PerBillion))
}

// perBillion is the inverse of fixed, which loses nothing: 2^32 is more than a
// billion.
func perBillion(fixed int64) int64 {
	return int64(math.Round(float64(fixed) * PerBillion / (1 << 32)))
}

// scaled is since times a rate, as the payload computes it.
func scaled(since, rate int64) int64 {
	high, low := bits.Mul64(uint64(since), uint64(rate))
	if since < 0 {
		high -= uint64(rate)
	}
	if rate < 0 {
		high -= uint64(since)
	}
	return int64(high<<32 | low>>32)
}
