//go:build linux

package rules

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

func drop() Action {
	return Action{
		Family: nftables.TableFamilyBridge, Hooks: []*nftables.ChainHook{nftables.ChainHookForward},
		Then: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}, Needs: "CONFIG_NF_TABLES_BRIDGE",
	}
}

// A lane is a board and two endpoints, from the first of which to the second
// it drops.
type lane struct {
	*Board
	from, to *net.UDPConn
	want     map[string][]Match
}

func newLane(t *testing.T, count bool) *lane {
	t.Helper()
	p := playtest.New(t, 2)
	l := &lane{Board: newBoard(p.Bridge(), TableName(t.Name()), drop(), count)}
	l.want = map[string][]Match{"f": {{From: p.Address(0), To: p.Address(1)}}}
	for i, s := range []**net.UDPConn{&l.from, &l.to} {
		var err error
		if *s, err = p.ListenUDP(i, p.Address(i)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*s).Close() })
	}
	return l
}

func (l *lane) settle(t *testing.T) Change {
	t.Helper()
	c, err := l.Settle(t.Context(), l.want, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (l *lane) readNow(t *testing.T) (r reading) {
	t.Helper()
	err := l.line.Talk(t.Context(), func(c *nftables.Conn) (err error) {
		r, err = l.table.read(c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMatchesExpireUnlessRenewed(t *testing.T) {
	l := newLane(t, true)
	l.settle(t)
	first := l.readNow(t)
	if len(first.matches) != 1 || first.expires <= 0 || first.expires > Lifetime {
		t.Fatalf("%d matches that expire in %v; want 1, within %v", len(first.matches), first.expires, Lifetime)
	}
	for l.readNow(t).expires > Lifetime-300*time.Millisecond { // The kernel's clock for them runs.
		time.Sleep(10 * time.Millisecond)
	}
	before := l.readNow(t).expires
	l.settle(t)
	if after := l.readNow(t).expires; after <= before {
		t.Errorf("expires in %v after the renewal, in %v before it", after, before)
	}
}

func TestCounts(t *testing.T) {
	for _, each := range []bool{true, false} {
		l := newLane(t, each)
		l.settle(t)
		if _, err := l.from.WriteTo([]byte("lost"), l.to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		want := Count{Packets: 1, Shared: !each}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			got, err := l.Count(t.Context(), "f")
			if err == nil && got == want {
				break
			}
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("counters of matches %v: %+v, %v; want %+v", each, got, err, want)
			}
		}
		l.want = nil
		if c := l.settle(t); c.Ended["f"] != want || !l.Idle() {
			t.Errorf("counters of matches %v: ended with %+v; want %+v", each, c.Ended["f"], want)
		}
		if _, err := l.Count(t.Context(), "f"); err == nil {
			t.Error("what is not wanted is counted")
		}
	}
}

func TestSettleAfterItsTime(t *testing.T) {
	b := New(0, "shakedown_late", drop())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Settle(ctx, nil, nil); err == nil || b.Made() {
		t.Errorf("begun too late: %v", err)
	}
}

// What is written into a set is what is read from it.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		address := rapid.Custom(func(t *rapid.T) netip.Addr {
			a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "bytes"))
			if a.IsUnspecified() || rapid.IntRange(0, 9).Draw(t, "nobody") == 0 {
				return netip.Addr{}
			}
			return a
		})
		m := Match{From: address.Draw(t, "from"), To: address.Draw(t, "to"), Port: rapid.Uint16().Draw(t, "port")}
		if !m.From.IsValid() && !m.To.IsValid() {
			return
		}
		key := m.key()
		if got := parseKey(key, size); got != m || len(key)%4 != 0 {
			t.Errorf("%v is %v, read as %v", m, key, got)
		}
	})
}

func TestMatchReads(t *testing.T) {
	a := netip.MustParseAddr("10.0.0.1")
	if got := (Match{To: a, Port: 80}).String(); got != "whoever is no node to 10.0.0.1, port 80" {
		t.Error(got)
	}
}

// While the kernel makes the table of a set larger, a listing may lack some of
// what is in force. Many matches, often, are a way to meet such a listing.
func TestManyMatchesAreReadBack(t *testing.T) {
	l := newLane(t, true)
	many := map[string][]Match{}
	for i := range 50 {
		for j := range 25 {
			many["f"] = append(many["f"], Match{
				From: netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), To: netip.AddrFrom4([4]byte{10, 2, 0, byte(j)})})
		}
	}
	for i := range 60 {
		for _, wanted := range []map[string][]Match{many, nil} {
			if c, err := l.Settle(t.Context(), wanted, nil); err != nil || c.Matches != len(wanted["f"]) {
				t.Fatalf("time %d: %d matches, %v", i+1, c.Matches, err)
			}
		}
	}
}

// What a listing leaves out and the next one has again is counted once.
func TestWhatAListingLeavesOutIsCountedOnce(t *testing.T) {
	b := newBoard(0, "x", drop(), true)
	m := Match{From: netip.MustParseAddr("10.0.0.1"), To: netip.MustParseAddr("10.0.0.2")}
	for _, listed := range []map[Match]uint64{{m: 5}, {}, {m: 7}} {
		b.add(reading{matches: listed, each: true})
	}
	if b.hits[m] != 7 {
		t.Errorf("%d packets are counted of 7", b.hits[m])
	}
}
