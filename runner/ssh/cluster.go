package ssh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

	mu      sync.Mutex
	holders map[string][]*member // by fault: where it was asked for
	gone    bool
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
	c := &Cluster{spec: s, hush: hush, holders: map[string][]*member{}}
	for i := range s.Members {
		c.members = append(c.members, &member{cluster: c, index: i, Member: s.Members[i]})
	}
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

// Ask sends a request to the agents that it concerns: that of the node that
// it names; those of the nodes that receive, for pairs of nodes, each with its
// own pairs; or, for what a fault did, those that were asked for it. What
// concerns none in particular goes to all. The replies become one. A rule for
// several hosts comes into force on each of them by one change, but not on all
// at the same instant.
func (c *Cluster) Ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	if m := c.member(r.Node); m != nil {
		c.note(r.ID, []*member{m})
		return m.ask(ctx, r)
	}
	if r.Do == agent.RoundTrip && len(r.Pairs) > 0 {
		if m := c.member(r.Pairs[0][0]); m != nil {
			return m.ask(ctx, r)
		}
	}
	concerned, requests := c.route(r)
	replies := make([]agent.Reply, len(concerned))
	errs := make([]error, len(concerned))
	var all sync.WaitGroup
	for i, m := range concerned {
		all.Go(func() { replies[i], errs[i] = m.ask(ctx, requests[i]) })
	}
	all.Wait()
	return merge(concerned, replies), errors.Join(errs...)
}

// route says whom a request concerns, and what each is asked.
func (c *Cluster) route(r agent.Request) (concerned []*member, requests []agent.Request) {
	if len(r.Pairs) == 0 {
		concerned = c.holdersOf(r.ID)
		return concerned, slices.Repeat([]agent.Request{r}, len(concerned))
	}
	for _, m := range c.members {
		own := r
		own.Pairs = slices.DeleteFunc(slices.Clone(r.Pairs), func(p [2]string) bool { return c.acts(p) != m.Node })
		if len(own.Pairs) > 0 {
			concerned, requests = append(concerned, m), append(requests, own)
		}
	}
	c.note(r.ID, concerned)
	return concerned, requests
}

// acts is the node of a pair on whose host it is acted: the one that receives,
// or the one that sends to somebody who is no node.
func (c *Cluster) acts(pair [2]string) string {
	if c.member(pair[1]) == nil {
		return pair[0]
	}
	return pair[1]
}

// note keeps in mind where something was done for a fault.
func (c *Cluster) note(id string, members []*member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range members {
		if id != "" && !slices.Contains(c.holders[id], m) {
			c.holders[id] = append(c.holders[id], m)
		}
	}
}

// holdersOf are the members that were asked for a fault; all if it is none, or
// one of which nothing is known.
func (c *Cluster) holdersOf(id string) []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.holders[id]; len(held) > 0 {
		return slices.Clone(held)
	}
	return slices.Clone(c.members)
}

// merge makes one reply of several: figures add up, evidence stands side by
// side, that of hosts which say the same once; the slowest counts.
func merge(from []*member, replies []agent.Reply) agent.Reply {
	var out agent.Reply
	var said []string
	by := map[string]string{} // the nodes that said it
	for i, r := range replies {
		out.Number += r.Number
		out.Took = max(out.Took, r.Took)
		out.Pending = out.Pending || r.Pending
		out.Abilities = append(out.Abilities, r.Abilities...)
		if r.Evidence == "" {
			continue
		}
		if by[r.Evidence] == "" {
			said = append(said, r.Evidence)
		}
		by[r.Evidence] = strings.TrimSpace(by[r.Evidence] + " " + from[i].Node)
	}
	for i, text := range said {
		said[i] = by[text] + ": " + text
	}
	out.Evidence = strings.Join(said, "; ")
	return out
}
