//go:build linux

package slow

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
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
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: h.at, Len: h.size},
			&expr.Lookup{SourceRegister: 1, SetName: h.senders.Name, SetID: h.senders.ID},
			&expr.Counter{},
			t.queue(),
		}})
	}
	return t.replace(c, senders)
}

// queue sends a packet to the queue, if somebody listens to it.
func (t table) queue() expr.Any {
	if t.native {
		return &expr.Queue{Num: t.number, Total: 1, Flag: expr.QueueFlagBypass}
	}
	info := make(xt.Unknown, 8)
	binary.NativeEndian.PutUint16(info, t.number)
	binary.NativeEndian.PutUint16(info[2:], 1) // queues
	binary.NativeEndian.PutUint16(info[4:], 1) // bypass
	return &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}
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

// hint says what may be missing where the kernel does not.
func hint(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (CAP_NET_ADMIN is needed)", err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("%w (does this kernel have CONFIG_NF_TABLES, CONFIG_NETFILTER_NETLINK_QUEUE, and CONFIG_NFT_QUEUE or CONFIG_NETFILTER_XT_TARGET_NFQUEUE with CONFIG_NFT_COMPAT?)", err)
	}
	return err
}

// hurry is the deadline of one conversation with the kernel when the caller
// sets none.
const hurry = 5 * time.Second

// talk opens a socket to the kernel for f, with a deadline.
func talk(ctx context.Context, netns int, f func(*nftables.Conn) error) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(hurry)
	}
	c, err := nftables.New(nftables.WithNetNSFd(netns), nftables.AsLasting(),
		nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetDeadline(deadline) }))
	if err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	return errors.Join(f(c), c.CloseLasting())
}
