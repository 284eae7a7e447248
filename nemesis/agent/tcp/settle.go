//go:build linux

package tcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// The flags of TCP that say whether a packet opens a connection.
const (
	offsetOfFlags = 13
	fin, syn      = 0x01, 0x02
	rst, ack      = 0x04, 0x10
)

// action answers the first packets of connections with a reset.
func action() rules.Action {
	return rules.Action{
		Family: nftables.TableFamilyINet,
		Hooks:  []*nftables.ChainHook{nftables.ChainHookInput},
		Only: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offsetOfFlags, Len: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{fin | syn | rst | ack}, Xor: []byte{0}},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{syn}},
		},
		Then:  []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}},
		Needs: "nftables that reject, CONFIG_NF_TABLES_INET and CONFIG_NFT_REJECT_INET",
	}
}

// settle brings every node that runs to the union of all refusals. Nothing is
// begun after ctx has ended.
func (n *Network) settle(ctx context.Context) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	wanted, err := n.resolve()
	if err != nil {
		return Change{}, err
	}
	var c Change
	var failed error
	for node, b := range n.boards {
		if wanted[node] == nil {
			n.remember(ctx, b)
			delete(n.boards, node)
			failed = errors.Join(failed, b.Clear(ctx))
		}
	}
	for _, node := range slices.Sorted(maps.Keys(wanted)) {
		if n.boards[node] == nil {
			n.boards[node] = rules.New(n.places[node].Netns, string(n.name)+"_refuse", action())
		}
		did, err := n.boards[node].Settle(ctx, wanted[node], n.nodes())
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("in the network of %s: %w", node, err))
		}
		c.Pairs += did.Matches
	}
	return c, failed
}

func (n *Network) nodes() []netip.Addr {
	var all []netip.Addr
	for _, p := range n.places {
		all = append(all, p.Addresses...)
	}
	return all
}

// resolve finds for every node that runs what it refuses, by ID.
func (n *Network) resolve() (map[string]map[string][]rules.Match, error) {
	addresses := n.places.Addresses()
	all := map[string]map[string][]rules.Match{}
	for id, r := range n.refusals {
		for _, names := range r.names {
			if err := n.known(names); err != nil {
				return nil, err
			}
			at := names[1]
			if at == cut.Clients {
				return nil, errors.New("clients are not asked for connections, so there is nothing to refuse")
			}
			some, err := cut.Matches(addresses, names, r.ports)
			if err != nil {
				return nil, err
			}
			if !n.places[at].Up() {
				continue
			}
			if all[at] == nil {
				all[at] = map[string][]rules.Match{}
			}
			all[at][id] = append(all[at][id], some...)
		}
	}
	return all, nil
}

// known returns an error unless both of a pair are nodes that there are, or
// one of them is clients.
func (n *Network) known(names [2]string) error {
	for _, name := range names {
		if name == cut.Clients {
			continue
		}
		if err := n.places.Addressed(name); err != nil {
			return err
		}
	}
	if names[0] == cut.Clients && names[1] == cut.Clients {
		return errors.New("clients have nothing to say to each other")
	}
	return nil
}
