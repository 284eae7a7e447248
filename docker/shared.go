package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/swarm"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// hostNetwork is docker's name for the network of the engine's host.
const hostNetwork = "host"

// A Shared is a network that reaches beyond one engine, on which nodes of
// several engines are: an overlay, a macvlan, a bridge that several engines
// have, or the hosts' own.
type Shared struct {
	// Network is its name, the same on every engine.
	Network string
	// Nodes are all nodes, of all engines, and Addresses theirs.
	Nodes, Addresses []string
}

// ofHosts reports whether nodes are on the networks of their engines' hosts.
func (s *Shared) ofHosts() bool { return s != nil && s.Network == hostNetwork }

// hosts are entries for /etc/hosts, since no engine knows the names of another
// one's nodes.
func (s *Shared) hosts() []string {
	if s == nil || s.ofHosts() {
		return nil
	}
	var out []string
	for i, n := range s.Nodes {
		out = append(out, n+":"+s.Addresses[i])
	}
	return out
}

// introduceOthers tells the agent where the nodes of other engines are.
func (c *Cluster) introduceOthers(ctx context.Context) error {
	for i, name := range c.spec.Shared.Nodes {
		_, err := c.agent().ask(ctx, agent.Request{Do: agent.Register, Node: name, Addresses: []string{c.spec.Shared.Addresses[i]}})
		if err != nil {
			return failed(err, "", "tell the agent about node %s", name)
		}
	}
	return nil
}

// networkHint says how a network that engines share comes about.
const networkHint = "make it on every engine, with a subnet, so that addresses can be given: " +
	"docker network create -d macvlan -o parent=eth1 --subnet 10.9.0.0/24 --ip-range 10.9.0.64/26 NAME; " +
	"or once, as an overlay of a swarm: docker network create -d overlay --attachable --subnet 10.9.0.0/24 NAME"

// swarmHint is for an engine that does not know what its swarm has.
const swarmHint = "the engine is a worker of a swarm, and knows an overlay only while a container of its own is on it: " +
	"let a manager of the swarm be one of the engines"

// A range of addresses that an engine may give out on a network.
type addresses struct {
	driver string
	pool   netip.Prefix
	taken  []netip.Addr
	// ofSwarm is whether a swarm gives out addresses of it as well, from the
	// first on: one to each engine that comes to have a node on it.
	ofSwarm bool
}

// addressesOn looks which addresses the engine may give out on a network.
func (e *Engine) addressesOn(ctx context.Context, name string) (addresses, error) {
	doing := "find the network " + name + " at " + e.api.DaemonHost()
	n, err := e.api.NetworkInspect(ctx, name, network.InspectOptions{Verbose: true})
	if err != nil && !errdefs.IsNotFound(err) { // Old engines are verbose about overlays only.
		n, err = e.api.NetworkInspect(ctx, name, network.InspectOptions{})
	}
	if err != nil {
		return addresses{}, failed(err, networkHint, "%s", doing)
	}
	for _, c := range n.IPAM.Config {
		subnet, err := netip.ParsePrefix(c.Subnet)
		if err != nil || !subnet.Addr().Is4() {
			continue
		}
		a := addresses{driver: n.Driver, pool: subnet, ofSwarm: n.Scope == "swarm"}
		if narrower, err := netip.ParsePrefix(c.IPRange); err == nil {
			a.pool = narrower
		}
		a.taken = append(nobodys(subnet, c), inUse(n)...)
		return a, nil
	}
	return addresses{}, failed(errors.New("it has no subnet of IPv4 from which addresses could be chosen"), networkHint, "%s", doing)
}

// nobodys are the addresses of a subnet that no node can have: the first and the
// last, the one that is most often a router's, and what was put aside.
func nobodys(subnet netip.Prefix, c network.IPAMConfig) []netip.Addr {
	out := []netip.Addr{subnet.Masked().Addr(), subnet.Masked().Addr().Next(), lastOf(subnet)}
	if gateway, err := netip.ParseAddr(c.Gateway); err == nil {
		out = append(out, gateway)
	}
	for _, text := range c.AuxAddress {
		if other, err := netip.ParseAddr(text); err == nil {
			out = append(out, other)
		}
	}
	return out
}

// inUse are the addresses that others have on a network: containers of this
// engine and, as far as it is told, of all others of its swarm.
func inUse(n network.Inspect) (out []netip.Addr) {
	for _, other := range n.Containers {
		if p, err := netip.ParsePrefix(other.IPv4Address); err == nil {
			out = append(out, p.Addr())
		}
	}
	for _, service := range n.Services {
		for _, task := range service.Tasks {
			if a, err := netip.ParseAddr(task.EndpointIP); err == nil {
				out = append(out, a)
			}
		}
	}
	return out
}

// poolsOn looks which addresses each engine may give out on a network. A worker
// of a swarm, which does not know an overlay before a container of its own is
// on it, gives out what a manager does.
func poolsOn(ctx context.Context, berths []Berth, name string) ([]addresses, []error) {
	pools, errs := make([]addresses, len(berths)), make([]error, len(berths))
	for i, b := range berths {
		pools[i], errs[i] = b.Engine.addressesOn(ctx, name)
	}
	for i, b := range berths {
		if !errdefs.IsNotFound(errs[i]) {
			continue
		}
		manager, worker := managerOf(ctx, b.Engine, berths)
		switch {
		case manager >= 0:
			pools[i], errs[i] = pools[manager], errs[manager]
		case worker:
			errs[i] = failed(errs[i], swarmHint, "look at a swarm")
		}
	}
	return pools, errs
}

// managerOf is which engine manages the swarm that one is a worker of, if it is;
// -1 for none.
func managerOf(ctx context.Context, e *Engine, among []Berth) (manager int, worker bool) {
	own, err := e.api.Info(ctx)
	if err != nil || own.Swarm.LocalNodeState != swarm.LocalNodeStateActive || own.Swarm.ControlAvailable {
		return -1, false
	}
	return slices.IndexFunc(among, func(b Berth) bool {
		i, err := b.Engine.api.Info(ctx)
		return err == nil && slices.ContainsFunc(own.Swarm.RemoteManagers, func(m swarm.Peer) bool { return m.NodeID == i.Swarm.NodeID })
	}), true
}

// lastOf is the last address of a subnet.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// next takes a free address that is not among others': the first, or the last
// where a swarm takes the first ones, at times that are its own.
func (a *addresses) next(others []netip.Addr) (netip.Addr, error) {
	ip, step := a.pool.Masked().Addr(), netip.Addr.Next
	if a.ofSwarm {
		ip, step = lastOf(a.pool), netip.Addr.Prev
	}
	for ; a.pool.Contains(ip); ip = step(ip) {
		if !slices.Contains(a.taken, ip) && !slices.Contains(others, ip) {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of %v is free", a.pool)
}

// LookAtShared says in a few words what each engine knows of a network for
// [UpFleet], or why it cannot be used there.
func LookAtShared(ctx context.Context, berths []Berth, name string) (says []string, errs []error) {
	if name == hostNetwork {
		return slices.Repeat([]string{"the network of the engine's host"}, len(berths)), make([]error, len(berths))
	}
	pools, errs := poolsOn(ctx, berths, name)
	for i, a := range pools {
		if errs[i] != nil {
			says = append(says, "")
			continue
		}
		first, err := a.next(nil)
		errs[i] = failed(err, networkHint, "look at the network %s", name)
		says = append(says, fmt.Sprintf("%s %s: addresses of %v, the next is %v", a.driver, name, a.pool, first))
	}
	return says, errs
}
