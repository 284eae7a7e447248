//go:build linux

package cut

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
)

// berth puts the nodes of a yard into their own networks.
func berth(t *testing.T, y *yard, nodes int) *Nodes {
	t.Helper()
	n := NewNodes(t.Name())
	for i := range nodes {
		if err := n.SetAddresses(t.Context(), name(i), []netip.Addr{y.Address(i), y.Address6(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range nodes {
		if err := n.Place(t.Context(), name(i), y.Endpoint(i)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { n.Heal(t.Context()) })
	return n
}

func (n *Nodes) awaitDropped(t *testing.T, id string, want uint64) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, err := n.Dropped(t.Context(), id)
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

// Without a bridge of our own, a packet is lost where it arrives: and only that
// way, only of those that are cut, and not any more once it is mended.
func TestNodesCutWhereTheyReceive(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	n := berth(t, y, 3)
	c, err := n.Cut(t.Context(), "one way", [][2]string{{"n1", "n2"}})
	if err != nil || c.Networks != 1 || c.Changed == 0 {
		t.Fatalf("cut: %+v, %v", c, err)
	}
	y.send(t, 0, 1, "lost")
	n.awaitDropped(t, "one way", 1)
	y.send(t, 1, 0, "the other way")
	y.receive(t, 0, "the other way")
	y.send(t, 2, 1, "of another")
	y.receive(t, 1, "of another")
	c, err = n.Mend(t.Context(), "one way")
	if err != nil || c.Dropped.Packets == 0 || c.Pairs != 0 {
		t.Fatalf("mend: %+v, %v", c, err)
	}
	y.send(t, 0, 1, "after")
	y.receive(t, 1, "after")
	if c, err := n.Mend(t.Context(), "one way"); err != nil || c.Changed != 0 {
		t.Errorf("mended twice: %+v, %v", c, err)
	}
}

// A node that starts again is in another network: what is cut is cut there from
// the beginning, and what was dropped before still counts.
func TestNodesFollowARestart(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	n := berth(t, y, 2)
	if _, err := n.Cut(t.Context(), "c", [][2]string{{"n1", "n2"}}); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 1, "lost")
	n.awaitDropped(t, "c", 1)
	if err := n.Place(t.Context(), "n2", -1); err != nil {
		t.Fatal(err)
	}
	if got, err := n.Dropped(t.Context(), "c"); err != nil || got.Packets == 0 {
		t.Errorf("while it is down: %+v, %v", got, err)
	}
	// The third place is another network, in which it has the third address.
	if err := n.SetAddresses(t.Context(), "n2", []netip.Addr{y.Address(2)}); err != nil {
		t.Fatal(err)
	}
	if err := n.Place(t.Context(), "n2", y.Endpoint(2)); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 2, "lost again")
	n.awaitDropped(t, "c", 2)
	if ids, err := n.Heal(t.Context()); ids != 1 || err != nil {
		t.Errorf("healed %d, %v", ids, err)
	}
	y.send(t, 0, 2, "healed")
	y.receive(t, 2, "healed")
}

// Everybody who is no node is cut off from one, both ways, without ports, which
// a host that is reached over the same network could not stand.
func TestNodesCutClients(t *testing.T) {
	y := newYard(t, 3, families["ipv4"])
	n := berth(t, y, 2) // the third is a client
	if _, err := n.Cut(t.Context(), "c", [][2]string{{Clients, "n1"}, {"n1", Clients}}); err != nil {
		t.Fatal(err)
	}
	y.send(t, 2, 0, "lost")
	n.awaitDropped(t, "c", 1)
	y.send(t, 1, 0, "of a node")
	y.receive(t, 0, "of a node")
}

func TestNodesRefuse(t *testing.T) {
	n := NewNodes("refuse")
	if _, err := n.Cut(t.Context(), "c", [][2]string{{"n1", "n2"}}); err == nil || !strings.Contains(err.Error(), "no address is known") {
		t.Errorf("unknown nodes: %v", err)
	}
	for _, node := range []string{"n1", "n2"} {
		if err := n.SetAddresses(t.Context(), node, []netip.Addr{netip.MustParseAddr("10.0.0." + node[1:])}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Dropped(t.Context(), "c"); err == nil {
		t.Error("what could not be cut counts as cut")
	}
}

// What is asked for while the node that receives is down is cut when it runs.
func TestNodesCutWaitsForANode(t *testing.T) {
	y := newYard(t, 2, families["ipv4"])
	n := berth(t, y, 2)
	if err := n.Place(t.Context(), "n2", -1); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Cut(t.Context(), "c", [][2]string{{"n1", "n2"}}); !errors.Is(err, desired.ErrNobody) {
		t.Fatalf("nobody runs: %v", err)
	}
	if err := n.Place(t.Context(), "n2", y.Endpoint(1)); err != nil {
		t.Fatal(err)
	}
	y.send(t, 0, 1, "lost")
	n.awaitDropped(t, "c", 1)
	if c, err := n.Mend(t.Context(), "c"); err != nil || c.Changed == 0 {
		t.Errorf("mended: %+v, %v", c, err)
	}
	y.send(t, 0, 1, "mended")
	y.receive(t, 1, "mended")
}
