//go:build linux

package cut

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// arrives insists that a text is the next thing to be heard: what was lost
// before never came.
func arrives(t *testing.T, from, to *net.UDPConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatalf("the sender was told: %v", err)
	}
	to.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 64)
	if n, _, err := to.ReadFrom(got); err != nil || string(got[:n]) != text {
		t.Fatalf("received %q, %v; want %q", got[:n], err, text)
	}
}

// lost insists that a text is dropped by the cut of an ID.
func (y *yard) lost(t *testing.T, id string, from, to *net.UDPConn) {
	t.Helper()
	before, err := y.net.Dropped(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.WriteTo([]byte("lost"), to.LocalAddr()); err != nil {
		t.Fatalf("the sender was told: %v", err)
	}
	y.untilDropped(t, id, before.Packets+1)
}

// client opens a socket on the bridge's host, where clients are.
func (y *yard) client(t *testing.T, address netip.Addr) *net.UDPConn {
	t.Helper()
	var s *net.UDPConn
	err := y.InBridge(func() (err error) {
		s, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Between clients and one node only: other nodes, and that node with other
// nodes, are not concerned.
func TestClientsAreParted(t *testing.T) {
	for family, address := range families {
		t.Run(family, func(t *testing.T) {
			y := newYard(t, 2, address)
			c := y.client(t, map[string]netip.Addr{"ipv4": y.Host(), "ipv6": y.Host6()}[family])
			n1, n2 := y.socks[0], y.socks[1]
			arrives(t, c, n1, "before")
			for _, way := range [][2]string{{Clients, "n1"}, {"n1", Clients}} {
				y.cut(t, "f", way)
				if way[0] == Clients {
					y.lost(t, "f", c, n1)
					arrives(t, n1, c, "the other way")
				} else {
					y.lost(t, "f", n1, c)
					arrives(t, c, n1, "the other way")
				}
				arrives(t, c, n2, "to another node")
				arrives(t, n2, c, "from another node")
				arrives(t, n1, n2, "to a peer")
				arrives(t, n2, n1, "from a peer")
				if c := y.mend(t, "f"); c.Dropped.Packets != 1 || c.Dropped.Shared {
					t.Errorf("%+v", c)
				}
				arrives(t, c, n1, "after")
				arrives(t, n1, c, "after")
			}
		})
	}
}

// A cut of one port leaves all others; it takes the answers, too.
func TestOnlyAPort(t *testing.T) {
	for family, address := range families {
		t.Run(family, func(t *testing.T) {
			y := newYard(t, 2, address)
			other, err := y.ListenUDP(1, address(y.Playground, 1))
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			n1, n2 := y.socks[0], y.socks[1]
			port := uint16(n2.LocalAddr().(*net.UDPAddr).Port)
			c, err := y.net.Cut(t.Context(), "f", [][2]string{{"n1", "n2"}, {"n2", "n1"}}, port)
			if err != nil || c.Pairs != 4 {
				t.Fatalf("%+v, %v", c, err)
			}
			y.lost(t, "f", n1, n2) // what is sent to the port
			y.lost(t, "f", n2, n1) // what comes from it
			arrives(t, n1, other, "to another port")
			arrives(t, other, n1, "from another port")
			if c := y.mend(t, "f"); c.Dropped.Packets != 2 || c.Dropped.Shared {
				t.Errorf("%+v", c)
			}
			arrives(t, n1, n2, "after")
		})
	}
}

func TestClientsOnlyWithNodes(t *testing.T) {
	n := New("run", 0)
	if _, err := n.Cut(t.Context(), "f", [][2]string{{Clients, Clients}}); err == nil {
		t.Error("clients are parted from clients")
	}
}
