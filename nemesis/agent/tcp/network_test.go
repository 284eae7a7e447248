//go:build linux

package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// A harbour is three nodes, of which n2 and n3 listen on two ports each, and a
// host of clients.
type harbour struct {
	*Network
	play *playground.Playground
}

const port, otherPort = 7001, 7002

func newHarbour(t *testing.T) *harbour {
	t.Helper()
	p := playtest.New(t, 3)
	h := &harbour{New(rules.TableName(t.Name())), p}
	t.Cleanup(func() {
		if _, err := h.Heal(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for i := range 3 {
		if err := h.Place(t.Context(), fmt.Sprint("n", i+1), p.Endpoint(i), []netip.Addr{p.Address(i), p.Address6(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < 3; i++ {
		h.listen(t, i, port)
		h.listen(t, i, otherPort)
	}
	return h
}

// listen echoes on a port of an endpoint.
func (h *harbour) listen(t *testing.T, i, port int) {
	t.Helper()
	var l net.Listener
	err := h.play.In(i, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprint(":", port)) // IPv6 and IPv4 by one socket, as Go's servers do
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 64)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					c.Write(b[:n])
				}
			}()
		}
	}()
}

// clients is the endpoint that is the host of clients.
const clients = -1

// dial connects from an endpoint or from clients.
func (h *harbour) dial(from int, to netip.Addr, port uint16) (net.Conn, error) {
	var c net.Conn
	dial := func() (err error) {
		c, err = net.DialTimeout("tcp", netip.AddrPortFrom(to, port).String(), 10*time.Second)
		return err
	}
	if from == clients {
		return c, h.play.InBridge(dial)
	}
	return c, h.play.In(from, dial)
}

// open insists on a connection that works.
func (h *harbour) open(t *testing.T, from int, to netip.Addr, port uint16) net.Conn {
	t.Helper()
	c, err := h.dial(from, to, port)
	if err != nil {
		t.Fatalf("from %d to %v, port %d: %v", from, to, port, err)
	}
	t.Cleanup(func() { c.Close() })
	works(t, c)
	return c
}

func works(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
}

// isReset insists that the owner of a connection is told that it was reset.
func isReset(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection that should be reset: %v", err)
	}
}

func (h *harbour) refused(t *testing.T, from int, to netip.Addr, port uint16) {
	t.Helper()
	c, err := h.dial(from, to, port)
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("from %d to %v, port %d: %v; want a refusal", from, to, port, err)
	}
}

func TestReset(t *testing.T) {
	for family, address := range families {
		t.Run(family, func(t *testing.T) {
			h := newHarbour(t)
			n2, n3 := address(h.play, 1), address(h.play, 2)
			toN2, toN2Other := h.open(t, 0, n2, port), h.open(t, 0, n2, otherPort)
			toN3, client := h.open(t, 0, n3, port), h.open(t, clients, n2, port)
			if n, err := h.Reset(t.Context(), [][2]string{{"n3", "n2"}}, nil); n != 0 || err != nil {
				t.Errorf("between two that are not connected %d were reset, %v", n, err)
			}
			if n, err := h.Reset(t.Context(), [][2]string{{"n1", "n2"}, {"n2", "n1"}}, []uint16{port}); n != 1 || err != nil {
				t.Errorf("%d were reset, %v; want the one of the port", n, err)
			}
			isReset(t, toN2)
			works(t, toN2Other)
			works(t, toN3)
			works(t, client)
			h.open(t, 0, n2, port) // Only what was established is gone.
			if n, err := h.Reset(t.Context(), [][2]string{{cut.Clients, "n2"}}, nil); n != 1 || err != nil {
				t.Errorf("%d of clients were reset, %v", n, err)
			}
			isReset(t, client)
			works(t, toN2Other)
			if n, err := h.Reset(t.Context(), [][2]string{{"n1", "n2"}}, nil); n != 2 || err != nil {
				t.Errorf("%d were reset, %v; want two", n, err)
			}
			isReset(t, toN2Other)
		})
	}
}

