package slow

import "encoding/binary"

// Numbers of IP's protocols.
const (
	protocolTCP = 6
	protocolUDP = 17
)

// A spoiled packet has other contents than it came with, or comes twice.
type spoiled struct {
	contents []byte // with the checksum that it would have on a wire
	changed  bool
	twice    *effect // that wants it; nil: it comes once
}

// spoil does to the contents of a packet what its fate says, as far as it can
// be done, and counts it. It is nil if nothing could be.
func spoil(b []byte, f fate) *spoiled {
	s := &spoiled{contents: append([]byte(nil), b...), twice: f.duplicate}
	l := layoutOf(s.contents)
	l.complete(s.contents)
	if f.tamper != nil && l.tamper(s.contents, f.bit) {
		f.tamper.Tampered++
		s.changed = true
	}
	if f.corrupt != nil && l.corrupt(s.contents, f.bit) {
		f.corrupt.Corrupted++
		s.changed = true
	}
	if !s.changed && s.twice == nil {
		return nil
	}
	return s
}

// A layout says where things are in an IP packet: where TCP or UDP begins,
// their checksum, and what the application is sent. It is not good if the
// packet is neither, is in pieces, or is not all there.
type layout struct {
	good                        bool
	protocol                    byte
	transport, checksum, inside int
}

func layoutOf(b []byte) layout {
	var l layout
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		l.transport, l.protocol = int(b[0]&15)*4, b[9]
		if pieces := binary.BigEndian.Uint16(b[6:]) & 0x3fff; pieces != 0 {
			return layout{}
		}
	case len(b) >= 40 && b[0]>>4 == 6:
		l.transport, l.protocol = 40, b[6] // No headers between: they do not come up between nodes.
	default:
		return layout{}
	}
	if l.transport+20 > len(b) && l.protocol == protocolTCP || l.transport+8 > len(b) {
		return layout{}
	}
	switch l.protocol {
	case protocolTCP:
		l.checksum, l.inside = l.transport+16, l.transport+int(b[l.transport+12]>>4)*4
	case protocolUDP:
		l.checksum, l.inside = l.transport+6, l.transport+8
	default:
		return layout{}
	}
	l.good = l.inside <= len(b)
	return l
}

// complete fills in the checksum, which a packet that never left the machine
// may lack.
func (l layout) complete(b []byte) {
	if !l.good {
		return
	}
	b[l.checksum], b[l.checksum+1] = 0, 0
	sum := uint32(l.protocol) + uint32(len(b)-l.transport)
	addresses := b[12:20]
	if b[0]>>4 == 6 {
		addresses = b[8:40]
	}
	sum = fold(add(add(sum, addresses), b[l.transport:]))
	answer := ^uint16(sum)
	if answer == 0 && l.protocol == protocolUDP {
		answer = 0xffff // 0 would mean that there is none.
	}
	binary.BigEndian.PutUint16(b[l.checksum:], answer)
}

// add adds up words of 16 bits, whose overflow is folded back in good time.
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
		if sum >= 1<<31 {
			sum = fold(sum)
		}
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint32 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

// corrupt makes one bit behind the IP header wrong, so that the checksum is,
// which was complete.
func (l layout) corrupt(b []byte, bit uint64) bool {
	if !l.good {
		return false
	}
	flip(b[l.transport:], bit)
	return true
}

// tamper makes one bit of what the application is sent wrong, and the checksum
// right. There may be no such bit.
func (l layout) tamper(b []byte, bit uint64) bool {
	if !l.good || l.inside == len(b) {
		return false
	}
	flip(b[l.inside:], bit)
	l.complete(b)
	return true
}

func flip(b []byte, bit uint64) {
	bit %= uint64(len(b)) * 8
	b[bit/8] ^= 1 << (bit % 8)
}
