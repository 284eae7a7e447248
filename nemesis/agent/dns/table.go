//go:build linux

package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/nfqueue"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// domain is the port of DNS.
const domain = 53

// A table is our two tables in one network namespace, of IPv4 and of IPv6.
type table struct {
	number uint16 // of the queue
	native bool   // the kernel's nftables has a queue of its own
	halves [2]half
}

// A half is the table of one family: a set with the port and a chain that
// queues what is sent there.
type half struct {
	*nftables.Table
	chain *nftables.Chain
	ports *nftables.Set
}

func newTable(name string, number uint16, native bool) table {
	t := table{number: number, native: native}
	accept := nftables.ChainPolicyAccept
	for i, family := range []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyIPv6} {
		own := &nftables.Table{Family: family, Name: name}
		t.halves[i] = half{
			Table: own,
			chain: &nftables.Chain{
				Name: "asks", Table: own, Type: nftables.ChainTypeFilter,
				Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRef(rules.First), Policy: &accept,
			},
			ports: &nftables.Set{
				Table: own, ID: uint32(i + 1), Name: "ports", KeyType: nftables.TypeInetService,
				HasTimeout: true, Timeout: rules.Lifetime, KeyByteOrder: binaryutil.BigEndian,
			},
		}
	}
	return t
}

// create makes the tables in one transaction, replacing those of the same name.
func (t table) create(c *nftables.Conn) error {
	for _, h := range t.halves {
		c.AddTable(h.Table)
		c.DelTable(h.Table)
		c.AddTable(h.Table)
		if err := c.AddSet(h.ports, nil); err != nil {
			return err
		}
		c.AddChain(h.chain)
		for _, protocol := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
			c.AddRule(&nftables.Rule{Table: h.Table, Chain: h.chain, Exprs: []expr.Any{
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
				&expr.Lookup{SourceRegister: 1, SetName: h.ports.Name, SetID: h.ports.ID},
				&expr.Counter{},
				nfqueue.Rule(t.number, t.native),
			}})
		}
	}
	return t.renew(c)
}

// renew gives what is in the sets another lifetime.
func (t table) renew(c *nftables.Conn) error {
	key := binary.BigEndian.AppendUint16(nil, domain)
	for _, h := range t.halves {
		c.FlushSet(h.ports)
		if err := c.SetAddElements(h.ports, []nftables.SetElement{{Key: key}}); err != nil {
			return err
		}
	}
	return nil
}

// stop lets questions pass by the queue.
func (t table) stop(c *nftables.Conn) error {
	for _, h := range t.halves {
		c.FlushSet(h.ports)
	}
	return c.Flush()
}

// delete removes the tables.
func (t table) delete(c *nftables.Conn) error {
	for _, h := range t.halves {
		c.DelTable(h.Table)
	}
	return c.Flush()
}

// verify sees that the kernel has the sets as they should be.
func (t table) verify(ctx context.Context, netns int) error {
	return rules.Talk(ctx, netns, func(c *nftables.Conn) error {
		for _, h := range t.halves {
			elements, err := c.GetSetElements(h.ports)
			if err != nil {
				return err
			}
			if len(elements) != 1 {
				return errors.New("read back: questions are not queued")
			}
		}
		return nil
	})
}

// install makes the tables, with the queue that the kernel has.
func install(ctx context.Context, netns int, name string, number uint16) (table, error) {
	var t table
	var err error
	// Each attempt has a socket of its own: one that failed has answers left over.
	for _, native := range []bool{true, false} {
		t = newTable(name, number, native)
		err = rules.Talk(ctx, netns, func(c *nftables.Conn) error {
			return errors.Join(t.create(c), c.Flush())
		})
		if err == nil {
			return t, t.verify(ctx, netns)
		}
	}
	return t, fmt.Errorf("make the tables: %w", nfqueue.Hint(err))
}
