package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A Berth is an engine with the nodes that it runs.
type Berth struct {
	Engine *Engine
	// Name is what the engine is called in messages.
	Name  string
	Nodes []string
	// Address is that of the engine's host, by which the node is reached if
	// it is on the host's network; empty otherwise.
	Address string
}

// A Fleet is a cluster whose nodes are spread over several engines, each with
// an agent beside them, on a network that the engines share. Its methods may be
// used from several goroutines.
type Fleet struct {
	spec     Spec
	clusters []*Cluster
	board    *agent.Switchboard
	agents   *roundsman // nil until all of it is up
}

// UpFleet is [Engine.Up] for several engines: the nodes of s are where berths
// say, on the network of that name, which there must be on every engine. With
// the network "host", each engine has one node.
func UpFleet(ctx context.Context, berths []Berth, network string, s Spec, progress func(string)) (*Fleet, error) {
	const doing = "start the cluster on several engines"
	if err := s.validate(); err != nil {
		return nil, failed(err, "", doing)
	}
	shared, err := allot(ctx, berths, network, s.Nodes)
	if err != nil {
		return nil, failed(err, "", doing)
	}
	f := &Fleet{spec: s, clusters: make([]*Cluster, len(berths))}
	errs := make([]error, len(berths))
	var all sync.WaitGroup
	for i, b := range berths {
		own := s
		own.Nodes, own.Shared = b.Nodes, &shared
		all.Go(func() {
			if f.clusters[i], errs[i] = b.Engine.Up(ctx, own, progress); errs[i] != nil {
				errs[i] = fmt.Errorf("at %s: %w", b.Name, errs[i])
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, failed(errors.Join(err, f.Down(ctx)), "", doing)
	}
	var posts []*agent.Post
	for i, b := range berths {
		posts = append(posts, &agent.Post{Name: b.Name, Nodes: b.Nodes, Ask: f.clusters[i].Ask})
	}
	f.board, f.agents = agent.NewSwitchboard(posts), watchOver(f.clusters)
	return f, nil
}

// allot gives every node an address.
func allot(ctx context.Context, berths []Berth, network string, nodes []string) (Shared, error) {
	s := Shared{Network: network, Nodes: nodes, Addresses: make([]string, len(nodes))}
	if s.ofHosts() {
		for _, b := range berths {
			if len(b.Nodes) != 1 || b.Address == "" {
				return s, fmt.Errorf("%s has %d nodes: on the network of hosts each engine has one, and its host's address must be said", b.Name, len(b.Nodes))
			}
			s.Addresses[slices.Index(nodes, b.Nodes[0])] = b.Address
		}
		return s, nil
	}
	pools, errs := poolsOn(ctx, berths, network)
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	var given []netip.Addr
	for _, pool := range pools {
		given = append(given, pool.taken...)
	}
	for i, b := range berths {
		for _, n := range b.Nodes {
			ip, err := pools[i].next(given)
			if err != nil {
				return s, failed(err, networkHint, "give %s an address on the network %s", n, network)
			}
			given = append(given, ip)
			s.Addresses[slices.Index(nodes, n)] = ip.String()
		}
	}
	return s, nil
}

// of is the cluster on the engine that has the node; nil for no node.
func (f *Fleet) of(name string) *Cluster {
	i := slices.IndexFunc(f.clusters, func(c *Cluster) bool { return c != nil && c.node(name) != nil })
	if i < 0 {
		return nil
	}
	return f.clusters[i]
}

// Nodes are the names of all nodes, in order.
func (f *Fleet) Nodes() []string { return slices.Clone(f.spec.Nodes) }

// Address is the node's IP address; empty for a node that there is not.
func (f *Fleet) Address(name string) string {
	if c := f.of(name); c != nil {
		return c.Address(name)
	}
	return ""
}

// Ask sends a request to the agents that it concerns, as
// [agent.Switchboard.Ask] says.
func (f *Fleet) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	return f.board.Ask(ctx, r)
}

func errNoNode(name, doing string) error {
	return failed(errors.New("there is no such node"), "", "%s node %s", doing, name)
}

// Restart is [Cluster.Restart].
func (f *Fleet) Restart(ctx context.Context, name string) error {
	if c := f.of(name); c != nil {
		return c.Restart(ctx, name)
	}
	return errNoNode(name, "restart")
}

// Stop is [Cluster.Stop].
func (f *Fleet) Stop(ctx context.Context, name string) error {
	if c := f.of(name); c != nil {
		return c.Stop(ctx, name)
	}
	return errNoNode(name, "stop")
}

// Renew is [Cluster.Renew].
func (f *Fleet) Renew(ctx context.Context, name string, r nemesis.Renewal) error {
	if c := f.of(name); c != nil {
		return c.Renew(ctx, name, r)
	}
	return errNoNode(name, "renew")
}

// Runs is [Cluster.Runs].
func (f *Fleet) Runs(ctx context.Context, name string) (string, error) {
	if c := f.of(name); c != nil {
		return c.Runs(ctx, name)
	}
	return "", errNoNode(name, "look at")
}

// Exec is [Cluster.Exec].
func (f *Fleet) Exec(ctx context.Context, name string, command []string) (string, error) {
	if c := f.of(name); c != nil {
		return c.Exec(ctx, name, command)
	}
	return "", errNoNode(name, "run a command on")
}

// Exited is [Cluster.Exited].
func (f *Fleet) Exited(ctx context.Context) (map[string]string, error) {
	out, mu := map[string]string{}, sync.Mutex{}
	err := f.each(func(c *Cluster) error {
		some, err := c.Exited(ctx)
		mu.Lock()
		defer mu.Unlock()
		for name, how := range some {
			out[name] = how
		}
		return err
	})
	return out, err
}

// Collect is [Cluster.Collect].
func (f *Fleet) Collect(ctx context.Context, dir string) error {
	return f.each(func(c *Cluster) error { return c.Collect(ctx, filepath.Clean(dir)) })
}

// Down is [Cluster.Down], on every engine.
func (f *Fleet) Down(ctx context.Context) error {
	if f.agents != nil {
		f.agents.end()
	}
	return f.each(func(c *Cluster) error { return c.Down(ctx) })
}

// each does something on every engine at a time, and waits for all of them.
func (f *Fleet) each(do func(*Cluster) error) error {
	errs := make([]error, len(f.clusters))
	var all sync.WaitGroup
	for i, c := range f.clusters {
		if c != nil {
			all.Go(func() { errs[i] = do(c) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
