//go:build linux

package rules

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Registers of the nftables machine, in words of 32 bits. A lookup reads its
// key from adjacent ones.
const word = unix.NFT_REG32_00

// matches are the conditions of the rules, one rule each.
func (t table) matches() [][]expr.Any {
	var all [][]expr.Any
	for _, f := range t.families {
		for _, key := range f.keys() {
			all = append(all, append(slices.Clone(key), lookup(f.pairs)))
			for _, at := range []uint32{0, 2} { // the sender's port and the receiver's
				all = append(all, slices.Concat(key, t.port(f, at), []expr.Any{lookup(f.ports)}))
			}
		}
	}
	if t.ARP {
		f := t.families[0]
		all = append(all, append(arp(f), lookup(f.pairs)))
	}
	return all
}

// keys load the addresses of a packet into registers: those of a packet
// between nodes, and with nothing in place of one that is no node's.
func (f family) keys() [][]expr.Any {
	from, to := uint32(word), word+f.size/4
	begin := f.ofProtocol()
	load := func(register, at uint32) expr.Any {
		return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: at, Len: f.size}
	}
	nothing := func(register uint32) expr.Any { return &expr.Immediate{Register: register, Data: make([]byte, f.size)} }
	stranger := func(at uint32) []expr.Any {
		return []expr.Any{load(word, at), &expr.Lookup{SourceRegister: word, SetName: f.nodes.Name, SetID: f.nodes.ID, Invert: true}}
	}
	return [][]expr.Any{
		slices.Concat(begin, []expr.Any{load(from, f.from), load(to, f.to)}),
		slices.Concat(begin, stranger(f.from), []expr.Any{nothing(from), load(to, f.to)}),
		slices.Concat(begin, stranger(f.to), []expr.Any{load(from, f.from), nothing(to)}),
	}
}

func (f family) ofProtocol() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(f.protocol)},
	}
}

// port loads one of the two ports behind the addresses, of packets that have
// ports.
func (t table) port(f family, at uint32) []expr.Any {
	behind := word + 2*f.size/4
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: behind},
		&expr.Lookup{SourceRegister: behind, SetName: t.transports.Name, SetID: t.transports.ID},
		&expr.Payload{DestRegister: behind, Base: expr.PayloadBaseTransportHeader, Offset: at, Len: 2},
	}
}

// arp loads who asks whom.
func arp(f family) []expr.Any {
	f.protocol = unix.ETH_P_ARP
	f.from, f.to = 14, 24
	return f.keys()[0]
}

func lookup(set *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: word, SetName: set.Name, SetID: set.ID}
}
