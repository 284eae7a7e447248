//go:build linux

package slow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What of linux/netfilter/nfnetlink_queue.h we speak.
const (
	subsystem = unix.NFNL_SUBSYS_QUEUE << 8

	messagePacket  = subsystem
	messageVerdict = subsystem | 1
	messageConfig  = subsystem | 2

	configCommand = 1
	configCopy    = 2
	configLength  = 3
	configMask    = 4
	configFlags   = 5

	packetHeader  = 1
	packetPayload = 10
	verdictHeader = 2

	bind       = 1 // a command
	copyPacket = 2 // a way to copy
	failOpen   = 1 // a flag: what does not fit passes
	keepGSO    = 4 // a flag: do not cut large packets up for us

	verdictDrop   = 0
	verdictAccept = 1
)

const (
	// looked is how much of a packet we look at: its sender.
	looked = 64
	// room is how many packets a queue holds before it lets others pass.
	room = 1 << 18
	// backlog is how many bytes of packets' heads may wait for us.
	backlog = 16 << 20
	// numbers is how many queue numbers are tried.
	numbers = 64
	// batch is how many verdicts are given at a time.
	batch = 256
)

// A queue is a netfilter queue that is ours.
type queue struct {
	conn   *netlink.Conn
	number uint16
	head   []byte // of the next message to be received
	out    []byte // verdicts not sent yet
}

// openQueue binds the first free queue at or after a number, in the network
// namespace with that file descriptor.
func openQueue(netns int, number uint16) (*queue, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: netns})
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	q := &queue{conn: c, head: make([]byte, 8<<10)}
	for range numbers {
		q.number = number
		if err = q.configure(); err == nil {
			return q, nil
		}
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EPERM) {
			break
		}
		number++
	}
	return nil, errors.Join(fmt.Errorf("bind a netfilter queue: %w", hint(err)), c.Close())
}

// configure binds the queue and says what we want to know of each packet.
func (q *queue) configure() error {
	if err := q.conn.SetDeadline(time.Now().Add(hurry)); err != nil {
		return err
	}
	wide := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	for _, attributes := range [][]netlink.Attribute{
		{{Type: configCommand, Data: []byte{bind, 0, 0, unix.AF_UNSPEC}}},
		{{Type: configCopy, Data: append(wide(looked), copyPacket)}},
		{{Type: configLength, Data: wide(room)}},
		{{Type: configFlags, Data: wide(failOpen | keepGSO)}, {Type: configMask, Data: wide(failOpen | keepGSO)}},
	} {
		body, err := netlink.MarshalAttributes(attributes)
		if err != nil {
			return err
		}
		_, err = q.conn.Execute(netlink.Message{
			Header: netlink.Header{Type: messageConfig, Flags: netlink.Request | netlink.Acknowledge},
			Data:   append([]byte{0, 0, byte(q.number >> 8), byte(q.number)}, body...),
		})
		if err != nil {
			return err
		}
	}
	if err := q.conn.SetOption(netlink.NoENOBUFS, true); err != nil {
		return err
	}
	return errors.Join(q.conn.SetReadBuffer(backlog), q.conn.SetDeadline(time.Time{}))
}

// receive returns one packet's number and sender; ok is false when there is
// none, or when it is none of ours.
func (q *queue) receive(fd int) (id uint32, from netip.Addr, more, ok bool) {
	n, _, err := unix.Recvfrom(fd, q.head, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, netip.Addr{}, errors.Is(err, unix.EINTR), false
	}
	id, from, ok = parse(q.head[:n])
	return id, from, true, ok
}

// parse reads the message about one packet.
func parse(b []byte) (id uint32, from netip.Addr, ok bool) {
	const fixed = unix.SizeofNlMsghdr + 4 // and a struct nfgenmsg
	if len(b) < fixed || binary.NativeEndian.Uint16(b[4:]) != messagePacket {
		return 0, netip.Addr{}, false
	}
	for b = b[fixed:]; len(b) >= 4; {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)
		if size < 4 || size > len(b) {
			return 0, netip.Addr{}, false
		}
		switch data := b[4:size]; {
		case kind == packetHeader && len(data) >= 4:
			id, ok = binary.BigEndian.Uint32(data), true
		case kind == packetPayload:
			from = sender(data)
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return id, from, ok
}

// sender reads where an IP packet comes from.
func sender(b []byte) netip.Addr {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(b[12:16]))
	case len(b) >= 40 && b[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(b[8:24]))
	}
	return netip.Addr{}
}

// judge gives a verdict, which is sent with the next flush at the latest.
func (q *queue) judge(fd int, id, verdict uint32) {
	const size = unix.SizeofNlMsghdr + 4 + 4 + 8
	b := binary.NativeEndian.AppendUint32(q.out, size)
	b = binary.NativeEndian.AppendUint16(b, messageVerdict)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(q.number>>8), byte(q.number))
	b = binary.NativeEndian.AppendUint16(b, 4+8)
	b = binary.NativeEndian.AppendUint16(b, verdictHeader)
	b = binary.BigEndian.AppendUint32(b, verdict)
	q.out = binary.BigEndian.AppendUint32(b, id)
	if len(q.out) >= batch*size {
		q.flush(fd)
	}
}

// flush sends the verdicts that were given. A packet of which the kernel does
// not know any more is not missed.
func (q *queue) flush(fd int) {
	for len(q.out) > 0 {
		err := unix.Sendto(fd, q.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			q.out = q.out[:0]
		}
	}
}
