package dns

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever a node sends, reading it ends, and what is answered can be read.
func TestAnyPacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(t, "packet")
		if len(b) > 9 && rapid.Bool().Draw(t, "plausible") {
			b[0], b[9] = rapid.SampledFrom([]byte{0x45, 0x60, 0x46, 0x4f}).Draw(t, "version"), rapid.SampledFrom([]byte{6, 17}).Draw(t, "protocol")
		}
		m, udp := message(b)
		q, ok := parseQuery(m)
		if !ok {
			return
		}
		answer, err := Lie{Answer: Servfail}.answer(q)
		if err != nil || !udp {
			return
		}
		turned := turnRound(b, answer)
		if again, udp := message(turned); !udp || string(again) != string(answer) {
			t.Errorf("the answer cannot be read from %x", turned)
		}
	})
}
