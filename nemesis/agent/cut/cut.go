//go:build linux

package cut

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/shakedown-dev/shakedown/nemesis/agent/desired"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// Lifetime is how long a pair stays cut unless it is renewed; [Renewal] is how
// often to do that.
const (
	Lifetime = rules.Lifetime
	Renewal  = rules.Renewal
)

// Clients stands in a pair for everybody who is no node.
const Clients = "clients"

// A Network cuts pairs of nodes on the bridges of one network namespace. Its
// methods may be called concurrently; they take turns.
type Network struct {
	netns int // file descriptor; 0 is our own

	mu      sync.Mutex
	host    bool // the network is a node's own, and no bridge's
	apart   bool // and it is not the one over which the agent is reached
	board   *rules.Board
	address map[string][]netip.Addr
	cuts    desired.Faults[cut]
}

// A cut is what one ID has cut.
type cut struct {
	names [][2]string
	ports []uint16
}

// New returns a Network, in which nothing is cut, of the network namespace
// with that file descriptor (0: the one that we are in). Nothing is changed in
// the kernel before the first cut. The table is named after name.
func New(name string, netns int) *Network {
	return &Network{
		netns: netns, board: rules.New(netns, rules.TableName(name), onBridge()),
		address: map[string][]netip.Addr{}, cuts: desired.Faults[cut]{},
	}
}

// OnHost makes the network namespace that of one node, in which what arrives
// at it is dropped, and what it sends to [Clients]; too late if anything is
// cut. The agent is reached over the same network: clients can be cut off only
// by ports, which should not be those of the way to the agent.
func (n *Network) OnHost() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.board.Made() {
		return fmt.Errorf("the table %s is in use already", n.board.Name())
	}
	n.host = true
	n.board = rules.New(n.netns, n.board.Name(), n.action())
	return nil
}

func (n *Network) action() rules.Action {
	if n.host {
		return onHost()
	}
	return onBridge()
}

// onHost drops what comes from or goes to the host, which routes and does not
// switch: packets are seen by address there, and ARP is not.
func onHost() rules.Action {
	return rules.Action{
		Family: nftables.TableFamilyINet,
		Hooks:  []*nftables.ChainHook{nftables.ChainHookInput, nftables.ChainHookOutput},
		Then:   []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}},
		Needs:  "nftables, CONFIG_NF_TABLES_INET",
	}
}

// onBridge drops what a bridge forwards, and what comes from or goes to its host.
func onBridge() rules.Action {
	return rules.Action{
		Family: nftables.TableFamilyBridge,
		Hooks:  []*nftables.ChainHook{nftables.ChainHookForward, nftables.ChainHookInput, nftables.ChainHookOutput},
		Then:   []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}},
		ARP:    true,
		Needs:  "nftables for bridges, CONFIG_NF_TABLES_BRIDGE",
	}
}

// Rename gives the table another name, as in [New]; too late if there is one.
func (n *Network) Rename(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	renamed := rules.New(n.netns, rules.TableName(name), n.action())
	if renamed.Name() == n.board.Name() {
		return nil
	}
	if n.board.Made() {
		return fmt.Errorf("the table %s is in use already", n.board.Name())
	}
	n.board = renamed
	return nil
}

// A Change says what one transaction did.
type Change struct {
	// Pairs is how many pairs of addresses are cut now, by all IDs, as read
	// back from the kernel; with ports, each counts.
	Pairs int
	// Changed is how many of those belong, or belonged, to the ID.
	Changed int
	// Networks is in how many nodes' own networks that was; 0: in one network
	// for all of them, by one transaction.
	Networks int
	// Took is how long the transaction took, without reading back.
	Took time.Duration
	// Dropped is how many packets the ID's cut had dropped before the change.
	Dropped rules.Count
}

// SetAddresses says by which addresses a node is reached. What is cut of it
// is cut by the new ones at once. No addresses leave it as it is.
func (n *Network) SetAddresses(ctx context.Context, node string, addresses []netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(addresses) == 0 || slices.Equal(n.address[node], addresses) {
		return nil
	}
	before := n.address[node]
	n.address[node] = slices.Clone(addresses)
	if len(n.cuts) == 0 {
		return nil
	}
	if _, err := n.settle(ctx); err != nil {
		n.address[node] = before
		return fmt.Errorf("cut %s by its new address: %w", node, err)
	}
	return nil
}

