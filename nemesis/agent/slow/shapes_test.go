//go:build linux

package slow

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/netem"
	"github.com/shakedown-dev/shakedown/nemesis/agent/otherkernel"
)

func TestMain(m *testing.M) {
	otherkernel.Init()
	os.Exit(m.Run())
}

// TestOnAnotherKernel runs the tests of this package on a kernel that has netem
// and queues in nftables.
func TestOnAnotherKernel(t *testing.T) {
	otherkernel.Test(t, "^Test([^O]|O[^n])",
		"veth", "bridge", "nf_tables", "sch_htb", "sch_netem", "nfnetlink_queue", "nft_queue", "nft_compat", "xt_NFQUEUE", "af_packet", "ipv6")
}

var ofN1toN2 = [][2]string{{"n1", "n2"}}

// What netem does exactly as we say is netem's, the rest is for a queue.
func TestShapeable(t *testing.T) {
	for name, c := range map[string]struct {
		Profile
		want bool
	}{
		"delay":         {Profile{Delay: time.Second}, true},
		"loss":          {Profile{Loss: 0.1, Seed: 5}, true},
		"reorder":       {Profile{Delay: time.Second, Reorder: 0.1}, true},
		"reorder alone": {Profile{Loss: 0.1, Reorder: 0.1}, false},
		"jitter":        {Profile{Delay: time.Second, Jitter: 1}, false},
		"bursts":        {Profile{Loss: 0.1, LossBurst: 2}, false},
		"duplicate":     {Profile{Delay: time.Second, Duplicate: 0.1}, false},
		"corrupt":       {Profile{Corrupt: 0.1}, false},
		"tamper":        {Profile{Tamper: 0.1}, false},
		"rate":          {Profile{Rate: 1}, false},
	} {
		if got := c.shapeable(); got != c.want {
			t.Errorf("%s: netem does it: %v, want %v", name, got, c.want)
		}
	}
}

// On a kernel without netem a queue does it, and it can be asked why.
func TestKernelWithoutNetem(t *testing.T) {
	w := newPond(t)
	w.queues = false
	w.slow(t, "f", Profile{Delay: 50 * time.Millisecond})
	why := w.Refusal()
	if why == nil {
		t.Skip("this kernel has netem")
	}
	if !errors.Is(why, netem.ErrRefused) || !strings.Contains(why.Error(), "CONFIG_NET_SCH_NETEM") {
		t.Error(why)
	}
	if !strings.HasPrefix(w.Backend(), "netfilter queue") {
		t.Errorf("it is done by %s", w.Backend())
	}
	if rtt := w.roundTrip(t, "n2"); rtt < 50*time.Millisecond {
		t.Errorf("slowed, a round trip takes %v", rtt)
	}
}

func (w *pond) slow(t *testing.T, id string, p Profile) {
	t.Helper()
	if _, err := w.Slow(t.Context(), id, ofN1toN2, p); err != nil {
		t.Fatal(err)
	}
}

func (w *pond) mend(t *testing.T, id string) Tally {
	t.Helper()
	c, err := w.Mend(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c.Tally
}

// Netem acts while one fault is alone on a way, and a queue while there are two.
func TestNetemAndQueue(t *testing.T) {
	const delay = 60 * time.Millisecond
	w := newPond(t)
	w.queues = false
	w.slow(t, "f", Profile{Delay: delay})
	if w.Refusal() != nil {
		t.Skip("this kernel has no netem; TestOnAnotherKernel brings one that has")
	}
	within := func(what, by string, least, most time.Duration) {
		t.Helper()
		if got := w.Backend(); got != by {
			t.Errorf("%s: it is done by %s, want %s", what, got, by)
		}
		if rtt := w.roundTrip(t, "n2"); rtt < least || rtt >= most {
			t.Errorf("%s: a round trip takes %v, want %v to %v", what, rtt, least, most)
		}
	}
	long := 20 * time.Second
	within("alone", "netem", delay, long)
	w.slow(t, "g", Profile{Delay: 2 * delay, Jitter: 1})
	within("both", "netfilter queue, by nftables", 3*delay-1, long)
	if tally := w.mend(t, "g"); tally.Delayed != 1 || tally.Held < delay {
		t.Errorf("the second fault: %+v", tally)
	}
	within("alone again", "netem", delay, long)
	if tally := w.mend(t, "f"); tally.Delayed != 3 {
		t.Errorf("the first fault: %+v", tally)
	}
	within("mended", "netfilter queue, by nftables", 0, delay)
}

// A node that starts again in another network is shaped there, and what was
// counted in the first one is not forgotten.
func TestNetemFollows(t *testing.T) {
	const delay = 60 * time.Millisecond
	w := newPond(t)
	w.queues = false
	w.slow(t, "f", Profile{Delay: delay})
	if w.Refusal() != nil {
		t.Skip("this kernel has no netem; TestOnAnotherKernel brings one that has")
	}
	w.roundTrip(t, "n2")
	if err := w.Place(t.Context(), "n1", -1, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Place(t.Context(), "n1", w.play.Endpoint(0), nil); err != nil {
		t.Fatal(err)
	}
	if rtt := w.roundTrip(t, "n2"); rtt < delay {
		t.Errorf("after a restart a round trip takes %v", rtt)
	}
	if tally, err := w.Count("f"); err != nil || tally.Delayed != 2 {
		t.Errorf("%+v, %v", tally, err)
	}
}
