package docker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

const (
	// downLimit bounds the taking away of a whole cluster.
	downLimit = 60 * time.Second
	// healLimit bounds what Down leaves the agent for healing.
	healLimit = 5 * time.Second
)

// A Spec is a cluster to be started: every node runs the same image.
type Spec struct {
	// Run names the run that the cluster belongs to; it must be unique among
	// the runs that share the engine.
	Run      string
	Scenario string
	// Nodes are the names, which are also host names.
	Nodes []string
	// Image is any image that the engine has or can pull.
	Image string
	// Versions are the versions of nodes that do not run Image, and Images the
	// images of versions, also of those that [Cluster.Renew] may be asked for.
	Versions map[string]string
	Images   map[string]string
	// Command is what a node runs, or the arguments of the image's entrypoint
	// if it has one; empty for what the image says. In it, in
	// Env and in Peers, {name}, {ip} and {index} (from 1) stand for the
	// node's own, and {data} for Data; in Command and Env, {peers} stands for
	// the entries of all nodes and {others} for those of all others, joined
	// with commas, and {state} for "new", or "existing" on a node that is added
	// to a cluster.
	Command []string
	Env     map[string]string
	// Peers is the form of an entry of {peers}; empty means "{ip}".
	Peers string
	// Data is a directory on a volume of its own that outlives a restart;
	// empty for none.
	Data string
	// FaultyDisk puts Data on a file system of the agent's that can be hurt,
	// which the volume then lies under.
	FaultyDisk bool
	// Restart is the restart policy of the nodes' containers: always,
	// on-failure, unless-stopped, or empty for none. It is suspended while a
	// fault keeps a node down.
	Restart string
	// CPUs and MemoryBytes limit each node; 0 means no limit.
	CPUs        float64
	MemoryBytes int64
	// Faults are the kinds of faults that the agent may be asked for, by which
	// it gets its rights; nil for all.
	Faults []string
	// Shared is a network that there is already, with nodes of other engines;
	// nil for one of the cluster's own.
	Shared *Shared
}

func (s Spec) validate() error {
	hostname := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	seen := map[string]bool{}
	for _, n := range s.Nodes {
		if !hostname.MatchString(n) {
			return fmt.Errorf("%q cannot be a host name", n)
		}
		if n == roleAgent {
			return errors.New("agent is the name of the agent's container, not of a node")
		}
		if seen[n] {
			return fmt.Errorf("two nodes are called %q", n)
		}
		seen[n] = true
	}
	switch {
	case s.Run == "":
		return errors.New("the run has no name")
	case len(s.Nodes) == 0 || len(s.Nodes) > maxNodes:
		return fmt.Errorf("%d nodes; 1 to %d are possible", len(s.Nodes), maxNodes)
	}
	return nil
}

// A Cluster is a set of running nodes with the agent beside them. Its methods
// may be used from several goroutines.
type Cluster struct {
	engine *Engine
	spec   Spec
	nodes  []*node
	agents sidecars
	x      expander
	// following tells the agent of nodes that the engine starts by itself.
	following follower
	disks     string // where the engine's host has the faulty disks; empty: none

	down sync.Mutex
	gone bool
}

// Up starts a cluster and returns when every node's process runs and the agent
// knows it; it does not wait until the system works. A node that ended at once
// is an error that holds its exit code and last log lines. On an error
// everything is removed again.
func (e *Engine) Up(ctx context.Context, s Spec, progress func(string)) (*Cluster, error) {
	doing := "start the cluster"
	if err := s.validate(); err != nil {
		return nil, failed(err, "", "%s", doing)
	}
	fit := e.Fit
	if s.Shared != nil {
		fit = e.FitShared
	}
	if err := fit(ctx); err != nil {
		return nil, failed(err, "", "%s", doing)
	}
	progress = quietIfNil(progress)
	if err := e.EnsureImage(ctx, s.Image, progress); err != nil {
		return nil, err
	}
	c := &Cluster{engine: e, spec: s}
	if err := c.up(ctx, progress); err != nil {
		return nil, failed(errors.Join(err, c.Down(ctx)), "", "%s", doing)
	}
	return c, nil
}

func (c *Cluster) up(ctx context.Context, progress func(string)) error {
	progress(fmt.Sprintf("starting %d nodes", len(c.spec.Nodes)))
	addresses, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	c.x = expander{nodes: addresses.Nodes, ips: addresses.Addresses, form: c.spec.Peers, data: c.spec.Data}
	for i, name := range addresses.Nodes {
		if slices.Contains(c.spec.Nodes, name) {
			c.nodes = append(c.nodes, &node{name: name, index: i, ip: addresses.Addresses[i],
				image: c.imageFor(c.spec.Versions[name]), volume: dockerName(c.spec.Run, name)})
		}
	}
	for _, do := range []func(int, *node) error{
		func(_ int, n *node) error { return c.mountDisk(ctx, n.name) },
		func(_ int, n *node) error { return c.create(ctx, n, c.x) },
		func(_ int, n *node) error { return c.start(ctx, n) },
		func(_ int, n *node) error { return c.survive(ctx, n) },
	} {
		if err := c.firstOf(c.each(do)); err != nil {
			return err
		}
	}
	return c.followPolicy(ctx)
}

