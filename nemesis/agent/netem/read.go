//go:build linux

package netem

import (
	"encoding/binary"
	"fmt"
	"time"

	raw "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A place is where in a network namespace a queueing discipline is.
type place struct {
	link   int
	handle uint32
}

func (c class) at() place { return place{c.link, c.leaf()} }

// A leaf is what the kernel says of the end of a class.
type leaf struct {
	Count
	held  uint32 // packets in it
	qdisc netlink.Qdisc
}

// like reports whether the kernel has what was described.
func (l leaf) like(want netlink.Qdisc) bool {
	if l.qdisc.Type() != want.Type() {
		return false
	}
	w, ok := want.(*netlink.Netem)
	if !ok {
		return true
	}
	have, ok := l.qdisc.(*netlink.Netem)
	return ok && have.Latency == w.Latency && have.Loss == w.Loss && have.ReorderProb == w.ReorderProb
}

// read asks the kernel for the ends of all classes.
func (s *Shaper) read(h *netlink.Handle) (map[place]leaf, error) {
	all, err := h.QdiscList(nil)
	if err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	counts, err := count(s.ns)
	if err != nil {
		return nil, fmt.Errorf("read the counts: %w", err)
	}
	leaves := map[place]leaf{}
	for _, q := range all {
		a := q.Attrs()
		at := place{a.LinkIndex, a.Handle}
		if high, _ := netlink.MajorMinor(a.Parent); high == major {
			l := counts[at]
			l.qdisc = q
			leaves[at] = l
		}
	}
	return leaves, nil
}

// What of linux/pkt_sched.h and linux/gen_stats.h the counts are in, which the
// library reads from an older structure that lacks some of them.
const (
	sizeOfHeader = 20 // struct tcmsg
	statistics   = 7  // TCA_STATS2
	basic        = 1  // TCA_STATS_BASIC
	queue        = 3  // TCA_STATS_QUEUE
)

// count reads what all queueing disciplines have counted.
func count(ns int) (map[place]leaf, error) {
	c, err := raw.Dial(unix.NETLINK_ROUTE, &raw.Config{NetNS: ns})
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(hurry)); err != nil {
		return nil, err
	}
	messages, err := c.Execute(raw.Message{
		Header: raw.Header{Type: unix.RTM_GETQDISC, Flags: raw.Request | raw.Dump},
		Data:   make([]byte, sizeOfHeader),
	})
	if err != nil {
		return nil, err
	}
	counts := map[place]leaf{}
	for _, m := range messages {
		if len(m.Data) < sizeOfHeader {
			continue
		}
		at := place{int(binary.NativeEndian.Uint32(m.Data[4:])), binary.NativeEndian.Uint32(m.Data[8:])}
		if counts[at], err = parse(m.Data[sizeOfHeader:]); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// parse counts as netem does: packets when they leave, and as a requeue what it
// lets overtake.
func parse(attributes []byte) (leaf, error) {
	var l leaf
	ad, err := raw.NewAttributeDecoder(attributes)
	if err != nil {
		return l, err
	}
	for ad.Next() {
		if ad.Type() != statistics {
			continue
		}
		ad.Nested(func(ad *raw.AttributeDecoder) error {
			for ad.Next() {
				switch b := ad.Bytes(); {
				case ad.Type() == basic && len(b) >= 12:
					l.Seen += uint64(binary.NativeEndian.Uint32(b[8:]))
				case ad.Type() == queue && len(b) >= 16:
					l.held = binary.NativeEndian.Uint32(b)
					l.Lost = uint64(binary.NativeEndian.Uint32(b[8:]))
					l.Overtook = uint64(binary.NativeEndian.Uint32(b[12:]))
					l.Seen += uint64(l.held) + l.Lost
				}
			}
			return ad.Err()
		})
	}
	return l, ad.Err()
}
