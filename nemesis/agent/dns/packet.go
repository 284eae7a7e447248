package dns

import "encoding/binary"

// Numbers of IP's protocols, and sizes of headers.
const (
	protocolTCP = 6
	protocolUDP = 17

	sizeIPv4, sizeIPv6, sizeUDP = 20, 40, 8
)

// transport finds in an IP packet where TCP or UDP begins, and which it is.
func transport(b []byte) (at int, protocol byte, ok bool) {
	switch {
	case len(b) >= sizeIPv4 && b[0]>>4 == 4:
		at, protocol = int(b[0]&15)*4, b[9]
	case len(b) >= sizeIPv6 && b[0]>>4 == 6:
		at, protocol = sizeIPv6, b[6]
	default:
		return 0, 0, false
	}
	return at, protocol, at >= sizeIPv4 && len(b) >= at+sizeUDP
}

// message is the message of DNS in an IP packet, and whether it came by UDP;
// nil if there is none, as in the packets that open a connection of TCP.
func message(b []byte) (m []byte, udp bool) {
	at, protocol, ok := transport(b)
	switch {
	case !ok:
		return nil, false
	case protocol == protocolUDP:
		return b[at+sizeUDP:], true
	case protocol == protocolTCP && len(b) >= at+20:
		at += int(b[at+12]>>4) * 4
		const length = 2 // of the message, before it
		if len(b) > at+length {
			return b[at+length:], false
		}
	}
	return nil, false
}

// turnRound makes the packet that brings an answer to who sent another by UDP.
func turnRound(asked, answer []byte) []byte {
	at, _, _ := transport(asked) // message has found it before
	var b []byte
	if asked[0]>>4 == 4 {
		b = make([]byte, sizeIPv4, sizeIPv4+sizeUDP+len(answer))
		b[0], b[8], b[9] = 0x45, 64, protocolUDP
		binary.BigEndian.PutUint16(b[2:], uint16(cap(b)))
		copy(b[12:], asked[16:20])
		copy(b[16:], asked[12:16])
		binary.BigEndian.PutUint16(b[10:], ^fold(add(0, b)))
	} else {
		b = make([]byte, sizeIPv6, sizeIPv6+sizeUDP+len(answer))
		b[0], b[6], b[7] = 0x60, protocolUDP, 64
		binary.BigEndian.PutUint16(b[4:], uint16(sizeUDP+len(answer)))
		copy(b[8:], asked[24:40])
		copy(b[24:], asked[8:24])
	}
	begin := len(b)
	b = append(b, asked[at+2:at+4]...)
	b = append(b, asked[at:at+2]...)
	b = binary.BigEndian.AppendUint16(b, uint16(sizeUDP+len(answer)))
	b = append(b, 0, 0)
	b = append(b, answer...)
	binary.BigEndian.PutUint16(b[begin+6:], checksum(b, begin))
	return b
}

// checksum is that of UDP, which begins at a place in the packet.
func checksum(b []byte, at int) uint16 {
	addresses := b[12:20]
	if b[0]>>4 == 6 {
		addresses = b[8:40]
	}
	sum := ^fold(add(add(uint32(protocolUDP)+uint32(len(b)-at), addresses), b[at:]))
	if sum == 0 {
		return 0xffff // 0 would mean that there is none.
	}
	return sum
}

// add adds up words of 16 bits; a message of DNS is too short to overflow.
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
