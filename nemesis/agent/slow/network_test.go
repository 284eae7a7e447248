//go:build linux

package slow

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// lifetime is that of pairs in tests.
const lifetime = 30 * time.Second

// A pond is two endpoints that can be slowed, and an echo on the second.
type pond struct {
	*Network
	play *playground.Playground
	sock map[string]*net.UDPConn
}

func newPond(t testing.TB) *pond {
	t.Helper()
	p := playtest.New(t, 3)
	w := &pond{New("shakedown_test", lifetime), p, map[string]*net.UDPConn{}}
	w.queues = true
	t.Cleanup(func() {
		if _, err := w.Heal(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for i, name := range []string{"n1", "n2", "n3"} {
		if err := w.Place(t.Context(), name, p.Endpoint(i), []netip.Addr{p.Address(i), p.Address6(i)}); err != nil {
			t.Fatal(err)
		}
		s, err := p.ListenUDP(i, p.Address(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		w.sock[name] = s
		if name != "n1" {
			go echo(s)
		}
	}
	return w
}

// echo ends when the socket is closed.
func echo(s *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := s.ReadFrom(b)
		if err != nil {
			return
		}
		s.WriteTo(b[:n], from)
	}
}

// roundTrip measures a packet's way from n1 to a node and back.
func (w *pond) roundTrip(t testing.TB, to string) time.Duration {
	t.Helper()
	s := w.sock["n1"]
	begin := time.Now()
	if _, err := s.WriteTo([]byte("?"), w.sock[to].LocalAddr()); err != nil {
		t.Fatal(err)
	}
	s.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, _, err := s.ReadFrom(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

func TestDelayIsMeasuredAndGone(t *testing.T) {
	w := newPond(t)
	bare := w.roundTrip(t, "n2")
	c, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if c.Senders != 2 || c.Changed != 1 {
		t.Errorf("%+v", c)
	}
	for range 5 {
		if rtt := w.roundTrip(t, "n2"); rtt < 50*time.Millisecond {
			t.Errorf("slowed, a round trip takes %v", rtt)
		} else {
			t.Logf("bare %v, slowed %v", bare, rtt)
		}
	}
	w.quick(t, "n3", 40*time.Millisecond)
	if tally, err := w.Count("f"); err != nil || tally.Delayed != 5 || tally.Held < 250*time.Millisecond {
		t.Errorf("%+v, %v", tally, err)
	}
	if _, err := w.Mend(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if len(w.stations) > 0 {
		t.Error("the queue is still open")
	}
	w.quick(t, "n2", 40*time.Millisecond)
}

// What is slowed by two is slowed by both, and one of them may end.
func TestDelaysAddUp(t *testing.T) {
	w := newPond(t)
	for _, id := range []string{"f", "g"} {
		if _, err := w.Slow(t.Context(), id, [][2]string{{"n1", "n2"}, {"n2", "n1"}}, Profile{Delay: 20 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	if rtt := w.roundTrip(t, "n2"); rtt < 80*time.Millisecond {
		t.Errorf("two delays of 20ms each way make a round trip of %v", rtt)
	}
	c, err := w.Mend(t.Context(), "g")
	if err != nil || c.Changed != 2 || c.Senders != 4 || c.Tally.Delayed != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	until(t, "one of them makes less than two", func() bool { // on a machine that has other work not at once
		rtt := w.roundTrip(t, "n2")
		if rtt < 40*time.Millisecond {
			t.Errorf("one of them makes a round trip of %v", rtt)
		}
		return rtt < 80*time.Millisecond
	})
	if c, err := w.Mend(t.Context(), "g"); err != nil || c.Changed != 0 {
		t.Errorf("mended twice: %+v, %v", c, err)
	}
}

// A lost packet does not arrive, and nobody is told.
func TestLossIsCounted(t *testing.T) {
	w := newPond(t)
	if _, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Loss: 1}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.sock["n1"].WriteTo([]byte("lost"), w.sock["n2"].LocalAddr()); err != nil {
			t.Fatalf("the sender was told: %v", err)
		}
	}
	until(t, "three packets are lost", func() bool {
		tally, err := w.Count("f")
		return err == nil && tally.Lost == 3
	})
	if n, err := w.Heal(t.Context()); n != 1 || err != nil {
		t.Errorf("healed %d, %v", n, err)
	}
	w.roundTrip(t, "n2") // Its answer is not one to what was lost.
}

// What is held when a fault ends is let go at once.
func TestNothingIsHeldAfterMend(t *testing.T) {
	w := newPond(t)
	if _, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: Longest}); err != nil {
		t.Fatal(err)
	}
	got := make(chan time.Duration)
	go func() {
		defer close(got)
		got <- w.roundTrip(t, "n2")
	}()
	until(t, "it is held", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stations["n2"].pump.mu.Lock()
		defer w.stations["n2"].pump.mu.Unlock()
		return w.stations["n2"].pump.held.Len() == 1
	})
	if _, err := w.Mend(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if rtt, ok := <-got; !ok || rtt >= Longest {
		t.Errorf("it took %v (%v)", rtt, ok)
	}
}

// A node that starts again is in a new network, in which it is slowed too.
func TestRestartedNodeIsSlowed(t *testing.T) {
	w := newPond(t)
	if _, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: 30 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	// n2 goes down, and comes again as what was n3.
	if err := w.Place(t.Context(), "n2", -1, nil); err != nil {
		t.Fatal(err)
	}
	if len(w.stations) != 0 {
		t.Error("something waits in the network of a node that is down")
	}
	if err := w.Place(t.Context(), "n2", w.play.Endpoint(2), []netip.Addr{w.play.Address(2)}); err != nil {
		t.Fatal(err)
	}
	if rtt := w.roundTrip(t, "n3"); rtt < 30*time.Millisecond {
		t.Errorf("in its new network it is not slowed: %v", rtt)
	}
}

// Somebody may delete our tables; renewing makes them again.
func TestRenewBringsTablesBack(t *testing.T) {
	w := newPond(t)
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: 30 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	s := w.stations["n2"]
	if err := rules.Talk(t.Context(), s.netns, s.table.delete); err != nil {
		t.Fatal(err)
	}
	w.quick(t, "n2", 25*time.Millisecond)
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rtt := w.roundTrip(t, "n2"); rtt < 30*time.Millisecond {
		t.Errorf("renewed, it takes %v", rtt)
	}
}

func TestRefusals(t *testing.T) {
	w := newPond(t)
	good := Profile{Delay: time.Millisecond}
	for _, c := range []struct {
		pair  [2]string
		p     Profile
		wants string
	}{
		{[2]string{"n1", "n9"}, good, `no address is known of node "n9"`},
		{[2]string{"n1", "n2"}, Profile{}, "neither"},
	} {
		if _, err := w.Slow(t.Context(), "f", [][2]string{c.pair}, c.p); err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%v: %v; want %q", c.pair, err, c.wants)
		}
		if len(w.stations)+len(w.faults) > 0 {
			t.Errorf("%v: something stays of what was refused", c.pair)
		}
	}
	if _, err := w.Count("never"); err == nil {
		t.Error("what never was is counted")
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Slow(late, "f", [][2]string{{"n1", "n2"}}, good); err == nil {
		t.Error("begun too late")
	}
}

// What is asked for while the node is down is done when it runs.
func TestSlowWaitsForANode(t *testing.T) {
	w := newPond(t)
	place := func(netns int) {
		t.Helper()
		if err := w.Place(t.Context(), "n2", netns, []netip.Addr{w.play.Address(1)}); err != nil {
			t.Fatal(err)
		}
	}
	place(-1)
	if _, err := w.Slow(t.Context(), "f", [][2]string{{"n1", "n2"}}, Profile{Delay: 30 * time.Millisecond}); !errors.Is(err, desired.ErrNobody) {
		t.Fatalf("nobody runs: %v", err)
	}
	place(w.play.Endpoint(1))
	if rtt := w.roundTrip(t, "n2"); rtt < 30*time.Millisecond {
		t.Errorf("when it runs, it takes %v", rtt)
	}
	if c, err := w.Mend(t.Context(), "f"); err != nil || c.Changed != 1 {
		t.Errorf("mended: %+v, %v", c, err)
	}
}

// The way of a node that does not answer has no length.
func TestRoundTripWithoutAnAnswer(t *testing.T) {
	w := newPond(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if took, err := RoundTrip(ctx, w.play.Endpoint(0), netip.MustParseAddr("10.99.0.200")); err == nil {
		t.Errorf("an address that nobody has answered in %v", took)
	}
	if took, err := RoundTrip(t.Context(), w.play.Endpoint(0), w.play.Address6(1)); err != nil || took <= 0 {
		t.Errorf("by IPv6: %v, %v", took, err)
	}
}

// until waits for a condition.
// quick waits for a round trip that is shorter than most: a single one may take
// longer on a busy machine.
func (w *pond) quick(t testing.TB, to string, most time.Duration) {
	t.Helper()
	until(t, fmt.Sprintf("a round trip to %s is shorter than %v", to, most), func() bool { return w.roundTrip(t, to) < most })
}

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
