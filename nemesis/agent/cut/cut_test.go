//go:build linux

package cut

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// A yard is a playground whose endpoints are the nodes n1, n2, … of a Network,
// with a socket each.
type yard struct {
	*playground.Playground
	net   *Network
	socks []*net.UDPConn
}

func newYard(t testing.TB, nodes int, address func(*playground.Playground, int) netip.Addr) *yard {
	t.Helper()
	p := playtest.New(t, nodes)
	y := &yard{Playground: p, net: New(t.Name(), p.Bridge())}
	for i := range nodes {
		sock, err := p.ListenUDP(i, address(p, i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sock.Close() })
		y.socks = append(y.socks, sock)
		if err := y.net.SetAddresses(t.Context(), name(i), []netip.Addr{p.Address(i), p.Address6(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range nodes {
		for j := range nodes {
			if i != j { // Also makes them know each other's hardware addresses.
				y.send(t, i, j, "warm up")
				y.receive(t, j, "warm up")
			}
		}
	}
	return y
}

func name(i int) string { return fmt.Sprintf("n%d", i+1) }

func (y *yard) send(t testing.TB, from, to int, text string) {
	t.Helper()
	if _, err := y.socks[from].WriteTo([]byte(text), y.socks[to].LocalAddr()); err != nil {
		t.Fatalf("%s to %s: the sender was told: %v", name(from), name(to), err)
	}
}

// receive insists that the next thing a node hears is text: what was cut off
// before never came.
func (y *yard) receive(t testing.TB, at int, text string) {
	t.Helper()
	got := make([]byte, 64)
	y.socks[at].SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := y.socks[at].ReadFrom(got)
	if err != nil || string(got[:n]) != text {
		t.Fatalf("%s received %q, %v; want %q", name(at), got[:n], err, text)
	}
}

func (y *yard) cut(t testing.TB, id string, pairs ...[2]string) Change {
	t.Helper()
	c, err := y.net.Cut(t.Context(), id, pairs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (y *yard) mend(t testing.TB, id string) Change {
	t.Helper()
	c, err := y.net.Mend(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// untilDropped waits until a cut has dropped a number of packets.
func (y *yard) untilDropped(t testing.TB, id string, want uint64) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, err := y.net.Dropped(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Packets >= want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s dropped %d packets; want %d", id, got.Packets, want)
		}
		time.Sleep(time.Millisecond)
	}
}

var families = map[string]func(*playground.Playground, int) netip.Addr{
	"ipv4": (*playground.Playground).Address,
	"ipv6": (*playground.Playground).Address6,
}

func TestOneWay(t *testing.T) {
	for family, address := range families {
		t.Run(family, func(t *testing.T) {
			y := newYard(t, 3, address)
			c := y.cut(t, "f1", [2]string{"n1", "n2"})
			if c.Pairs != 2 || c.Changed != 2 {
				t.Errorf("%d pairs of addresses, %d changed; want 2: one a family", c.Pairs, c.Changed)
			}
			y.send(t, 0, 1, "lost")
			y.untilDropped(t, "f1", 1)
			y.send(t, 1, 0, "the other way")
			y.receive(t, 0, "the other way")
			y.send(t, 0, 2, "elsewhere")
			y.receive(t, 2, "elsewhere")
			if c := y.mend(t, "f1"); c.Dropped.Packets != 1 || c.Dropped.Shared || c.Pairs != 0 {
				t.Errorf("mended: %+v; want 1 packet dropped and no pairs left", c)
			}
			y.send(t, 0, 1, "found")
			y.receive(t, 1, "found")
		})
	}
}

func TestEstablishedConnectionStallsAndResumes(t *testing.T) {
	y := newYard(t, 2, families["ipv4"])
	var listener net.Listener
	err := y.In(1, func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(y.Address(1), 7777).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var near net.Conn
	if err := y.In(0, func() (err error) { near, err = net.Dial("tcp", listener.Addr().String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	y.cut(t, "f", [2]string{"n1", "n2"}, [2]string{"n2", "n1"})
	if _, err := near.Write([]byte("late")); err != nil {
		t.Fatalf("the sender was told: %v", err)
	}
	y.untilDropped(t, "f", 2) // The segment and a retransmission.
	y.mend(t, "f")
	got := make([]byte, 4)
	far.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := far.Read(got); err != nil || string(got) != "late" {
		t.Errorf("after the mend: %q, %v; want what was sent during the cut", got, err)
	}
}

func TestOverlappingCuts(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	y.cut(t, "a", [2]string{"n1", "n2"}, [2]string{"n1", "n3"})
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "a", 1)
	if c := y.cut(t, "b", [2]string{"n1", "n2"}); c.Pairs != 4 || c.Changed != 2 {
		t.Errorf("with both cuts: %+v; want 4 pairs, 2 of them by b", c)
	}
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "b", 1)
	if c := y.mend(t, "a"); c.Dropped.Packets != 2 {
		t.Errorf("a dropped %d packets; want 2", c.Dropped.Packets)
	}
	y.send(t, 0, 2, "only a had cut this")
	y.receive(t, 2, "only a had cut this")
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "b", 2)
	if c := y.mend(t, "b"); c.Dropped.Packets != 2 {
		t.Errorf("b dropped %d packets; want 2", c.Dropped.Packets)
	}
	y.send(t, 0, 1, "found")
	y.receive(t, 1, "found")
}

func TestCutAgainReplaces(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	y.cut(t, "f", [2]string{"n1", "n2"})
	y.cut(t, "f", [2]string{"n1", "n3"})
	y.send(t, 0, 1, "free again")
	y.receive(t, 1, "free again")
	y.send(t, 0, 2, "lost")
	y.untilDropped(t, "f", 1)
}

func TestRenewalKeepsPairsAndCounts(t *testing.T) {
	y := newYard(t, 2, families["ipv4"])
	y.cut(t, "f", [2]string{"n1", "n2"})
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "f", 1)
	for range 3 {
		if err := y.net.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := y.net.Dropped(t.Context(), "f"); err != nil || got.Packets != 1 {
		t.Errorf("after renewals: %+v, %v; want the 1 packet from before", got, err)
	}
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "f", 2)
}

func TestTableDeletedByOthersComesBack(t *testing.T) {
	y := newYard(t, 2, families["ipv4"])
	y.cut(t, "f", [2]string{"n1", "n2"})
	if _, err := Sweep(t.Context(), y.Bridge(), "*"); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 1, "uncut")
	y.receive(t, 1, "uncut")
	if err := y.net.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 1, "lost")
	y.untilDropped(t, "f", 1)
}

func TestNewAddressIsCutAtOnce(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	y.cut(t, "f", [2]string{"n1", "n2"})
	if err := y.net.SetAddresses(t.Context(), "n2", []netip.Addr{y.Address(2)}); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 2, "lost")
	y.untilDropped(t, "f", 1)
	y.send(t, 0, 1, "no longer n2")
	y.receive(t, 1, "no longer n2")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		pair  [2]string
		wants string
	}{
		{"unknown node", [2]string{"n1", "n9"}, `node "n9" (known: n1, n2, n3, six)`},
		{"no common family", [2]string{"n1", "six"}, "no address of the same family"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := New("run", 0) // Refused before anything is asked of the kernel.
			addresses(t, n)
			if err := n.SetAddresses(t.Context(), "six", []netip.Addr{netip.MustParseAddr("fd00::6")}); err != nil {
				t.Fatal(err)
			}
			_, err := n.Cut(t.Context(), "f", [][2]string{c.pair})
			if err == nil || !strings.Contains(err.Error(), c.wants) {
				t.Errorf("error %v; want one with %q", err, c.wants)
			}
			if _, err := n.Dropped(t.Context(), "f"); err == nil {
				t.Error("a refused cut is counted as one")
			}
		})
	}
}

func TestLimit(t *testing.T) {
	n := New("run", 0)
	var all [][2]string
	for i := range 70 {
		a := netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})
		if err := n.SetAddresses(t.Context(), name(i), []netip.Addr{a}); err != nil {
			t.Fatal(err)
		}
		for j := range i {
			all = append(all, [2]string{name(i), name(j)}, [2]string{name(j), name(i)})
		}
	}
	if _, err := n.Cut(t.Context(), "f", all); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("4830 pairs: %v; want a refusal", err)
	}
}

// The largest cut that is allowed must really fit into one transaction.
func TestLargestTransaction(t *testing.T) {
	p := playtest.New(t, 0)
	n := New("run", p.Bridge())
	var all [][2]string
	for i := range rules.Limit {
		from, to := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
		for j, node := range []string{from, to} {
			a := netip.AddrFrom16([16]byte{0xfd, byte(j), byte(i >> 8), byte(i)})
			if err := n.SetAddresses(t.Context(), node, []netip.Addr{a}); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, [2]string{from, to})
	}
	if c, err := n.Cut(t.Context(), "f", all); err != nil || c.Pairs != rules.Limit {
		t.Errorf("%d pairs: %v", c.Pairs, err)
	}
}

func TestDeadline(t *testing.T) {
	n := New("run", playtest.New(t, 0).Bridge())
	addresses(t, n)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := n.Cut(ctx, "f", [][2]string{{"n1", "n2"}}); err == nil {
		t.Error("a cut after its deadline was made")
	}
	if _, err := n.Heal(t.Context()); err != nil {
		t.Error(err)
	}
}
