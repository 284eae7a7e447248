// Package redis drives Redis, 6 and later, by itself or with replicas, with the
// client library that most programs use.
//
// That library keeps a pool of connections and tries again when something went
// wrong; here each client has one connection to one node and tries nothing
// twice, because a write that is tried twice is one that nobody invoked. With
// writes to the primary it has a second one, to the node that its own names.
//
// Start with [New]; outcome.go is the heart.
package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	redis "github.com/redis/go-redis/v9"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// dialTimeout bounds one attempt to connect: TCP repeats its first packet after
// 1 s, 3 s, …, and an attempt that met a dead node is of no use afterwards.
const dialTimeout = time.Second

// A System opens clients to the nodes of Redis. It is safe for use by many
// goroutines.
type System struct {
	settings scenarios.Client
	workload scenarios.Workload
}

var (
	_ client.System     = (*System)(nil)
	_ client.RoleTeller = (*System)(nil)
	_ client.Preparer   = (*System)(nil)
)

// New returns the system that c describes, with the operations of the workload.
// It silences the library, which would write to standard error what every
// operation says by itself.
func New(c scenarios.Client, w scenarios.Workload) *System {
	redis.SetLogger(quiet{})
	return &System{settings: c, workload: w}
}

// quiet is a logger that says nothing.
type quiet struct{}

// Printf says nothing.
func (quiet) Printf(context.Context, string, ...any) {}

// Open returns a client to n, which connects with its first operation.
func (s *System) Open(_ context.Context, n client.Node) (client.Client, error) {
	own, err := dial(n)
	if err != nil {
		return nil, err
	}
	return newStore(own, s.settings, s.workload), nil
}

// A link is a connection to one node that knows whether it has sent anything.
type link struct {
	*redis.Client
	sent *sentMark
}

// dial returns a link to n that is not connected yet.
func dial(n client.Node) (*link, error) {
	port, ok := n.Ports["client"]
	if !ok {
		return nil, fmt.Errorf(`node %s: no port named "client"`, n.Name)
	}
	return dialAddress(net.JoinHostPort(n.IP, strconv.Itoa(port))), nil
}

func dialAddress(address string) *link {
	mark := &sentMark{}
	dialer := net.Dialer{Timeout: dialTimeout}
	return &link{sent: mark, Client: redis.NewClient(&redis.Options{
		Addr: address, Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, PoolSize: 1, MaxIdleConns: 1,
		DialTimeout: dialTimeout, ReadTimeout: -1, WriteTimeout: -1, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &markedConn{conn, mark}, nil
		},
	})}
}

// Ready returns nil once n is a primary that takes a write, or a replica that
// follows its primary and has all that there was.
func (s *System) Ready(ctx context.Context, n client.Node) error {
	conn, err := dial(n)
	if err != nil {
		return err
	}
	defer closeQuietly(conn)
	r, err := role(ctx, conn)
	switch {
	case err != nil:
		return fmt.Errorf("node %s is not ready: %w", n.Name, err)
	case r.primary == "":
		return conn.Set(ctx, "shakedown.ready", n.Name, 0).Err()
	case r.state != "connected":
		return fmt.Errorf("node %s is a replica of %s and not in step: %s", n.Name, r.primary, r.state)
	}
	return nil
}

// A standing is what a node says that it is.
type standing struct {
	// primary is the address of the node that it follows; empty if it is one.
	primary string
	// state is how it follows: connect, connecting, sync or connected.
	state string
}

// role asks a node what it is.
func role(ctx context.Context, conn *link) (standing, error) {
	said, err := conn.Do(ctx, "ROLE").Slice()
	if err != nil {
		return standing{}, err
	}
	if len(said) > 0 && said[0] == "master" {
		return standing{}, nil
	}
	if len(said) < 4 {
		return standing{}, fmt.Errorf("it says of itself %v", said)
	}
	host, _ := said[1].(string)
	port, _ := said[2].(int64)
	state, _ := said[3].(string)
	return standing{primary: net.JoinHostPort(host, strconv.FormatInt(port, 10)), state: state}, nil
}

// Leader returns the node that most of the others follow, or else one that says
// that it is a primary.
func (s *System) Leader(ctx context.Context, nodes []client.Node) (string, error) {
	votes := map[string]int{}
	for _, n := range nodes {
		conn, err := dial(n)
		if err != nil {
			return "", err
		}
		asking, cancel := context.WithTimeout(ctx, dialTimeout)
		r, err := role(asking, conn)
		cancel()
		closeQuietly(conn)
		if err == nil && r.primary == "" {
			votes[n.Name]++
		}
		for _, other := range nodes {
			if err == nil && r.primary == net.JoinHostPort(other.IP, strconv.Itoa(other.Ports["client"])) {
				votes[other.Name]++
			}
		}
	}
	best := ""
	for _, n := range nodes {
		if votes[n.Name] > votes[best] {
			best = n.Name
		}
	}
	if best == "" {
		return "", errors.New("no node says that it is the primary, or follows one")
	}
	return best, nil
}

// Prepare puts money into the accounts of a bank.
func (s *System) Prepare(ctx context.Context, nodes []client.Node) error {
	if s.workload.Use != "bank" {
		return nil
	}
	leader, err := s.Leader(ctx, nodes)
	if err != nil {
		return fmt.Errorf("open the accounts: %w", err)
	}
	for _, n := range nodes {
		if n.Name != leader {
			continue
		}
		conn, err := dial(n)
		if err != nil {
			return err
		}
		defer closeQuietly(conn)
		for i := range s.workload.Accounts {
			if err := conn.HSetNX(ctx, "bank", strconv.Itoa(i), s.workload.Balance).Err(); err != nil {
				return fmt.Errorf("open the accounts through %s: %w", n.Name, err)
			}
		}
	}
	return nil
}

// closeQuietly gives up a connection of which nothing is wanted any more.
func closeQuietly(c io.Closer) { _ = c.Close() }
