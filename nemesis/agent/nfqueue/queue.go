//go:build linux

package nfqueue

import (
	"encoding/binary"
	"errors"
	"fmt"
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
	packetLength  = 13 // if the payload is cut short
	verdictHeader = 2

	bind       = 1 // a command
	copyPacket = 2 // a way to copy
	failOpen   = 1 // a flag: what does not fit passes
	keepGSO    = 4 // a flag: do not cut large packets up for us
)

// Verdicts.
const (
	Drop   = 0
	Accept = 1
)

// Whole is how much of a packet is copied when all of it is.
const Whole = 0xffff

const (
	// room is how many packets a queue holds before it lets others pass.
	room = 1 << 18
	// backlog is how many bytes of packets may wait for us.
	backlog = 16 << 20
	// numbers is how many queue numbers are tried.
	numbers = 64
	// batch is how many bytes of verdicts are given at a time.
	batch = 8 << 10
	// hurry is the deadline of each conversation but that about packets.
	hurry = 5 * time.Second
	// headers is what comes in a message besides the packet.
	headers = 4 << 10
)

// A Queue is a netfilter queue that is ours. Only one goroutine may receive
// and judge.
type Queue struct {
	Number uint16

	conn *netlink.Conn
	head []byte // of the next message to be received
	out  []byte // verdicts not sent yet
}

// A Packet is one that the kernel holds for us. Payload is from its IP header
// on, as much as is copied, good until the next Receive; Length is what there
// is of it.
type Packet struct {
	ID      uint32
	Payload []byte
	Length  int
}

// Open binds the first free queue at or after a number, in the network
// namespace with that file descriptor. Of each packet the first size bytes are
// copied to us.
func Open(netns int, number uint16, size uint32) (*Queue, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: netns})
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	q := &Queue{conn: c, head: make([]byte, headers+Whole)}
	for range numbers {
		q.Number = number
		if err = q.configure(size); err == nil {
			return q, nil
		}
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EPERM) {
			break
		}
		number++
	}
	return nil, errors.Join(fmt.Errorf("bind a netfilter queue: %w", Hint(err)), c.Close())
}

// configure binds the queue and says what we want to know of each packet.
func (q *Queue) configure(size uint32) error {
	if err := q.conn.SetDeadline(time.Now().Add(hurry)); err != nil {
		return err
	}
	for _, attributes := range [][]netlink.Attribute{
		{{Type: configCommand, Data: []byte{bind, 0, 0, unix.AF_UNSPEC}}},
		{{Type: configCopy, Data: append(wide(size), copyPacket)}},
		{{Type: configLength, Data: wide(room)}},
		{{Type: configFlags, Data: wide(failOpen | keepGSO)}, {Type: configMask, Data: wide(failOpen | keepGSO)}},
	} {
		body, err := netlink.MarshalAttributes(attributes)
		if err != nil {
			return err
		}
		_, err = q.conn.Execute(netlink.Message{
			Header: netlink.Header{Type: messageConfig, Flags: netlink.Request | netlink.Acknowledge},
			Data:   append([]byte{0, 0, byte(q.Number >> 8), byte(q.Number)}, body...),
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

func wide(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// Control calls f with the file descriptor by which the queue is received from
// and judged to.
func (q *Queue) Control(f func(fd int)) error {
	raw, err := q.conn.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { f(int(fd)) })
}

// Close lets go of the queue; the kernel drops what is still in it.
func (q *Queue) Close() error { return q.conn.Close() }

// Receive returns one packet, without waiting; ok is false when there is none,
// or when a message was none.
func (q *Queue) Receive(fd int) (p Packet, more, ok bool) {
	n, _, err := unix.Recvfrom(fd, q.head, unix.MSG_DONTWAIT)
	if err != nil {
		return Packet{}, errors.Is(err, unix.EINTR), false
	}
	p, ok = parse(q.head[:n])
	return p, true, ok
}

// parse reads the message about one packet.
func parse(b []byte) (p Packet, ok bool) {
	const fixed = unix.SizeofNlMsghdr + 4 // and a struct nfgenmsg
	if len(b) < fixed || binary.NativeEndian.Uint16(b[4:]) != messagePacket {
		return Packet{}, false
	}
	for b = b[fixed:]; len(b) >= 4; {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)
		if size < 4 || size > len(b) {
			return Packet{}, false
		}
		switch data := b[4:size]; {
		case kind == packetHeader && len(data) >= 4:
			p.ID, ok = binary.BigEndian.Uint32(data), true
		case kind == packetPayload:
			p.Payload = data
			p.Length = max(p.Length, len(data))
		case kind == packetLength && len(data) >= 4:
			p.Length = int(binary.BigEndian.Uint32(data))
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return p, ok
}

// Judge gives a verdict, which is sent with the next flush at the latest.
func (q *Queue) Judge(fd int, id, verdict uint32) { q.judge(fd, id, verdict, nil) }

// Replace accepts a packet with other contents.
func (q *Queue) Replace(fd int, id uint32, payload []byte) { q.judge(fd, id, Accept, payload) }

func (q *Queue) judge(fd int, id, verdict uint32, payload []byte) {
	const fixed = unix.SizeofNlMsghdr + 4 + 4 + 8
	size := fixed
	if len(payload) > 0 {
		size += (4 + len(payload) + 3) &^ 3
	}
	b := q.begin(size, messageVerdict)
	b = attribute(b, verdictHeader, 8)
	b = binary.BigEndian.AppendUint32(b, verdict)
	b = binary.BigEndian.AppendUint32(b, id)
	if len(payload) > 0 {
		b = attribute(b, packetPayload, len(payload))
		b = append(b, payload...)
		b = append(b, make([]byte, -len(payload)&3)...)
	}
	q.out = b
	if len(q.out) >= batch {
		q.Flush(fd)
	}
}

// Copy changes how much of each packet is copied to us, of those that come
// after the next flush.
func (q *Queue) Copy(size uint32) {
	b := q.begin(unix.SizeofNlMsghdr+4+12, messageConfig)
	b = attribute(b, configCopy, 5)
	b = append(b, append(wide(size), copyPacket, 0, 0, 0)...)
	q.out = b
}

// begin appends the header of a message of that size to what is to be sent.
func (q *Queue) begin(size int, kind uint16) []byte {
	b := binary.NativeEndian.AppendUint32(q.out, uint32(size))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(q.Number>>8), byte(q.Number))
}

func attribute(b []byte, kind uint16, size int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+size))
	return binary.NativeEndian.AppendUint16(b, kind)
}

// Flush sends the verdicts that were given. A packet of which the kernel does
// not know any more is not missed.
func (q *Queue) Flush(fd int) {
	for len(q.out) > 0 {
		err := unix.Sendto(fd, q.out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			q.out = q.out[:0]
		}
	}
}

// Hint says what may be missing where the kernel does not.
func Hint(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (CAP_NET_ADMIN is needed)", err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EPROTONOSUPPORT):
		return fmt.Errorf("%w (does this kernel have CONFIG_NF_TABLES, CONFIG_NETFILTER_NETLINK_QUEUE, and CONFIG_NFT_QUEUE or CONFIG_NETFILTER_XT_TARGET_NFQUEUE with CONFIG_NFT_COMPAT?)", err)
	}
	return err
}
