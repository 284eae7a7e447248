//go:build linux

package netem

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// hasNetem asks the kernel, and nothing of ours.
func hasNetem(r *reach) bool {
	r.t.Helper()
	has := false
	r.must(speak(r.play.Endpoint(0), func(h *netlink.Handle) error {
		q := netlink.NewNetem(netlink.QdiscAttrs{LinkIndex: 2, Handle: 1 << 16, Parent: netlink.HANDLE_ROOT}, netlink.NetemQdiscAttrs{})
		err := h.QdiscAdd(q)
		if errors.Is(err, syscall.ENOENT) {
			return nil
		}
		has = err == nil
		return errors.Join(err, h.QdiscDel(q))
	}))
	return has
}

func needNetem(t testing.TB) *reach {
	t.Helper()
	r := newReach(t, class.netem)
	if !hasNetem(r) {
		t.Skip("this kernel has no netem; TestOnAnotherKernel brings one that has")
	}
	return r
}

// Where the kernel has none, that is said, and nothing is left of the try.
func TestKernelWithoutNetem(t *testing.T) {
	r := newReach(t, class.netem)
	if hasNetem(r) {
		t.Skip("this kernel has netem")
	}
	err := r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1, Delay: time.Second}})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "CONFIG_NET_SCH_NETEM") {
		t.Error(err)
	}
	if left := r.roots(); left != "" || r.tables() != 0 || !r.Idle() {
		t.Errorf("there is left %s and %d tables", left, r.tables())
	}
	r.send(1, 1)
}

// What we ask for is what the kernel's structures mean by it: times in ticks of
// 64 ns, and shares of 2³²-1.
func TestDescription(t *testing.T) {
	c := class{link: 2, minor: 5, shape: Shape{Delay: 50 * time.Millisecond, Loss: 0.25, Reorder: 1}}
	n := c.netem().(*netlink.Netem)
	got := fmt.Sprint(n.LinkIndex, " ", netlink.HandleStr(n.Parent), " ", netlink.HandleStr(n.Handle), " ",
		n.Latency, " ", n.Loss, " ", n.ReorderProb, " ", n.Gap, " ", n.Jitter, " ", n.Duplicate, " ", n.CorruptProb, " ", n.Rate64)
	if want := "2 7700:5 7805:0 781250 1073741823 4294967295 1 0 0 0 0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// roundTrip is how long a packet takes to an endpoint, one way.
func (r *reach) oneWay(to int) time.Duration {
	r.t.Helper()
	begin := time.Now()
	r.send(to, 1)
	return time.Since(begin)
}

func TestDelay(t *testing.T) {
	r := needNetem(t)
	r.send(1, 1)
	bare := r.oneWay(1)
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1, Delay: 50 * time.Millisecond}}))
	for range 5 {
		took := r.oneWay(1)
		t.Logf("one way: bare %v, delayed %v", bare, took)
		if took < 50*time.Millisecond {
			t.Errorf("delayed by 50ms, a packet takes %v", took)
		}
	}
	if took := r.oneWay(2); took >= 50*time.Millisecond {
		t.Errorf("to another, a packet takes %v", took)
	}
	if c := r.counts()[1]; c.Seen != 5 || c.Lost != 0 {
		t.Errorf("%+v", c)
	}
	r.must(r.Settle(t.Context(), nil))
	if took := r.oneWay(1); took >= 50*time.Millisecond {
		t.Errorf("not delayed any more, a packet takes %v", took)
	}
}

// What is on its way when a fault ends arrives.
func TestHeldPacketsArrive(t *testing.T) {
	r := needNetem(t)
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{r.play.Address(1): {ID: 1, Delay: 500 * time.Millisecond}}))
	for range 10 {
		_, err := r.socks[0].WriteTo([]byte("held"), r.socks[1].LocalAddr())
		r.must(err)
	}
	r.must(r.Settle(t.Context(), nil))
	if r.Idle() {
		t.Error("the class has gone while it held packets")
	}
	r.must(r.socks[1].SetReadDeadline(time.Now().Add(10 * time.Second)))
	for range 10 {
		_, _, err := r.socks[1].ReadFrom(make([]byte, 64))
		r.must(err)
	}
	r.must(r.Settle(t.Context(), nil))
	if c := r.counts()[1]; !r.Idle() || c.Seen != 10 {
		t.Errorf("%+v", c)
	}
}

// Both ends count: what was sent is what arrived and what the kernel says is lost.
func TestLossAndReordering(t *testing.T) {
	const packets = 2000
	r := needNetem(t)
	r.must(r.Settle(t.Context(), map[netip.Addr]Shape{
		r.play.Address(1): {ID: 1, Delay: 20 * time.Millisecond, Loss: 0.2, Reorder: 0.25}}))
	arrived, overtaken, last := 0, 0, -1
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 64)
		for {
			_ = r.socks[1].SetReadDeadline(time.Now().Add(3 * time.Second)) // Without, it waits for the end of the test.
			if _, _, err := r.socks[1].ReadFrom(b); err != nil {
				return
			}
			arrived++
			if n := int(b[0])<<8 | int(b[1]); n > last {
				last = n
			} else {
				overtaken++
			}
		}
	}()
	for i := range packets {
		_, err := r.socks[0].WriteTo([]byte{byte(i >> 8), byte(i)}, r.socks[1].LocalAddr())
		r.must(err)
		if i%50 == 49 { // or the receiver's buffer loses some, which is small
			time.Sleep(10 * time.Millisecond)
		}
	}
	<-done
	c := r.counts()[1]
	t.Logf("%d arrived of %d, %d after later ones; the kernel says %+v", arrived, packets, overtaken, c)
	if c.Seen != packets || int(c.Lost) != packets-arrived || c.Overtook == 0 {
		t.Errorf("%d arrived of %d; the kernel says %+v", arrived, packets, c)
	}
	if c.Lost < packets/10 || c.Lost > packets*3/10 || overtaken < packets/10 {
		t.Errorf("of %d, %d were lost and %d overtaken", packets, c.Lost, overtaken)
	}
}
