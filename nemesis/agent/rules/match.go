//go:build linux

package rules

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// A Match is what goes from one address to another.
type Match struct {
	// From and To are addresses of one family. One of them may be the zero
	// Addr: whoever is no node.
	From, To netip.Addr
	// Port is one of TCP or UDP, at either end, so that what is asked there
	// and what is answered is matched; 0 means every packet.
	Port uint16
}

func (m Match) String() string {
	text := say(m.From) + " to " + say(m.To)
	if m.Port > 0 {
		text += fmt.Sprintf(", port %d", m.Port)
	}
	return text
}

func say(a netip.Addr) string {
	if a.IsValid() {
		return a.String()
	}
	return "whoever is no node"
}

// four reports whether the match is about IPv4.
func (m Match) four() bool {
	if m.From.IsValid() {
		return m.From.Is4()
	}
	return m.To.Is4()
}

// key is the match as an element of a set.
func (m Match) key() []byte {
	size := 16
	if m.four() {
		size = 4
	}
	key := append(bytesOf(m.From, size), bytesOf(m.To, size)...)
	if m.Port == 0 {
		return key
	}
	return append(binary.BigEndian.AppendUint16(key, m.Port), 0, 0) // to a whole word
}

func bytesOf(a netip.Addr, size int) []byte {
	if a.IsValid() {
		return a.AsSlice()
	}
	return make([]byte, size)
}

// parseKey reads an element of a set of addresses of that size.
func parseKey(key []byte, size int) Match {
	m := Match{From: parseAddress(key[:size]), To: parseAddress(key[size : 2*size])}
	if len(key) > 2*size {
		m.Port = binary.BigEndian.Uint16(key[2*size:])
	}
	return m
}

func parseAddress(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b) // of 4 or 16 bytes, always
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}
