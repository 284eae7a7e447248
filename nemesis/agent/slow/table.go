//go:build linux

package slow

import (
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"

	"github.com/shakedown-dev/shakedown/nemesis/agent/nfqueue"
)

// behind is the priority of the chains: before connection tracking sees the
// packets.
const behind = -290

// A table is our two tables in one network namespace, of IPv4 and of IPv6, as
// nftables wants them described.
type table struct {
	number uint16 // of the queue
	native bool   // the kernel's nftables has a queue of its own
	halves [2]half
}

// A half is the table of one family: a set of senders and a chain that queues
// what comes from them.
type half struct {
	*nftables.Table
	chain    *nftables.Chain
	senders  *nftables.Set
	at, size uint32 // of the sender's address in a packet
}

func newTable(name string, lifetime time.Duration, number uint16, native bool) table {
	return table{number, native, [2]half{
		newHalf(name, nftables.TableFamilyIPv4, nftables.TypeIPAddr, lifetime, 12, 4),
		newHalf(name, nftables.TableFamilyIPv6, nftables.TypeIP6Addr, lifetime, 8, 16),
	}}
}

func newHalf(name string, family nftables.TableFamily, address nftables.SetDatatype, lifetime time.Duration, at, size uint32) half {
	t := &nftables.Table{Family: family, Name: name}
	accept := nftables.ChainPolicyAccept
	return half{
		Table: t,
		chain: &nftables.Chain{
			Name: "slow", Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityRef(behind), Policy: &accept,
		},
		senders: &nftables.Set{
			Table: t, ID: at, Name: "senders", KeyType: address, // The ID only has to differ between the two.
			HasTimeout: true, Timeout: lifetime, KeyByteOrder: binaryutil.BigEndian,
		},
		at: at, size: size,
	}
}

// create makes the tables with these senders in one transaction, replacing
// those of the same name.
func (t table) create(c *nftables.Conn, senders []netip.Addr) error {
	for _, h := range t.halves {
		c.AddTable(h.Table)
		c.DelTable(h.Table)
		c.AddTable(h.Table)
		if err := c.AddSet(h.senders, nil); err != nil {
			return err
		}
		c.AddChain(h.chain)
		c.AddRule(&nftables.Rule{Table: h.Table, Chain: h.chain, Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyMARK, Register: 1}, // What we sent ourselves has had its share.
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(ourMark)},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: h.at, Len: h.size},
			&expr.Lookup{SourceRegister: 1, SetName: h.senders.Name, SetID: h.senders.ID},
			&expr.Counter{},
			nfqueue.Rule(t.number, t.native),
		}})
	}
	return t.replace(c, senders)
}

// replace makes the contents of the sets exactly these senders.
func (t table) replace(c *nftables.Conn, senders []netip.Addr) error {
	for _, h := range t.halves {
		var elements []nftables.SetElement
		for _, s := range senders {
			if key := s.AsSlice(); len(key) == int(h.size) {
				elements = append(elements, nftables.SetElement{Key: key})
			}
		}
		c.FlushSet(h.senders)
		if err := c.SetAddElements(h.senders, elements); err != nil {
			return err
		}
	}
	return nil
}

// delete removes the tables.
func (t table) delete(c *nftables.Conn) error {
	for _, h := range t.halves {
		c.DelTable(h.Table)
	}
	return c.Flush()
}

// count is how many senders the kernel says are in the tables.
func (t table) count(c *nftables.Conn) (int, error) {
	n := 0
	for _, h := range t.halves {
		elements, err := c.GetSetElements(h.senders)
		if err != nil {
			return 0, err
		}
		n += len(elements)
	}
	return n, nil
}
