package slow

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestProfilesThatMeanNothing(t *testing.T) {
	for _, c := range []struct {
		p     Profile
		wants string
	}{
		{Profile{}, "neither"},
		{Profile{Reorder: 1}, "neither"},
		{Profile{Delay: -1}, "not within"},
		{Profile{Delay: Longest, Jitter: 1}, "not within"},
		{Profile{Delay: 1, Jitter: 2}, "more than the delay"},
		{Profile{Loss: 1.1}, "not within"},
		{Profile{Delay: 1, Reorder: -0.1}, "not within"},
	} {
		if err := c.p.check(); err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%+v: %v; want %q", c.p, err, c.wants)
		}
	}
	if err := (Profile{Delay: Longest, Loss: 1, Reorder: 1}).check(); err != nil {
		t.Error(err)
	}
}

// Whatever the profiles, no packet is let go before its time or after the most
// that the delays allow, and none overtakes another unless it is let to.
func TestPassKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, most, least := &link{}, int64(0), int64(0)
		for range rapid.IntRange(1, 3).Draw(t, "faults") {
			delay := rapid.Int64Range(0, int64(time.Second)).Draw(t, "delay")
			jitter := rapid.Int64Range(0, delay).Draw(t, "jitter")
			l.effects = append(l.effects, newEffect(Profile{
				Delay: time.Duration(delay), Jitter: time.Duration(jitter),
				Loss: rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "loss"), Seed: rapid.Uint64().Draw(t, "seed"),
			}))
			most, least = most+delay+jitter, least+delay-jitter
		}
		now, last := int64(0), int64(0)
		for range 50 {
			now += rapid.Int64Range(0, int64(10*time.Millisecond)).Draw(t, "gap")
			f := l.pass(now, 100)
			if f.lost {
				continue
			}
			due := f.due
			if due < now+least || due > max(now+most, last) || due < last {
				t.Fatalf("a packet of %d is due at %d, after one at %d; delays are %d to %d", now, due, last, least, most)
			}
			last = due
		}
	})
}

func TestLossAndReorderAreShares(t *testing.T) {
	const packets = 20_000
	e := newEffect(Profile{Delay: time.Second, Loss: 0.1, Reorder: 0.25, Seed: 7})
	l := &link{effects: []*effect{e}}
	for i := range packets {
		f := l.pass(int64(i), 100)
		if !f.lost && f.due != int64(i) && f.due != int64(i)+int64(time.Second) {
			t.Fatalf("packet %d is due at %d", i, f.due)
		}
	}
	if share := float64(e.Lost) / packets; share < 0.09 || share > 0.11 {
		t.Errorf("%v of the packets are lost", share)
	}
	if share := float64(e.Overtook) / float64(packets-e.Lost); share < 0.23 || share > 0.27 {
		t.Errorf("%v of the rest are let overtake", share)
	}
}

func TestSameSeedSameDraws(t *testing.T) {
	draws := func(seed uint64) (all []int64) {
		l := &link{effects: []*effect{newEffect(Profile{Delay: time.Second, Jitter: time.Second, Loss: 0.5, Seed: seed})}}
		for i := range 50 {
			all = append(all, l.pass(int64(i), 100).due)
		}
		return all
	}
	same, other := true, true
	for i, due := range draws(1) {
		same = same && due == draws(1)[i]
		other = other && due == draws(2)[i]
	}
	if !same || other {
		t.Errorf("the same seed draws the same: %v; another does: %v", same, other)
	}
}

// Packets leave by their time, and by their coming where that is the same.
func TestHeldLeavesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, alive, dead := &held{}, &link{effects: []*effect{newEffect(Profile{Delay: 1})}}, &link{}
		for i, due := range rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 40).Draw(t, "due") {
			h.add(packet{id: uint32(i), due: due, link: rapid.SampledFrom([]*link{alive, dead}).Draw(t, "link")})
		}
		if rapid.Bool().Draw(t, "release") {
			h.release(5)
			for _, p := range h.packets {
				if p.link == dead && p.due > 5 {
					t.Fatalf("%d is held until %d though nothing acts on it", p.id, p.due)
				}
			}
		}
		before, n := packet{due: -1}, h.Len()
		for range n {
			if _, early := h.next(-1); early {
				t.Fatal("a packet left before its time")
			}
			p, ok := h.next(20)
			if !ok || p.due < before.due || p.due == before.due && p.number < before.number {
				t.Fatalf("%+v left after %+v (%v)", p, before, ok)
			}
			before = p
		}
		if h.wait(0) >= 0 {
			t.Fatal("something is still held")
		}
	})
}
