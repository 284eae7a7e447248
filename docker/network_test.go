package docker

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFreeSubnetsAvoidWhatIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var taken []netip.Prefix
		for range rapid.IntRange(0, 20).Draw(t, "networks") {
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
			if rapid.Bool().Draw(t, "near") {
				b[0], b[1] = 10, 64|b[1]&63
			}
			taken = append(taken, netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(8, 32).Draw(t, "bits")).Masked())
		}
		seen := map[netip.Prefix]bool{}
		for _, p := range freeSubnets(rapid.String().Draw(t, "run"), taken, 8) {
			if p.Bits() != 24 || !p.Addr().IsPrivate() || p != p.Masked() || overlapsAny(p, taken) || seen[p] {
				t.Fatalf("%v is not a free private /24 of its own", p)
			}
			seen[p] = true
		}
		if len(seen) < 8 && !overlapsAny(netip.MustParsePrefix("10.64.0.0/10"), taken) {
			t.Fatalf("only %d subnets", len(seen))
		}
	})
}

func TestFreeSubnetsFindTheOnlyOneLeft(t *testing.T) {
	want := poolSubnet(4711)
	var taken []netip.Prefix // all others: at each length, the half that it is not in
	for bits := 11; bits <= 24; bits++ {
		b := want.Addr().As4()
		b[(bits-1)/8] ^= 0x80 >> ((bits - 1) % 8)
		taken = append(taken, netip.PrefixFrom(netip.AddrFrom4(b), bits).Masked())
	}
	if diff := cmp.Diff([]string{want.String()}, texts(freeSubnets("run", taken, 3))); diff != "" {
		t.Error(diff)
	}
	if got := freeSubnets("run", append(taken, want), 3); len(got) != 0 {
		t.Errorf("found %v where nothing is free", got)
	}
}

func TestParseRoutes(t *testing.T) {
	const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
eth0	0000000A	00000000	0001	0	0	0	0000FFFF	0	0	0
br-1	0080400A	00000000	0001	0	0	0	00FFFFFF	0	0	0
bad	xx	00000000	0001	0	0	0	00FFFFFF	0	0	0
short	00
`
	// The mask 0000FFFF is written in the machine's order: 255.255.0.0.
	want := []string{"10.0.0.0/16", "10.64.128.0/24"}
	if diff := cmp.Diff(want, texts(parseRoutes(strings.NewReader(table)))); diff != "" {
		t.Error(diff)
	}
}

func TestPoolTaken(t *testing.T) {
	for says, want := range map[string]bool{
		"Error response from daemon: Pool overlaps with other one on this address space":             true,
		"cannot create network 1 (br-1): conflicts with network 2 (br-2): networks have overlapping": true,
		"invalid pool request: Pool overlaps with other one on this address space":                   true,
		"permission denied": false,
	} {
		if poolTaken(errors.New(says)) != want {
			t.Errorf("%q: want %v", says, want)
		}
	}
}

func TestHostIn(t *testing.T) {
	p := netip.MustParsePrefix("10.64.3.0/24")
	if got := hostIn(p, firstNode+maxNodes).String(); got != "10.64.3.251" {
		t.Errorf("the last node would be %s", got)
	}
}

func texts(ps []netip.Prefix) (out []string) {
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}
