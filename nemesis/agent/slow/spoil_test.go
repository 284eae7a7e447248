package slow

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// datagram makes an IP packet with UDP or TCP in it, whose checksum is missing.
func datagram(version, protocol byte, inside []byte) []byte {
	head := map[byte]int{4: 20, 6: 40}[version]
	transport := map[byte]int{protocolUDP: 8, protocolTCP: 20}[protocol]
	b := make([]byte, head+transport, head+transport+len(inside))
	if version == 4 {
		b[0], b[9] = 0x45, protocol
		copy(b[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	} else {
		b[0], b[6] = 0x60, protocol
		b[8], b[23], b[24], b[39] = 0xfd, 1, 0xfd, 2
	}
	if protocol == protocolTCP {
		b[head+12] = 5 << 4
	} else {
		binary.BigEndian.PutUint16(b[head+4:], uint16(8+len(inside)))
	}
	return append(b, inside...)
}

// right reports whether the checksum is what the receiver's kernel computes: all
// words together, with the checksum, must be all ones.
func right(b []byte, l layout) bool {
	addresses := b[12:20]
	if b[0]>>4 == 6 {
		addresses = b[8:40]
	}
	return fold(add(add(uint32(l.protocol)+uint32(len(b)-l.transport), addresses), b[l.transport:])) == 0xffff
}

func TestSpoiledPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inside := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "inside")
		b := datagram(rapid.SampledFrom([]byte{4, 6}).Draw(t, "version"), rapid.SampledFrom([]byte{protocolUDP, protocolTCP}).Draw(t, "protocol"), inside)
		bit := rapid.Uint64().Draw(t, "bit")
		l, e := layoutOf(b), &effect{}
		if !l.good {
			t.Fatalf("%x is not understood", b)
		}
		twice := spoil(b, fate{duplicate: e})
		if twice == nil || twice.changed || !right(twice.contents, l) || !slices.Equal(twice.contents[l.inside:], inside) {
			t.Fatalf("what comes twice is %+v", twice)
		}
		tampered := spoil(b, fate{tamper: e, bit: bit})
		if len(inside) == 0 {
			if tampered != nil || e.Tampered > 0 {
				t.Fatal("nothing was sent, and a bit of it is wrong")
			}
		} else if tampered == nil || !tampered.changed || !right(tampered.contents, l) || differing(tampered.contents[l.inside:], inside) != 1 {
			t.Fatalf("tampered with: %+v", tampered)
		}
		corrupted := spoil(b, fate{corrupt: e, bit: bit})
		if corrupted == nil || !corrupted.changed || right(corrupted.contents, l) || e.Corrupted != 1 {
			t.Fatalf("corrupted: %+v", corrupted)
		}
	})
}

// differing counts the bits that differ.
func differing(a, b []byte) (n int) {
	for i := range a {
		for x := a[i] ^ b[i]; x > 0; x &= x - 1 {
			n++
		}
	}
	return n
}

// What is no packet that we understand stays as it is, whatever it is.
func TestSpoilingAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "packet")
		if len(b) > 9 && rapid.Bool().Draw(t, "plausible") {
			b[0], b[9] = rapid.SampledFrom([]byte{0x45, 0x4f, 0x60}).Draw(t, "version"), rapid.SampledFrom([]byte{protocolUDP, protocolTCP}).Draw(t, "protocol")
		}
		before := slices.Clone(b)
		s := spoil(b, fate{corrupt: &effect{}, tamper: &effect{}, bit: rapid.Uint64().Draw(t, "bit")})
		if !slices.Equal(before, b) {
			t.Fatal("the packet itself was changed")
		}
		if s != nil && len(s.contents) != len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(s.contents))
		}
	})
}

// Losses in bursts are as many as asked for, and as long.
func TestBurstsOfLosses(t *testing.T) {
	const packets = 200_000
	for _, c := range []struct{ loss, burst float64 }{{0.1, 5}, {0.5, 20}, {0.05, 1}, {0.3, 0}} {
		e := newEffect(Profile{Loss: c.loss, LossBurst: c.burst, Seed: 3})
		l := &link{effects: []*effect{e}}
		lost, bursts, before := 0, 0, false
		for i := range packets {
			gone := l.pass(int64(i), 100).lost
			if gone {
				lost++
				if !before {
					bursts++
				}
			}
			before = gone
		}
		if share := float64(lost) / packets; share < c.loss*0.9 || share > c.loss*1.1 {
			t.Errorf("%+v: %.3f of the packets are lost", c, share)
		}
		want := c.burst
		if want <= 1 { // each by itself: those in a row are chance
			want = 1 / (1 - c.loss)
		}
		if length := float64(lost) / float64(bursts); length < want*0.9 || length > want*1.1 {
			t.Errorf("%+v: %.2f are lost in a row; want %.2f", c, length, want)
		}
	}
}

// Delays are distributed around Delay, Jitter being the standard deviation, and
// the tail of Pareto's is long on one side.
func TestDistributions(t *testing.T) {
	const draws = 100_000
	for _, name := range []string{Normal, Pareto} {
		e := newEffect(Profile{Delay: time.Second, Jitter: 100 * time.Millisecond, Distribution: name, Seed: 5})
		sum, far, early := 0.0, 0, 0
		for range draws {
			d := e.draw()
			if d < 0 || d > Longest {
				t.Fatalf("%s: a delay of %v", name, d)
			}
			sum += d.Seconds()
			if d > 1400*time.Millisecond {
				far++
			}
			if d < time.Second {
				early++
			}
		}
		if mean := sum / draws; mean < 0.98 || mean > 1.02 {
			t.Errorf("%s: %.3f s on average", name, mean)
		}
		long := name == Pareto
		if share := float64(far) / draws; (share > 0.005) != long {
			t.Errorf("%s: %.4f are later by four deviations", name, share)
		}
		if share := float64(early) / draws; (share > 0.6) != long {
			t.Errorf("%s: %.3f are early", name, share)
		}
	}
}

// A limited rate lets so many bytes through, and what would wait too long is
// lost.
func TestRate(t *testing.T) {
	const size, rate = 1000, 100_000 // a hundred packets a second
	e := newEffect(Profile{Rate: rate})
	l := &link{effects: []*effect{e}}
	through, last := 0, int64(0)
	for i := range 400 { // two hundred a second, for two seconds
		f := l.pass(int64(i)*int64(5*time.Millisecond), size)
		if f.lost {
			continue
		}
		through++
		last = f.due
	}
	if got := float64(through*size) / time.Duration(last).Seconds(); got < rate*0.95 || got > rate*1.05 {
		t.Errorf("%.0f bytes a second get through; want %d", got, rate)
	}
	if e.Overflowed == 0 || time.Duration(last) > 2*time.Second+backlog+50*time.Millisecond {
		t.Errorf("%d found no room, the last is let go at %v", e.Overflowed, time.Duration(last))
	}
}

func TestOddProfiles(t *testing.T) {
	for _, p := range []Profile{
		{Delay: 1, Distribution: "gauss"}, {Rate: -1}, {Loss: 0.9, LossBurst: 2}, {Loss: 0.1, LossBurst: 0.5},
		{Duplicate: 2}, {Corrupt: -1}, {Tamper: 1.5},
	} {
		if err := p.check(); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
	for _, p := range []Profile{
		{Rate: 1}, {Duplicate: 1}, {Corrupt: 1}, {Tamper: 1}, {Loss: 0.9, LossBurst: 9}, {Loss: 1, LossBurst: 3},
		{Delay: 1, Jitter: 1, Distribution: Pareto},
	} {
		if err := p.check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
