//go:build linux

package rules

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// First is the priority of our chains: before connection tracking, whose
// "established, accept" would let half of a cut through.
const First = -300

// chunk is how many elements go into one message of a transaction, whose lists
// are limited to 64 KiB.
const chunk = 500

// An Action says what a table does.
type Action struct {
	Family nftables.TableFamily
	// Hooks are where it looks at packets.
	Hooks []*nftables.ChainHook
	// Only are conditions besides the addresses, such as "a new connection".
	Only []expr.Any
	// Then is what is done to a packet, after it has been counted.
	Then []expr.Any
	// ARP is whether to do it to ARP as well, so that it looks like a pulled
	// cable.
	ARP bool
	// Needs is what the kernel must have, for hints.
	Needs string
}

// A table is our table and what is in it, as nftables wants it described.
type table struct {
	*nftables.Table
	Action
	acts       *nftables.Chain
	transports *nftables.Set // TCP and UDP
	families   [2]family
}

// A family is the sets of one family of addresses.
type family struct {
	protocol uint16 // of ethernet
	from, to uint32 // where the addresses are in a packet
	size     uint32
	pairs    *nftables.Set // any packet from one to another
	ports    *nftables.Set // those of a port
	nodes    *nftables.Set // the addresses of nodes
}

// newTable describes a table. Without count, elements have no counters of their
// own, as on kernels before 5.7.
func newTable(name string, a Action, count bool) table {
	t := &nftables.Table{Family: a.Family, Name: name}
	four := family{protocol: unix.ETH_P_IP, from: 12, to: 16, size: 4}
	six := family{protocol: unix.ETH_P_IPV6, from: 8, to: 24, size: 16}
	four.describe(t, 1, "4", nftables.TypeIPAddr, count)
	six.describe(t, 4, "6", nftables.TypeIP6Addr, count)
	return table{
		Table: t, Action: a,
		acts:       &nftables.Chain{Name: "acts", Table: t},
		transports: &nftables.Set{Table: t, ID: 7, Name: "transports", KeyType: nftables.TypeInetProto},
		families:   [2]family{four, six},
	}
}

// describe fills in the sets. The ids only have to differ from those of other
// sets in the same transaction; left out, the library would count them up in a
// variable that all its users share.
func (f *family) describe(t *nftables.Table, id uint32, suffix string, address nftables.SetDatatype, count bool) {
	expiring := func(id uint32, name string, of ...nftables.SetDatatype) *nftables.Set {
		return &nftables.Set{
			Table: t, ID: id, Name: name + suffix,
			KeyType: nftables.MustConcatSetType(of...), Concatenation: true,
			HasTimeout: true, Timeout: Lifetime, Counter: count,
			KeyByteOrder: binaryutil.BigEndian,
			Size:         Limit, // or the kernel makes its table larger as it goes, again and again
		}
	}
	f.pairs = expiring(id, "pairs", address, address)
	f.ports = expiring(id+1, "ports", address, address, nftables.TypeInetService)
	f.nodes = &nftables.Set{Table: t, ID: id + 2, Name: "nodes" + suffix, KeyType: address, KeyByteOrder: binaryutil.BigEndian}
}

// create adds the table, replacing one of the same name that somebody who
// died may have left.
func (t table) create(c *nftables.Conn) error {
	c.AddTable(t.Table)
	c.DelTable(t.Table)
	c.AddTable(t.Table)
	if err := c.AddSet(t.transports, []nftables.SetElement{{Key: []byte{unix.IPPROTO_TCP}}, {Key: []byte{unix.IPPROTO_UDP}}}); err != nil {
		return err
	}
	for _, f := range t.families {
		for _, s := range []*nftables.Set{f.pairs, f.ports, f.nodes} {
			if err := c.AddSet(s, nil); err != nil {
				return err
			}
		}
	}
	c.AddChain(t.acts)
	for _, match := range t.matches() {
		c.AddRule(&nftables.Rule{Table: t.Table, Chain: t.acts, Exprs: slices.Concat(match, []expr.Any{&expr.Counter{}}, t.Then)})
	}
	accept := nftables.ChainPolicyAccept
	for i, hook := range t.Hooks {
		base := c.AddChain(&nftables.Chain{
			Name: "hook" + string(rune('0'+i)), Table: t.Table, Type: nftables.ChainTypeFilter,
			Hooknum: hook, Priority: nftables.ChainPriorityRef(First), Policy: &accept,
		})
		c.AddRule(&nftables.Rule{Table: t.Table, Chain: base,
			Exprs: append(slices.Clone(t.Only), &expr.Verdict{Kind: expr.VerdictJump, Chain: t.acts.Name})})
	}
	return nil
}

// replace makes the contents of the sets exactly these.
func (t table) replace(c *nftables.Conn, matches map[Match]bool, nodes []netip.Addr) error {
	elements := map[*nftables.Set][]nftables.SetElement{}
	for m := range matches {
		f := t.of(m.four())
		set := f.pairs
		if m.Port > 0 {
			set = f.ports
		}
		elements[set] = append(elements[set], nftables.SetElement{Key: m.key()})
	}
	for _, a := range nodes {
		set := t.of(a.Is4()).nodes
		elements[set] = append(elements[set], nftables.SetElement{Key: a.AsSlice()})
	}
	for _, f := range t.families {
		for _, set := range []*nftables.Set{f.pairs, f.ports, f.nodes} {
			c.FlushSet(set)
			for some := range slices.Chunk(elements[set], chunk) {
				if err := c.SetAddElements(set, some); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (t table) of(four bool) family {
	if four {
		return t.families[0]
	}
	return t.families[1]
}