// prepare starts the agent and makes the network, both at a time, and returns
// which node has which address on it.
func (c *Cluster) prepare(ctx context.Context) (addresses Shared, err error) {
	if c.spec.FaultyDisk && c.spec.Data != "" {
		if c.disks, err = c.createDisks(ctx); err != nil {
			return addresses, err
		}
	}
	var g errgroup.Group
	g.Go(func() error {
		a, err := c.hire(ctx)
		c.agents.set(a)
		return err
	})
	if c.spec.Shared != nil {
		if err := g.Wait(); err != nil {
			return addresses, err
		}
		return *c.spec.Shared, c.introduceOthers(ctx)
	}
	addresses.Nodes = c.spec.Nodes
	g.Go(func() error {
		_, subnet, err := c.engine.createNetwork(ctx, c.spec)
		for i := range c.spec.Nodes {
			if err == nil {
				addresses.Addresses = append(addresses.Addresses, hostIn(subnet, firstNode+i).String())
			}
		}
		return err
	})
	return addresses, g.Wait()
}

// hire starts an agent for the cluster.
func (c *Cluster) hire(ctx context.Context) (*sidecar, error) {
	return c.engine.startAgent(ctx, hiring{
		run: c.spec.Run, scenario: c.spec.Scenario, name: dockerName(c.spec.Run, roleAgent),
		disks: c.disks, faults: c.spec.Faults, shared: c.spec.Shared,
	})
}

// each does something to all nodes at a time and waits for all of them, so
// that nothing is under way when it returns. It returns one error a node.
func (c *Cluster) each(do func(int, *node) error) []error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, n := range c.nodes {
		all.Go(func() { errs[i] = nemesis.Guarded(func() error { return do(i, n) }) })
	}
	all.Wait()
	return errs
}

// firstOf is the first node's error, which shows its log, with the names of
// the others that had one: most often all have the same.
func (c *Cluster) firstOf(errs []error) error {
	var first error
	var others []string
	for i, err := range errs {
		switch {
		case err == nil:
		case first == nil:
			first = err
		default:
			others = append(others, c.nodes[i].name)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("%w\nnot only this node: also %s", first, strings.Join(others, ", "))
	}
	return first
}

// Nodes are the names of all nodes, in order.
func (c *Cluster) Nodes() []string { return slices.Clone(c.spec.Nodes) }

// Address is the node's IP address; empty for a node that there is not.
func (c *Cluster) Address(name string) string {
	if n := c.node(name); n != nil {
		return n.ip
	}
	return ""
}

func (c *Cluster) node(name string) *node {
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Ask sends one request to the agent and waits for the answer. A reply with
// an Error comes back as an error.
func (c *Cluster) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	n := c.node(r.Node)
	if n != nil && (r.Do == agent.Kill || r.Do == agent.Stop) && r.How != agent.ByPolicy {
		if err := c.suspend(ctx, n); err != nil {
			return agent.Reply{}, err
		}
	}
	reply, err := c.agent().ask(ctx, r)
	if n != nil && reply.Down && err == nil && r.How != agent.ByPolicy {
		n.killed.Store(true)
	}
	return reply, err
}

// Down heals and removes the whole cluster: agent, nodes, volumes, network.
// It goes on when ctx ends, since nobody else would do it, but for a minute at
// most. After a success it does nothing; after an error it may be tried again.
func (c *Cluster) Down(ctx context.Context) error {
	c.down.Lock()
	defer c.down.Unlock()
	if c.gone {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downLimit)
	defer cancel()
	c.following.stop()
	c.dismissAgent(ctx)
	if err := c.engine.remove(ctx, c.spec.Run); err != nil {
		return failed(err, "shakedown clean tries again", "take down the cluster")
	}
	c.gone = true
	return nil
}

// dismissAgent lets the agent heal and go. Its errors are of no interest: the
// nodes are about to be removed, and removing a node that could not be healed
// fails by itself. Where the agent is gone, another one does it for it.
func (c *Cluster) dismissAgent(ctx context.Context) {
	a := c.agent()
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	_, err := a.ask(ctx, agent.Request{Do: agent.Heal})
	_ = a.close(ctx)
	if errors.Is(err, agent.ErrGone) {
		_ = c.engine.sweepThings(ctx, nil, []string{c.spec.Run}, false)
	}
}