// The node that listens may be down; then its peer's end is aborted.
func TestResetOfOneEnd(t *testing.T) {
	h := newHarbour(t)
	c := h.open(t, 0, h.play.Address(1), port)
	if err := h.Place(t.Context(), "n2", -1, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := h.Reset(t.Context(), [][2]string{{"n1", "n2"}}, nil); n != 1 || err != nil {
		t.Errorf("%d were reset, %v", n, err)
	}
	if _, err := c.Read(make([]byte, 8)); !errors.Is(err, syscall.ECONNABORTED) {
		t.Errorf("its owner is told: %v", err)
	}
	if err := h.Place(t.Context(), "n1", -1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Reset(t.Context(), [][2]string{{"n1", "n2"}}, nil); err == nil {
		t.Error("nobody is there whose connections could be reset")
	}
}

func TestRefuse(t *testing.T) {
	for family, address := range families {
		t.Run(family, func(t *testing.T) {
			h := newHarbour(t)
			n2, n3 := address(h.play, 1), address(h.play, 2)
			old := h.open(t, 0, n2, port)
			c, err := h.Refuse(t.Context(), "f", [][2]string{{"n1", "n2"}}, []uint16{port})
			if err != nil || c.Pairs != 2 {
				t.Fatalf("%+v, %v; want a pair of each family", c, err)
			}
			h.refused(t, 0, n2, port)
			works(t, old)
			h.open(t, 0, n2, otherPort)
			h.open(t, 0, n3, port)
			h.open(t, 2, n2, port)
			h.open(t, clients, n2, port)
			if n, err := h.Refused(t.Context(), "f"); n != 1 || err != nil {
				t.Errorf("%d were refused, %v", n, err)
			}
			if c, was, err := h.Allow(t.Context(), "f"); c.Refused != 1 || !was || err != nil || c.Pairs != 0 {
				t.Errorf("%+v, %v, %v", c, was, err)
			}
			h.open(t, 0, n2, port)
			if _, was, err := h.Allow(t.Context(), "f"); was || err != nil {
				t.Errorf("allowed twice: %v, %v", was, err)
			}
			h.nothingLeft(t)
		})
	}
}

// nothingLeft insists that no table of ours is in the nodes' networks.
func (h *harbour) nothingLeft(t *testing.T) {
	t.Helper()
	for i := range 3 {
		if left := playtest.Tables(t, h.play.Endpoint(i)); len(left) > 0 {
			t.Errorf("left in the network of n%d: %v", i+1, left)
		}
	}
}

func TestRefuseClients(t *testing.T) {
	h := newHarbour(t)
	if _, err := h.Refuse(t.Context(), "f", [][2]string{{cut.Clients, "n2"}}, nil); err != nil {
		t.Fatal(err)
	}
	h.refused(t, clients, h.play.Address(1), port)
	h.refused(t, clients, h.play.Address6(1), otherPort)
	h.open(t, 0, h.play.Address(1), port)
	h.open(t, 1, h.play.Address(1), port) // with itself
	h.open(t, clients, h.play.Address(2), port)
	if n, err := h.Heal(t.Context()); n != 1 || err != nil {
		t.Errorf("healed %d, %v", n, err)
	}
	h.open(t, clients, h.play.Address(1), port)
	h.nothingLeft(t)
}

// A node that starts again, in another network, refuses there too, and what it
// refused before is not forgotten.
func TestRefuseOverARestart(t *testing.T) {
	h := newHarbour(t)
	if _, err := h.Refuse(t.Context(), "f", [][2]string{{"n1", "n2"}}, nil); err != nil {
		t.Fatal(err)
	}
	h.refused(t, 0, h.play.Address(1), port)
	if err := h.Place(t.Context(), "n2", -1, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Place(t.Context(), "n2", h.play.Endpoint(2), []netip.Addr{h.play.Address(2)}); err != nil {
		t.Fatal(err)
	}
	h.refused(t, 0, h.play.Address(2), port)
	if n, err := h.Refused(t.Context(), "f"); n != 2 || err != nil {
		t.Errorf("%d were refused, %v; want one before and one after", n, err)
	}
}

// Somebody may delete our tables; renewing makes them again.
func TestRenewBringsTablesBack(t *testing.T) {
	h := newHarbour(t)
	if err := h.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Refuse(t.Context(), "f", [][2]string{{"n1", "n2"}}, nil); err != nil {
		t.Fatal(err)
	}
	playtest.DeleteTables(t, h.play.Endpoint(1))
	h.open(t, 0, h.play.Address(1), port)
	if err := h.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.refused(t, 0, h.play.Address(1), port)
}

// What is asked for while the node is down is done when it runs.
func TestRefuseWaitsForANode(t *testing.T) {
	h := newHarbour(t)
	if err := h.Place(t.Context(), "n2", -1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Refuse(t.Context(), "f", [][2]string{{"n1", "n2"}}, nil); !errors.Is(err, desired.ErrNobody) {
		t.Fatalf("nobody runs: %v", err)
	}
	if err := h.Place(t.Context(), "n2", h.play.Endpoint(1), []netip.Addr{h.play.Address(1)}); err != nil {
		t.Fatal(err)
	}
	h.refused(t, 0, h.play.Address(1), port)
	if _, was, err := h.Allow(t.Context(), "f"); !was || err != nil {
		t.Errorf("allowed: %v, %v", was, err)
	}
	h.open(t, 0, h.play.Address(1), port)
}

func TestWhatCannotBeDone(t *testing.T) {
	h := newHarbour(t)
	for _, c := range []struct {
		pair  [2]string
		wants string
	}{
		{[2]string{"n1", "n9"}, `no address is known of node "n9"`},
		{[2]string{"n1", cut.Clients}, "clients are not asked"},
		{[2]string{cut.Clients, cut.Clients}, "nothing to say"},
	} {
		if _, err := h.Refuse(t.Context(), "f", [][2]string{c.pair}, nil); err == nil || !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%v: %v; want %q", c.pair, err, c.wants)
		}
		if len(h.boards)+len(h.refusals) > 0 {
			t.Errorf("%v: something stays of what was refused", c.pair)
		}
	}
	if _, err := h.Reset(t.Context(), [][2]string{{"n1", "n9"}}, nil); err == nil {
		t.Error("connections with a node that there is not were reset")
	}
	if _, err := h.Refused(t.Context(), "never"); err == nil {
		t.Error("what never was is counted")
	}
	if err := h.Rename("shakedown_other"); err != nil {
		t.Error(err)
	}
}

var families = map[string]func(*playground.Playground, int) netip.Addr{
	"ipv4": (*playground.Playground).Address,
	"ipv6": (*playground.Playground).Address6,
}
