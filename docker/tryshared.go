package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

const (
	// within is how long an answer over a network that is whole may take.
	within = 2 * time.Second
	// knockPort is one on which nobody listens, most likely.
	knockPort = 1
)

// reachHint is for a machine from which nodes are not reached as they should be.
const reachHint = "run shakedown where the network is: on an overlay, in a container that is on it; on a macvlan, " +
	"with an interface of this machine's own on the parent (ip link add shk0 link eth1 type macvlan mode bridge); " +
	"on the network of hosts, on a machine that is none of them"

// TryShared starts a throw-away node on each engine, on the network that they
// share, and tries whether they reach each other, whether a cut in the network
// of the one that receives keeps them apart, and whether they are reached from
// here, as clients have to. The hosts' own networks are not cut. The nodes belong
// to run, and nothing of them is left behind.
func TryShared(ctx context.Context, run string, berths []Berth, network string) []agent.Ability {
	nodes := agent.Ability{Fault: "network", Backend: "throw-away nodes on " + network,
		Hint: "see that the hosts let the network through: an overlay takes UDP 4789, TCP and UDP 7946, and TCP 2377 between them"}
	here := agent.Ability{Fault: "reach", Backend: "from this machine", Hint: reachHint}
	f, err := upOnEach(ctx, run, berths, network)
	if err == nil {
		fill(&nodes, func() (string, error) { return f.tryWays(ctx, network != hostNetwork) })
		fill(&here, func() (string, error) { return f.tryFromHere(ctx, network == hostNetwork) })
		err = f.Down(ctx)
	}
	for _, a := range []*agent.Ability{&nodes, &here} {
		if err != nil {
			a.OK, a.Detail = false, err.Error()
		}
		if a.OK {
			a.Hint = ""
		}
	}
	return []agent.Ability{nodes, here}
}

// upOnEach starts one node on each engine.
func upOnEach(ctx context.Context, run string, berths []Berth, network string) (*Fleet, error) {
	s := Spec{Run: run, Command: []string{agentBinary, "agent-probe-child", "--idle"}}
	var each []Berth
	for _, b := range berths {
		img, err := b.Engine.agentImage(ctx)
		if err != nil {
			return nil, err
		}
		b.Nodes = b.Nodes[:1]
		s.Image, s.Nodes, each = img.Ref, append(s.Nodes, b.Nodes[0]), append(each, b)
	}
	return UpFleet(ctx, each, network, s, nil)
}

// tryWays tries, for each node, the way to it from another one.
func (f *Fleet) tryWays(ctx context.Context, cut bool) (string, error) {
	var said []string
	for i, to := range f.spec.Nodes {
		way := [2]string{f.spec.Nodes[(i+1)%len(f.spec.Nodes)], to}
		if way[0] == to {
			return "there is one engine only", nil
		}
		r, err := f.roundTrip(ctx, way)
		if err != nil {
			return "", fmt.Errorf("%s does not reach %s, at %s: %w", way[0], to, f.Address(to), err)
		}
		said = append(said, r)
		if !cut {
			continue
		}
		if err := f.tryCut(ctx, way); err != nil {
			return "", err
		}
	}
	if cut {
		said = append(said, "none while it is cut where it arrives")
	}
	return strings.Join(said, "; "), nil
}

func (f *Fleet) roundTrip(ctx context.Context, way [2]string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := f.Ask(ctx, agent.Request{Do: agent.RoundTrip, Pairs: [][2]string{way}})
	return r.Evidence, err
}

// tryCut sees that there is no way while it is cut, and takes the cut back.
func (f *Fleet) tryCut(ctx context.Context, way [2]string) error {
	if _, err := f.Ask(ctx, agent.Request{Do: agent.Cut, ID: "probe", Pairs: [][2]string{way}}); err != nil {
		return err
	}
	during, cancel := context.WithTimeout(ctx, within/4)
	defer cancel()
	r, err := f.Ask(during, agent.Request{Do: agent.RoundTrip, Pairs: [][2]string{way}})
	if err == nil {
		err = fmt.Errorf("the way from %s to %s is cut, and yet there was an answer: %s", way[0], way[1], r.Evidence)
	} else if during.Err() != nil {
		err = nil
	}
	_, mended := f.Ask(ctx, agent.Request{Do: agent.Mend, ID: "probe"})
	return errors.Join(err, mended)
}

// tryFromHere tries whether all nodes are reached from this machine, which on
// the hosts' own networks must be none of them.
func (f *Fleet) tryFromHere(ctx context.Context, ofHosts bool) (string, error) {
	for _, n := range f.spec.Nodes {
		if ofHosts && isHere("tcp://"+f.Address(n), localAddresses()) {
			return "", fmt.Errorf("it is the host of %s: what cuts that off from other nodes cuts off our clients as well", n)
		}
	}
	for _, n := range f.spec.Nodes {
		if err := f.knock(ctx, n); err != nil {
			return "", fmt.Errorf("the node %s is not reached at %s: %w", n, f.Address(n), err)
		}
	}
	return "a packet to every node arrived", nil
}

// knock sees that what is sent from here to a node arrives there, where it is
// dropped: an answer could be anybody's, a router's for example.
func (f *Fleet) knock(ctx context.Context, name string) error {
	_, err := f.Ask(ctx, agent.Request{Do: agent.Cut, ID: "probe", Pairs: [][2]string{{agent.Clients, name}}, Ports: []uint16{knockPort}})
	if err != nil {
		return err
	}
	during, cancel := context.WithTimeout(ctx, within/2)
	defer cancel()
	c, said := new(net.Dialer).DialContext(during, "tcp", net.JoinHostPort(f.Address(name), strconv.Itoa(knockPort)))
	if said == nil {
		said = errors.Join(errors.New("somebody else answers"), c.Close())
	}
	mended, err := f.Ask(ctx, agent.Request{Do: agent.Mend, ID: "probe"})
	if err == nil && mended.Number == 0 {
		return said
	}
	return err
}
