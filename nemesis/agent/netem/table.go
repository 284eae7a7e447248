//go:build linux

package netem

import (
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// last is the priority of the chains: after everybody who may change where a
// packet goes to.
const last = 200

// A table is our two tables in one network namespace, of IPv4 and of IPv6.
type table struct{ halves [2]half }

// A half is the table of one family: a map from destinations to classes, and a
// chain that puts packets into them.
type half struct {
	*nftables.Table
	chain    *nftables.Chain
	classes  *nftables.Set
	at, size uint32 // of the destination's address in a packet
}

func newTable(name string, lifetime time.Duration) table {
	return table{[2]half{
		newHalf(name, nftables.TableFamilyIPv4, nftables.TypeIPAddr, lifetime, 16, 4),
		newHalf(name, nftables.TableFamilyIPv6, nftables.TypeIP6Addr, lifetime, 24, 16),
	}}
}

func newHalf(name string, family nftables.TableFamily, address nftables.SetDatatype, lifetime time.Duration, at, size uint32) half {
	t := &nftables.Table{Family: family, Name: name}
	accept := nftables.ChainPolicyAccept
	return half{
		Table: t,
		chain: &nftables.Chain{
			Name: "shape", Table: t, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityRef(last), Policy: &accept,
		},
		classes: &nftables.Set{
			Table: t, ID: at, Name: "classes", KeyType: address, // The ID only has to differ between the two.
			IsMap: true, DataType: nftables.TypeClassID,
			HasTimeout: true, Timeout: lifetime, KeyByteOrder: binaryutil.BigEndian,
		},
		at: at, size: size,
	}
}

// create makes the tables with these destinations in one transaction,
// replacing those of the same name.
func (t table) create(c *nftables.Conn, classes map[netip.Addr]class) error {
	for _, h := range t.halves {
		c.AddTable(h.Table)
		c.DelTable(h.Table)
		c.AddTable(h.Table)
		if err := c.AddSet(h.classes, nil); err != nil {
			return err
		}
		c.AddChain(h.chain)
		// Besides filters, a class is chosen by what a packet has as its priority.
		c.AddRule(&nftables.Rule{Table: h.Table, Chain: h.chain, Exprs: []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: h.at, Len: h.size},
			&expr.Lookup{SourceRegister: 1, DestRegister: 1, IsDestRegSet: true, SetName: h.classes.Name, SetID: h.classes.ID},
			&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: 1},
		}})
	}
	return t.replace(c, classes)
}

// replace makes the contents of the maps exactly these.
func (t table) replace(c *nftables.Conn, classes map[netip.Addr]class) error {
	for _, h := range t.halves {
		var elements []nftables.SetElement
		for to, class := range classes {
			if key := to.AsSlice(); len(key) == int(h.size) {
				elements = append(elements, nftables.SetElement{Key: key, Val: binaryutil.NativeEndian.PutUint32(class.id())})
			}
		}
		c.FlushSet(h.classes)
		if err := c.SetAddElements(h.classes, elements); err != nil {
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

// count is how many destinations the kernel says are in the tables.
func (t table) count(c *nftables.Conn) (int, error) {
	n := 0
	for _, h := range t.halves {
		elements, err := c.GetSetElements(h.classes)
		if err != nil {
			return 0, err
		}
		n += len(elements)
	}
	return n, nil
}
