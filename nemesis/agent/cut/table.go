//go:build linux

package cut

import (
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Lifetime is how long a pair stays cut unless it is renewed; [Renewal] is how
// often to do that, so that two may be missed.
const (
	Lifetime = 30 * time.Second
	Renewal  = 10 * time.Second
)

// first is the priority of the chain: before connection tracking, whose
// "established, accept" would let half of a cut through.
const first = -300

// chunk is how many pairs go into one message of a transaction, whose lists
// are limited to 64 KiB.
const chunk = 500

// Registers of the nftables machine, in words of 32 bits. A lookup reads its
// key from adjacent ones.
const word = unix.NFT_REG32_00

// A table is our table and what is in it, as nftables wants it described.
type table struct {
	*nftables.Table
	chain *nftables.Chain
	v4    *nftables.Set
	v6    *nftables.Set
}

// newTable describes a table. Without count, pairs have no counters of their
// own, as on kernels before 5.7.
func newTable(name string, count bool) table {
	t := &nftables.Table{Family: nftables.TableFamilyBridge, Name: name}
	accept := nftables.ChainPolicyAccept
	return table{
		Table: t,
		chain: &nftables.Chain{
			Name: "cut", Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityRef(first), Policy: &accept,
		},
		v4: newSet(t, 1, "pairs4", nftables.TypeIPAddr, count),
		v6: newSet(t, 2, "pairs6", nftables.TypeIP6Addr, count),
	}
}

// newSet describes a set of pairs. The id only has to differ from that of the
// other set in the same transaction; left out, the library would count it up
// in a variable that all its users share.
func newSet(t *nftables.Table, id uint32, name string, address nftables.SetDatatype, count bool) *nftables.Set {
	return &nftables.Set{
		Table: t, ID: id, Name: name,
		KeyType: nftables.MustConcatSetType(address, address), Concatenation: true,
		HasTimeout: true, Timeout: Lifetime, Counter: count,
		KeyByteOrder: binaryutil.BigEndian,
	}
}

// create adds the table, replacing one of the same name that somebody who
// died may have left.
func (t table) create(c *nftables.Conn) error {
	c.AddTable(t.Table)
	c.DelTable(t.Table)
	c.AddTable(t.Table)
	for _, s := range []*nftables.Set{t.v4, t.v6} {
		if err := c.AddSet(s, nil); err != nil {
			return err
		}
	}
	c.AddChain(t.chain)
	for _, match := range [][]expr.Any{
		drop(unix.ETH_P_IP, 12, 16, 4, t.v4),
		drop(unix.ETH_P_IPV6, 8, 24, 16, t.v6),
		drop(unix.ETH_P_ARP, 14, 24, 4, t.v4), // So that a cut looks like a pulled cable.
	} {
		c.AddRule(&nftables.Rule{Table: t.Table, Chain: t.chain, Exprs: match})
	}
	return nil
}

// drop is a rule: of an ethernet protocol, drop and count what the set names
// by the addresses of size bytes at two places in the network header.
func drop(protocol uint16, from, to, size uint32, set *nftables.Set) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(protocol)},
		&expr.Payload{DestRegister: word, Base: expr.PayloadBaseNetworkHeader, Offset: from, Len: size},
		&expr.Payload{DestRegister: word + size/4, Base: expr.PayloadBaseNetworkHeader, Offset: to, Len: size},
		&expr.Lookup{SourceRegister: word, SetName: set.Name, SetID: set.ID},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

// replace makes the contents of the sets exactly these pairs.
func (t table) replace(c *nftables.Conn, pairs map[pair]bool) error {
	var v4, v6 []nftables.SetElement
	for p := range pairs {
		key := append(p.from.AsSlice(), p.to.AsSlice()...)
		if p.from.Is4() {
			v4 = append(v4, nftables.SetElement{Key: key})
		} else {
			v6 = append(v6, nftables.SetElement{Key: key})
		}
	}
	for set, elements := range map[*nftables.Set][]nftables.SetElement{t.v4: v4, t.v6: v6} {
		c.FlushSet(set)
		for some := range slices.Chunk(elements, chunk) {
			if err := c.SetAddElements(set, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// A reading is what the kernel says is in the table.
type reading struct {
	pairs   map[pair]uint64 // cut, and the packets that each has dropped
	each    bool            // whether pairs have counters of their own
	dropped uint64          // by all rules, since the table was made
	expires time.Duration   // when the first of the pairs does
}

func (t table) read(c *nftables.Conn) (reading, error) {
	r := reading{pairs: map[pair]uint64{}, each: true, expires: Lifetime}
	for _, set := range []*nftables.Set{t.v4, t.v6} {
		elements, err := c.GetSetElements(set)
		if err != nil {
			return reading{}, err
		}
		for _, e := range elements {
			r.note(e)
		}
	}
	rules, err := c.GetRules(t.Table, t.chain)
	if err != nil {
		return reading{}, err
	}
	for _, rule := range rules {
		for _, e := range rule.Exprs {
			if counter, ok := e.(*expr.Counter); ok {
				r.dropped += counter.Packets
			}
		}
	}
	return r, nil
}

func (r *reading) note(e nftables.SetElement) {
	half := len(e.Key) / 2
	from, _ := netip.AddrFromSlice(e.Key[:half])
	to, _ := netip.AddrFromSlice(e.Key[half:])
	r.pairs[pair{from, to}] = 0
	r.expires = min(r.expires, e.Expires)
	if e.Counter == nil {
		r.each = false
		return
	}
	r.pairs[pair{from, to}] = e.Counter.Packets
}
