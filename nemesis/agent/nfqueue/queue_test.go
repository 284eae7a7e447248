//go:build linux

package nfqueue

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the kernel says, reading it ends.
func TestParseTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		if len(b) > 6 {
			b[4], b[5] = byte(messagePacket&0xff), byte(messagePacket>>8)
		}
		parse(b)
	})
}
