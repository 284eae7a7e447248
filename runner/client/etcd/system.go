// Package etcd drives etcd, 3.4 and later, with etcd's own client.
//
// That client is made to help: it looks for other endpoints, waits for a node
// to come back, and tries again. Here all of that is switched off, because a
// client that helps hides what its node would have answered, and a write that
// is tried twice is a write that nobody invoked. Each operation is one request
// to one node, on a connection that knows no other.
//
// Start with [New]. outcome.go is the heart: what each way of failing says
// about whether the operation happened.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Limits of a connection. They are short because nodes go away and come back
// all the time here, and what a node says in its first second back matters.
const (
	// connectTimeout bounds one attempt to connect. An attempt that met a
	// dead address is of no use once the node is back: TCP repeats its first
	// packet after 1 s, 3 s, 7 s, … so that it takes a fresh attempt to be quick.
	connectTimeout = time.Second
	// The pause between two attempts grows from the first to the last.
	firstPause = 50 * time.Millisecond
	lastPause  = 500 * time.Millisecond
	// A connection whose other end vanished without a word, as with a network
	// namespace that was torn down, is given up when what was sent on it has
	// not been acknowledged for aliveTimeout. A paused node is not concerned:
	// its kernel acknowledges. etcd punishes pings more frequent than every 5 s.
	aliveInterval = 10 * time.Second
	aliveTimeout  = 2 * time.Second
)

// A System opens clients to the nodes of an etcd cluster. It is safe for use
// by many goroutines.
type System struct {
	serializable bool
	lease        time.Duration
	fenced       bool
	workload     scenarios.Workload

	mu sync.Mutex
	// members are the nodes' own member ids, as far as they were seen, so
	// that a leader that no longer answers can be named.
	members map[uint64]string
}

// System implements what the runner asks of a system with roles.
var (
	_ client.System     = (*System)(nil)
	_ client.RoleTeller = (*System)(nil)
	_ client.Preparer   = (*System)(nil)
)

// New returns the system that c describes, with the operations of the workload:
// those of a register, if it has no name.
func New(c scenarios.Client, w scenarios.Workload) *System {
	return &System{
		serializable: c.SerializableReads, lease: max(c.Lease, time.Second), fenced: !c.Unfenced,
		workload: w, members: map[uint64]string{},
	}
}

// Open returns a client to n, which begins to connect. It fails if n has no
// port named "client".
func (s *System) Open(_ context.Context, n client.Node) (client.Client, error) {
	conn, err := open(n)
	if err != nil {
		return nil, err
	}
	switch s.workload.Use {
	case "", "register", "cas-register":
		return &register{conn: conn, serializable: s.serializable}, nil
	}
	return s.store(conn), nil
}

// store returns a client with the operations of the workload.
func (s *System) store(conn *clientv3.Client) *store {
	c := &store{conn: conn, serializable: s.serializable, endRenewal: func() {}}
	c.tasks = map[string]client.Tasks{
		"append":         {"txn": c.txn},
		"rw-register":    {"txn": c.txn},
		"long-fork":      {"txn": c.txn},
		"bank":           {"transfer": c.transfer, "read": c.balances(s.workload.Accounts)},
		"write-skew":     {"insert": c.insert},
		"set":            {"add": c.add, "read": c.elements},
		"causal-reverse": {"write": c.add, "read": c.elements},
		"queue":          {"enqueue": c.enqueue, "dequeue": c.dequeue, "drain": c.drain},
		"counter":        {"add": c.increment, "read": c.count},
		"unique-ids":     {"generate": c.generate},
		"lock":           {"acquire": c.acquire(s.lease), "write": c.write(s.fenced), "release": c.release},
		"log":            {"send": c.send, "poll": c.poll()},
		"monotonic":      {"add": c.insertRow, "read": c.rows},
		"sequential":     {"write": c.writeRow, "read": c.readRow},
	}[s.workload.Use]
	return c
}

// Prepare puts money into the accounts of a bank.
func (s *System) Prepare(ctx context.Context, nodes []client.Node) error {
	if s.workload.Use != "bank" || len(nodes) == 0 {
		return nil
	}
	conn, err := open(nodes[0])
	if err != nil {
		return err
	}
	c := s.store(conn)
	if err := errors.Join(c.openBank(ctx, s.workload.Accounts, s.workload.Balance), c.Close()); err != nil {
		return fmt.Errorf("open the accounts through %s: %w", nodes[0].Name, err)
	}
	return nil
}

// open connects to n and to nothing else.
func open(n client.Node) (*clientv3.Client, error) {
	port, ok := n.Ports["client"]
	if !ok {
		return nil, fmt.Errorf(`node %s: no port named "client"`, n.Name)
	}
	conn, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + net.JoinHostPort(n.IP, strconv.Itoa(port))},
		// The most attempts, not the most further attempts; and 0 is 100.
		MaxUnaryRetries:      1,
		DialKeepAliveTime:    aliveInterval,
		DialKeepAliveTimeout: aliveTimeout,
		Logger:               zap.NewNop(),
		DialOptions:          dialOptions(),
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	return conn, nil
}

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  firstPause,
				Multiplier: backoff.DefaultConfig.Multiplier,
				Jitter:     backoff.DefaultConfig.Jitter,
				MaxDelay:   lastPause,
			},
			MinConnectTimeout: connectTimeout,
		}),
		// A proxy that the environment names is not between us and the node.
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(),
		grpc.WithStatsHandler(sentHandler{}),
		grpc.WithChainUnaryInterceptor(failFast),
	}
}

// failFast undoes etcd's choice to wait for a node to come back. Without a
// connection an operation fails at once, and is known not to have been sent.
func failFast(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(ctx, method, req, reply, cc, append(opts, grpc.WaitForReady(false))...)
}
