//go:build linux

package cut

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/nftables"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

func TestSweepTakesOnlyOurs(t *testing.T) {
	p := playtest.New(t, 0)
	others := &nftables.Table{Family: nftables.TableFamilyBridge, Name: "somebody_else"}
	err := rules.Talk(t.Context(), p.Bridge(), func(c *nftables.Conn) error {
		c.AddTable(others)
		c.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: "shakedownish"})
		return c.Flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"one", "two"} {
		n := New(run, p.Bridge())
		addresses(t, n)
		if _, err := n.Cut(t.Context(), "f", [][2]string{{"n1", "n2"}}); err != nil {
			t.Fatal(err)
		}
	}
	swept, err := Sweep(t.Context(), p.Bridge(), "*")
	slices.Sort(swept)
	if err != nil || !slices.Equal(swept, []string{"shakedown_one", "shakedown_two"}) {
		t.Errorf("swept %v, %v; want our two tables", swept, err)
	}
	if left := playtest.Tables(t, p.Bridge()); !slices.Equal(left, []string{"shakedownish", "somebody_else"}) {
		t.Errorf("left are %v; want what is not ours", left)
	}
}

func TestHealDeletesTheTable(t *testing.T) {
	p := playtest.New(t, 0)
	n := New("run", p.Bridge())
	addresses(t, n)
	for range 2 { // It can start over afterwards.
		if _, err := n.Cut(t.Context(), "f", [][2]string{{"n1", "n2"}}); err != nil {
			t.Fatal(err)
		}
		if got := playtest.Tables(t, p.Bridge()); !slices.Equal(got, []string{"shakedown_run"}) {
			t.Errorf("tables %v; want shakedown_run", got)
		}
		if ids, err := n.Heal(t.Context()); ids != 1 || err != nil {
			t.Errorf("healed %d cuts, %v; want 1", ids, err)
		}
		if got := playtest.Tables(t, p.Bridge()); len(got) != 0 {
			t.Errorf("after healing there are tables %v", got)
		}
	}
	if ids, err := n.Heal(t.Context()); ids != 0 || err != nil {
		t.Errorf("healed again: %d cuts, %v; want none", ids, err)
	}
}

func addresses(t testing.TB, n *Network) {
	t.Helper()
	for i := range 3 {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
		if err := n.SetAddresses(t.Context(), name(i), []netip.Addr{a}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRename(t *testing.T) {
	p := playtest.New(t, 0)
	n := New("123", p.Bridge())
	addresses(t, n)
	if err := n.Rename("etcd-storm/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Cut(t.Context(), "f", [][2]string{{"n1", "n2"}}); err != nil {
		t.Fatal(err)
	}
	if got := playtest.Tables(t, p.Bridge()); !slices.Equal(got, []string{"shakedown_etcd_storm_1"}) {
		t.Errorf("tables %v", got)
	}
	if err := n.Rename("etcd-storm/1"); err != nil {
		t.Errorf("the same name again: %v", err)
	}
	if err := n.Rename("other"); err == nil {
		t.Error("a table in use was renamed")
	}
}