// Cut drops what the first node of each pair sends to the second, for an ID;
// with ports, only what goes to or comes from one of them, by TCP or UDP.
// What that ID cut before is replaced. On error it stands, and if the kernel
// does not have it so, the next [Network.Renew] sees to it.
func (n *Network) Cut(ctx context.Context, id string, pairs [][2]string, ports ...uint16) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var did rules.Change
	err := n.cuts.Put(id, cut{slices.Clone(pairs), slices.Clone(ports)}, func() (err error) {
		did, err = n.settle(ctx)
		return err
	})
	if err != nil {
		return Change{}, fmt.Errorf("cut: %w", err)
	}
	return Change{Pairs: did.Matches, Changed: n.size(n.cuts[id]), Took: did.Took}, nil
}

// Mend takes back what an ID has cut. The Change is zero if that is nothing.
func (n *Network) Mend(ctx context.Context, id string) (Change, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, was := n.cuts[id]
	if !was {
		return Change{}, nil
	}
	var did rules.Change
	err := n.cuts.Drop(id, func() (err error) {
		did, err = n.settle(ctx)
		return err
	})
	if err != nil {
		return Change{}, fmt.Errorf("mend: %w", err)
	}
	return Change{Pairs: did.Matches, Changed: n.size(before), Took: did.Took, Dropped: did.Ended[id]}, nil
}

// Dropped counts the packets that the cut of an ID has dropped so far.
func (n *Network) Dropped(ctx context.Context, id string) (rules.Count, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.cuts[id]; !ok {
		return rules.Count{}, fmt.Errorf("nothing is cut by %q", id)
	}
	return n.board.Count(ctx, id)
}

// Renew gives all that is cut another [Lifetime]. If the table has gone, it
// comes back.
func (n *Network) Renew(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.cuts) == 0 && n.board.Idle() {
		return nil
	}
	if _, err := n.settle(ctx); err != nil {
		return fmt.Errorf("renew the cut: %w", err)
	}
	return nil
}

// Heal mends everything and deletes the table. It returns how many IDs had
// cut something.
func (n *Network) Heal(ctx context.Context) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.board.Clear(ctx); err != nil {
		return 0, err
	}
	ids := len(n.cuts)
	clear(n.cuts)
	return ids, nil
}

// settle brings the kernel to the union of all cuts.
func (n *Network) settle(ctx context.Context) (rules.Change, error) {
	wanted := map[string][]rules.Match{}
	for id, c := range n.cuts {
		for _, names := range c.names {
			some, err := Matches(n.address, names, c.ports)
			if err != nil {
				return rules.Change{}, err
			}
			if n.host && !n.apart && len(c.ports) == 0 && slices.Contains(names[:], Clients) {
				return rules.Change{}, errors.New("clients can be cut off from a host by ports only: without any, we would be cut off as well")
			}
			wanted[id] = append(wanted[id], some...)
		}
	}
	return n.board.Settle(ctx, wanted, slices.Concat(slices.Collect(maps.Values(n.address))...))
}

// size is how many matches a cut makes.
func (n *Network) size(c cut) int {
	all := map[rules.Match]bool{}
	for _, names := range c.names {
		some, _ := Matches(n.address, names, c.ports) // settle has resolved them before
		for _, m := range some {
			all[m] = true
		}
	}
	return len(all)
}

// Matches are what goes from the first node of a pair to the second, one of
// which may be [Clients], by their addresses, family by family; with ports,
// once for each.
func Matches(addresses map[string][]netip.Addr, names [2]string, ports []uint16) ([]rules.Match, error) {
	if names[0] == Clients && names[1] == Clients {
		return nil, errors.New("clients have nothing to say to each other")
	}
	var sides [2][]netip.Addr
	for i, name := range names {
		switch {
		case name == Clients:
			sides[i] = []netip.Addr{{}}
		case len(addresses[name]) == 0:
			return nil, fmt.Errorf("no address is known of node %q (known: %s)",
				name, strings.Join(slices.Sorted(maps.Keys(addresses)), ", "))
		default:
			sides[i] = addresses[name]
		}
	}
	if len(ports) == 0 {
		ports = []uint16{0}
	}
	var all []rules.Match
	for _, from := range sides[0] {
		for _, to := range sides[1] {
			if from.IsValid() && to.IsValid() && from.Is4() != to.Is4() {
				continue
			}
			for _, port := range ports {
				all = append(all, rules.Match{From: from, To: to, Port: port})
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s and %s have no address of the same family", names[0], names[1])
	}
	return all, nil
}

// Sweep deletes the tables of a run of either kind, or with the run "*" all our
// tables, whoever made them, in the network namespace with that file descriptor
// (0: the one that we are in). It returns their names.
func Sweep(ctx context.Context, netns int, run string) ([]string, error) {
	var swept []string
	var errs []error
	for _, family := range []nftables.TableFamily{nftables.TableFamilyBridge, nftables.TableFamilyINet} {
		some, err := rules.Sweep(ctx, netns, family, run)
		swept, errs = append(swept, some...), append(errs, err)
	}
	return swept, errors.Join(errs...)
}
