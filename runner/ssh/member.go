package ssh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// How often a lost connection is tried again within one request, and how long
// the first pause is; each further one is twice as long.
const (
	tries      = 4
	firstPause = 200 * time.Millisecond
)

// A member is a node, its host, and the way there.
type member struct {
	Member
	cluster *Cluster
	index   int

	// linking is held while the connection is being made or made again.
	linking sync.Mutex
	link    *link // nil: there is none
	home    string

	starting sync.Mutex   // held while the node is being started
	pid      atomic.Int64 // of the node's process, as far as we know; 0: it is down
	started  atomic.Bool  // by us
}

// A link is a connection with an agent at its other end.
type link struct {
	*Connection
	agent *agent.Conn
}

func (l *link) close() error {
	return errors.Join(l.agent.Close(), l.Connection.Close())
}

// arrive makes the connection for the first time, and sees that the host is
// not in use.
func (m *member) arrive(ctx context.Context) error {
	l, err := m.linked(ctx)
	if err != nil {
		return err
	}
	if m.home, err = l.Run(ctx, "pwd", nil); err != nil {
		return err
	}
	m.home = strings.TrimSpace(m.home)
	if err := m.unused(ctx, l); err != nil {
		return err
	}
	return m.cluster.spec.Control.prepare(ctx, l, m)
}

// linked returns the link, which is made if there is none or if it broke.
func (m *member) linked(ctx context.Context) (*link, error) {
	m.linking.Lock()
	defer m.linking.Unlock()
	if m.link != nil {
		return m.link, nil
	}
	c, err := Dial(ctx, m.Host)
	if err != nil {
		return nil, err
	}
	l, err := m.introduce(ctx, c)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	m.link = l
	return l, nil
}

// introduce starts an agent on the host and tells it what it must know: the
// run, the lease, where the other nodes are, and the node if it runs. An agent
// that was there before has healed everything, or will when its lease is over;
// what one left that was killed is healed by this one.
func (m *member) introduce(ctx context.Context, c *Connection) (*link, error) {
	spec := m.cluster.spec
	path, err := c.PutAgent(ctx, spec.Agent)
	if err != nil {
		return nil, err
	}
	conn, err := c.StartAgent(ctx, path)
	if err != nil {
		return nil, err
	}
	requests := []agent.Request{{Do: agent.Hello, ID: spec.Run, Lease: spec.Lease, Host: true, HostClock: spec.HostClock}}
	for _, other := range spec.Members {
		requests = append(requests, agent.Request{Do: agent.Register, Node: other.Node, Addresses: []string{other.Address}})
	}
	for _, r := range requests {
		if _, err := conn.Do(ctx, r); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if pid := int(m.pid.Load()); pid != 0 {
		// A process that ended meanwhile cannot be found; then the node is down.
		_, _ = conn.Do(ctx, agent.Request{Do: agent.Register, Node: m.Node, Pid: pid})
		if _, err := conn.Do(ctx, agent.Request{Do: agent.Heal, ID: spec.Run}); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if err := m.remount(ctx, c, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &link{c, conn}, nil
}

// lost forgets a link that broke, unless it was replaced already.
func (m *member) lost(l *link, why error) {
	m.linking.Lock()
	defer m.linking.Unlock()
	if m.link != l {
		return
	}
	m.link = nil
	_ = l.close() // It is broken.
	m.cluster.warn("the connection to %s, the host of %s, was lost: %v", m.Host.Name, m.Node, why)
}

// ask sends a request to the agent. When the connection breaks it is made
// again and the request sent again: an agent heals everything when it loses us,
// so that nothing is done twice.
func (m *member) ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	var reply agent.Reply
	err := m.persist(ctx, func(l *link) (err error) {
		reply, err = l.agent.Do(ctx, r)
		return err
	})
	if err != nil {
		return reply, fmt.Errorf("on %s: %w", m.Host.Name, err)
	}
	return reply, nil
}

// run runs a command on the host; when the connection breaks, again.
func (m *member) run(ctx context.Context, command string) (string, error) {
	var out string
	err := m.persist(ctx, func(l *link) (err error) {
		out, err = l.Run(ctx, command, nil)
		return err
	})
	return out, err
}

// persist does something over the link, up to so many times while it breaks.
func (m *member) persist(ctx context.Context, do func(*link) error) error {
	pause := firstPause
	for try := 1; ; try++ {
		l, err := m.linked(ctx)
		if err == nil {
			err = do(l)
			if !broken(err) {
				return err
			}
			m.lost(l, err)
		}
		if try == tries || !pauseFor(ctx, pause) {
			return err
		}
		pause *= 2
	}
}

// broken tells whether an error is about the connection and not about what was
// done over it.
func broken(err error) bool {
	if err == nil {
		return false
	}
	var command *CommandError
	if errors.As(err, &command) {
		return command.Lost
	}
	return errors.Is(err, agent.ErrGone)
}

// pauseFor waits for d and tells whether ctx is still alive.
func pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// beat lets the agent hear from us well within its lease, and finds out that a
// host has gone. It ends with ctx.
func (m *member) beat(ctx context.Context) {
	every := m.cluster.spec.Lease / 4
	for pauseFor(ctx, every) {
		asking, cancel := context.WithTimeout(ctx, every)
		l, err := m.linked(asking)
		if err == nil {
			if _, err = l.agent.Do(asking, agent.Request{Do: agent.Hello}); err != nil && ctx.Err() == nil {
				m.lost(l, err)
			}
		}
		cancel()
	}
}
