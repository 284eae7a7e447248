package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/docker/docker/api/types/network"
)

const (
	// firstNode is the last byte of the first node's address: n1 is .11.
	firstNode = 11
	// maxNodes is what fits between it and the end of a /24.
	maxNodes = 240
	// maxSubnets bounds how many subnets are tried for one network.
	maxSubnets = 32
	// poolSize is the number of /24 in 10.64.0.0/10, from where ours come:
	// far from docker's own 172.16/12 and from the low end of 10/8, where
	// offices and clouds live.
	poolSize = 1 << 14
)

// createNetwork makes the network of a run and returns its ID and subnet. The
// addresses are ours to choose, so that they can be known before a node is
// created and stay over a restart.
func (e *Engine) createNetwork(ctx context.Context, s Spec) (id string, subnet netip.Prefix, err error) {
	taken, err := e.takenSubnets(ctx)
	if err != nil {
		return "", netip.Prefix{}, fmt.Errorf("list networks: %w", err)
	}
	last := errors.New("every subnet tried is in use")
	for _, subnet := range freeSubnets(s.Run, taken, maxSubnets) {
		id, err := e.createNetworkOn(ctx, s, subnet)
		if err == nil {
			return id, subnet, nil
		}
		if !poolTaken(err) {
			return "", netip.Prefix{}, fmt.Errorf("create network: %w", err)
		}
		last = err
	}
	return "", netip.Prefix{}, failed(last, "shakedown clean removes the networks of earlier runs", "create network")
}

func (e *Engine) createNetworkOn(ctx context.Context, s Spec, subnet netip.Prefix) (string, error) {
	ctx, cancel, err := step(ctx)
	if err != nil {
		return "", err
	}
	defer cancel()
	n, err := e.api.NetworkCreate(ctx, dockerName(s.Run), network.CreateOptions{
		Driver: "bridge",
		Labels: labels(s.Run, s.Scenario),
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{
			Subnet: subnet.String(), Gateway: hostIn(subnet, 1).String(),
		}}},
	})
	return n.ID, err
}

// poolTaken reports whether the engine refused a subnet because somebody else
// has it.
func poolTaken(err error) bool {
	says := strings.ToLower(err.Error())
	return strings.Contains(says, "overlap") || strings.Contains(says, "conflicts with network")
}

// takenSubnets lists what docker's networks, this host's interfaces and its
// routes use.
func (e *Engine) takenSubnets(ctx context.Context) ([]netip.Prefix, error) {
	networks, err := e.api.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, err
	}
	var taken []netip.Prefix
	for _, n := range networks {
		for _, c := range n.IPAM.Config {
			if p, err := netip.ParsePrefix(c.Subnet); err == nil {
				taken = append(taken, p)
			}
		}
	}
	return append(taken, hostSubnets()...), nil
}

// hostSubnets lists the networks that this host is in or knows a way to. What
// cannot be read is left out: it only makes a worse guess.
func hostSubnets() []netip.Prefix {
	var taken []netip.Prefix
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			taken = append(taken, p.Masked())
		}
	}
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return taken
	}
	defer f.Close()
	return append(taken, parseRoutes(f)...)
}

// parseRoutes reads the destinations out of /proc/net/route, leaving out the
// default route.
func parseRoutes(r io.Reader) []netip.Prefix {
	var routes []netip.Prefix
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 {
			continue
		}
		to, err1 := hex.DecodeString(fields[1])
		mask, err2 := hex.DecodeString(fields[7])
		if err1 != nil || err2 != nil || len(to) != 4 || len(mask) != 4 {
			continue
		}
		bits, _ := net.IPMask{mask[3], mask[2], mask[1], mask[0]}.Size()
		if bits > 0 {
			routes = append(routes, netip.PrefixFrom(netip.AddrFrom4([4]byte{to[3], to[2], to[1], to[0]}), bits))
		}
	}
	return routes
}

// freeSubnets returns up to limit /24 that overlap with none of taken. Where
// it begins depends on run, so that runs started together rarely meet.
func freeSubnets(run string, taken []netip.Prefix, limit int) []netip.Prefix {
	h := fnv.New32a()
	_, _ = io.WriteString(h, run) // a hash takes everything
	var free []netip.Prefix
	for i := uint32(0); i < poolSize && len(free) < limit; i++ {
		p := poolSubnet((h.Sum32() + i*257) % poolSize)
		if !overlapsAny(p, taken) {
			free = append(free, p)
		}
	}
	return free
}

// poolSubnet is the n-th /24 of 10.64.0.0/10.
func poolSubnet(n uint32) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24|64<<16|n<<8)
	return netip.PrefixFrom(netip.AddrFrom4(b), 24)
}

func overlapsAny(p netip.Prefix, others []netip.Prefix) bool {
	for _, o := range others {
		if p.Overlaps(o) {
			return true
		}
	}
	return false
}

// hostIn is the address in subnet that ends in last.
func hostIn(subnet netip.Prefix, last int) netip.Addr {
	b := subnet.Addr().As4()
	b[3] = byte(last)
	return netip.AddrFrom4(b)
}
