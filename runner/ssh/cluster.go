package ssh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner"
)

// Limits of what is done on a host.
const (
	// defaultLease is after how long a silence an agent takes us for dead.
	defaultLease = 30 * time.Second
	// startLimit bounds one start of a node, downLimit the end of it.
	startLimit = 30 * time.Second
	downLimit  = 30 * time.Second
	// firstMoments is how long a new node is watched: most that cannot run
	// with what they were given end at once.
	firstMoments = 300 * time.Millisecond
)

// A Spec is a cluster of hosts, each of which runs one node.
type Spec struct {
	// Run names the run; it must be unique among those that share the hosts.
	Run     string
	Members []Member
	// Agent is a static linux binary of this program, for the hosts.
	Agent []byte
	// Control says how a node is started and stopped.
	Control Control
	// FaultyDisk puts the node's data on a file system of the agent's.
	FaultyDisk bool
	// HostClock allows the hosts' own clocks to be set wrong.
	HostClock bool
	// Lease is after how long a silence the agents take us for dead; 30 s if 0.
	Lease time.Duration
	// Warn hears of what went wrong on the way and was mended, such as a
	// connection that was lost. It may be called from several goroutines.
	Warn func(string)
}

// A Member is a node and its host.
type Member struct {
	Node string
	Host Host
	// Address is the IP by which clients and other nodes reach the node.
	Address string
}

// A Cluster is a set of nodes on hosts of their own, each with an agent beside
// it that dies, and heals, with the connection. Its methods may be used from
// several goroutines.
type Cluster struct {
	spec    Spec
	members []*member
	beats   sync.WaitGroup
	hush    context.CancelFunc

	board *agent.Switchboard

	mu   sync.Mutex
	gone bool
}

// Up logs in at every host, puts the agent there, starts every node, and
// returns when their processes run and the agents know them; it does not wait
// until the system works. The error is a [*runner.EnvError]; on an error
// everything that was started is stopped again.
func Up(ctx context.Context, s Spec, progress func(string)) (*Cluster, error) {
	if s.Lease == 0 {
		s.Lease = defaultLease
	}
	beating, hush := context.WithCancel(context.WithoutCancel(ctx))
	c := &Cluster{spec: s, hush: hush}
	c.muster()
	progress(fmt.Sprintf("logging in at %d hosts", len(c.members)))
	for _, do := range []func(*member) error{
		func(m *member) error { return m.arrive(ctx) },
		func(m *member) error { return m.launch(ctx) },
		func(m *member) error { return m.survive(ctx) },
	} {
		if err := errors.Join(c.each(do)...); err != nil {
			hush()
			return nil, &runner.EnvError{Doing: "start the cluster", Hint: hintOf(err), Err: errors.Join(err, c.Down(ctx))}
		}
	}
	for _, m := range c.members {
		c.beats.Go(func() { m.beat(beating) })
	}
	return c, nil
}

// hintOf is what a host key that is not known says to do, and so on.
func hintOf(err error) string {
	var unknown *UnknownKeyError
	if errors.As(err, &unknown) {
		return unknown.Hint()
	}
	return ""
}

// each does something for all members at a time and waits for all of them.
func (c *Cluster) each(do func(*member) error) []error {
	errs := make([]error, len(c.members))
	var all sync.WaitGroup
	for i, m := range c.members {
		all.Go(func() {
			if err := do(m); err != nil {
				errs[i] = fmt.Errorf("node %s on %s: %w", m.Node, m.Host.Name, err)
			}
		})
	}
	all.Wait()
	return errs
}

// Nodes are the names of all nodes, in order.
func (c *Cluster) Nodes() []string {
	var names []string
	for _, m := range c.members {
		names = append(names, m.Node)
	}
	return names
}

// Address is the node's IP address; empty for a node that there is not.
func (c *Cluster) Address(node string) string {
	if m := c.member(node); m != nil {
		return m.Member.Address
	}
	return ""
}

func (c *Cluster) member(node string) *member {
	i := slices.IndexFunc(c.members, func(m *member) bool { return m.Node == node })
	if i < 0 {
		return nil
	}
	return c.members[i]
}

// Restart starts a node that is down and returns when its process runs and the
// agent knows it. A node that runs already is left as it is.
func (c *Cluster) Restart(ctx context.Context, node string) error {
	m := c.member(node)
	if m == nil {
		return fmt.Errorf("restart node %s: there is no such node", node)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := m.launch(ctx); err != nil {
		return fmt.Errorf("restart node %s on %s: %w", node, m.Host.Name, err)
	}
	return nil
}

// Exited tells of the nodes that are not running, with the last lines that
// they logged.
func (c *Cluster) Exited(ctx context.Context) (map[string]string, error) {
	exited, mu := map[string]string{}, sync.Mutex{}
	errs := c.each(func(m *member) error {
		how, err := m.howEnded(ctx)
		if err == nil && how != "" {
			mu.Lock()
			defer mu.Unlock()
			exited[m.Node] = how
		}
		return err
	})
	return exited, errors.Join(errs...)
}

// Down heals, stops every node that Up started, and removes what was put on
// the hosts, but for the agent's binary. It goes on when ctx ends, for half a
// minute at most. After a success it does nothing.
func (c *Cluster) Down(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil
	}
	c.hush()
	c.beats.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downLimit)
	defer cancel()
	errs := c.each(func(m *member) error { return m.leave(ctx) })
	if err := errors.Join(errs...); err != nil {
		return &runner.EnvError{Doing: "take down the cluster", Hint: "shakedown clean tries again", Err: err}
	}
	c.gone = true
	return nil
}

// warn tells whoever listens.
func (c *Cluster) warn(format string, args ...any) {
	if c.spec.Warn != nil {
		c.spec.Warn(fmt.Sprintf(format, args...))
	}
}

// Ask sends a request to the agents that it concerns, as
// [agent.Switchboard.Ask] says.
func (c *Cluster) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	return c.board.Ask(ctx, r)
}

// muster makes the members of the spec.
func (c *Cluster) muster() {
	var posts []*agent.Post
	for i, who := range c.spec.Members {
		m := &member{cluster: c, index: i, Member: who}
		c.members = append(c.members, m)
		posts = append(posts, &agent.Post{Name: m.Node, Nodes: []string{m.Node}, Ask: m.ask})
	}
	c.board = agent.NewSwitchboard(posts)
}
