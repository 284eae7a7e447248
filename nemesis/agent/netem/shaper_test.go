//go:build linux

package netem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

const lifetime = 30 * time.Second

// A reach is three endpoints, the first of which shapes what it sends.
type reach struct {
	*Shaper
	t     testing.TB
	play  *playground.Playground
	socks []*net.UDPConn
}

func newReach(t testing.TB, leaf func(class) netlink.Qdisc) *reach {
	t.Helper()
	p := playtest.New(t, 3)
	r := &reach{Shaper: New(p.Endpoint(0), "shakedown_test_netem", lifetime), t: t, play: p}
	r.leaf = leaf
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for i := range 3 {
		s, err := p.ListenUDP(i, p.Address(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		r.socks = append(r.socks, s)
	}
	return r
}

// fifo is what classes end in where a test is not about netem, which this
// kernel may lack.
func fifo(c class) netlink.Qdisc {
	return &netlink.GenericQdisc{QdiscType: "pfifo",
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: c.link, Handle: c.leaf(), Parent: c.id()}}
}

func (r *reach) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// send sends packets to an endpoint and waits until they have come.
func (r *reach) send(to, packets int) {
	r.t.Helper()
	for range packets {
		_, err := r.socks[0].WriteTo([]byte("packet"), r.socks[to].LocalAddr())
		r.must(err)
		r.must(r.socks[to].SetReadDeadline(time.Now().Add(5 * time.Second)))
		_, _, err = r.socks[to].ReadFrom(make([]byte, 64))
		r.must(err)
	}
}

func (r *reach) counts() map[uint64]Count {
	r.t.Helper()
	counts, err := r.Counts()
	r.must(err)
	return counts
}

// roots are what queueing disciplines the sender has, of its own interface.
func (r *reach) roots() string {
	r.t.Helper()
	var all []string
	r.must(speak(r.play.Endpoint(0), func(h *netlink.Handle) error {
		qdiscs, err := h.QdiscList(nil)
		for _, q := range qdiscs {
			if q.Type() != "noqueue" {
				all = append(all, fmt.Sprintf("%s %s", q.Type(), netlink.HandleStr(q.Attrs().Handle)))
			}
		}
		return err
	}))
	return strings.Join(all, ", ")
}

func (r *reach) tables() int { return len(playtest.Tables(r.t, r.play.Endpoint(0))) }

// Only what goes to the addresses that were named gets into their classes, and
// only as long as it should.
func TestClasses(t *testing.T) {
	r := newReach(t, fifo)
	want := map[netip.Addr]Shape{r.play.Address(1): {ID: 1}, r.play.Address6(1): {ID: 1}}
	r.must(r.Settle(t.Context(), want))
	r.send(1, 3)
	r.send(2, 5)
	if c := r.counts(); c[1].Seen < 3 || c[1].Seen > 4 || len(c) != 1 {
		t.Errorf("after 3 packets to one and 5 to another: %v", c)
	}
	before := r.counts()[1].Seen
	six, err := r.play.ListenUDP(1, r.play.Address6(1))
	r.must(err)
	defer six.Close()
	from, err := r.play.ListenUDP(0, r.play.Address6(0))
	r.must(err)
	defer from.Close()
	_, err = from.WriteTo([]byte("six"), six.LocalAddr())
	r.must(err)
	r.must(six.SetReadDeadline(time.Now().Add(5 * time.Second)))
	_, _, err = six.ReadFrom(make([]byte, 64))
	r.must(err)
	if now := r.counts()[1].Seen; now <= before {
		t.Errorf("a packet of IPv6 was not counted: %d, %d", before, now)
	}
	want = map[netip.Addr]Shape{r.play.Address(2): {ID: 2}}
	r.must(r.Settle(t.Context(), want))
	r.send(1, 3)
	r.send(2, 5)
	if c := r.counts(); c[2].Seen != 5 || c[1].Seen != before+1 {
		t.Errorf("another was to be shaped: %v, before %d", c, before)
	}
	r.must(r.Settle(t.Context(), nil))
	r.send(2, 5)
	if c := r.counts(); c[2].Seen != 5 || !r.Idle() {
		t.Errorf("nobody was to be shaped: %v", c)
	}
	r.must(r.Close(t.Context()))
	if left := r.roots(); left != "" || r.tables() != 0 {
		t.Errorf("in the end there are %s and %d tables", left, r.tables())
	}
}

// The same ID goes on counting, another one begins anew.
func TestCountsAreOfTheirID(t *testing.T) {
	r := newReach(t, fifo)
	for _, step := range []struct{ id, sent uint64 }{{1, 2}, {1, 4}, {2, 2}, {1, 6}} {
		r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: step.id}}))
		r.send(1, 2)
		if got := r.counts()[step.id].Seen; got != step.sent {
			t.Errorf("%+v: counted %d", step, got)
		}
	}
}

// When nobody settles any more, everything passes by the classes.
func TestExpires(t *testing.T) {
	r := newReach(t, fifo)
	r.table = newTable("shakedown_test_netem", 300*time.Millisecond)
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1}}))
	deadline := time.Now().Add(20 * time.Second)
	for {
		before := r.counts()[1].Seen
		r.send(1, 1)
		if r.counts()[1].Seen == before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("packets still go into the class")
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1}}))
	before := r.counts()[1].Seen
	r.send(1, 1)
	if r.counts()[1].Seen == before {
		t.Error("settled again, packets pass by the class")
	}
}

// What somebody else uses is left alone.
func TestForeignRoot(t *testing.T) {
	r := newReach(t, fifo)
	r.must(speak(r.play.Endpoint(0), func(h *netlink.Handle) error {
		own := root(2)
		own.Handle = netlink.MakeHandle(0x10, 0)
		return h.QdiscAdd(own)
	}))
	err := r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1}})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "somebody else") {
		t.Error(err)
	}
	r.must(r.Close(t.Context()))
	if left := r.roots(); left != "htb 10:0" {
		t.Errorf("of somebody else's root there is left %q", left)
	}
}

// What an agent left that was killed is taken over; what somebody deleted is
// made again.
func TestLeftovers(t *testing.T) {
	r := newReach(t, fifo)
	dead := New(r.play.Endpoint(0), "shakedown_dead", lifetime)
	dead.leaf = fifo
	r.must(dead.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1}}))
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(2): {ID: 2}}))
	r.send(2, 1)
	if c := r.counts(); c[2].Seen != 1 {
		t.Errorf("over what was left: %v", c)
	}
	r.must(speak(r.play.Endpoint(0), func(h *netlink.Handle) error { return h.QdiscDel(root(2)) }))
	r.send(2, 1)
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(2): {ID: 2}}))
	before := r.counts()[2].Seen
	r.send(2, 1)
	if c := r.counts(); c[2].Seen != before+1 {
		t.Errorf("after somebody deleted our root: %v", c)
	}
}

// An address that nothing leads to, or that is our own, is refused.
func TestNoWay(t *testing.T) {
	r := newReach(t, fifo)
	for _, to := range []netip.Addr{netip.MustParseAddr("203.0.113.1"), r.play.Address(0)} {
		if err := r.Settle(t.Context(), map[netip.Addr]Shape{to: {ID: 1}}); !errors.Is(err, ErrRefused) {
			t.Errorf("%v: %v", to, err)
		}
	}
	if left := r.roots(); left != "" {
		t.Errorf("there is left %s", left)
	}
}
