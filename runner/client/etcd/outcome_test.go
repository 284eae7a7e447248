package etcd

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A fakeServer speaks etcd's protocol and ends every request as it is told. It
// answers requests for the key "works" well.
type fakeServer struct {
	pb.UnimplementedKVServer
	end   func() error
	calls atomic.Int32

	listener *holdingListener
}

// startFake starts a server whose requests all end with end. It ends with the
// test.
func startFake(t *testing.T, end func(*fakeServer) error) (*fakeServer, client.Node) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{listener: &holdingListener{Listener: l}}
	f.end = func() error { return end(f) }
	server := grpc.NewServer()
	pb.RegisterKVServer(server, f)
	served := make(chan error, 1)
	go func() { served <- server.Serve(f.listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return f, loopback(l)
}

func loopback(l net.Listener) client.Node {
	return client.Node{Name: "n1", IP: "127.0.0.1", Ports: map[string]int{"client": l.Addr().(*net.TCPAddr).Port}}
}

// Range counts the request and ends it.
func (f *fakeServer) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	f.calls.Add(1)
	return &pb.RangeResponse{}, f.end()
}

// Put counts the request and ends it, unless it is for the key "works".
func (f *fakeServer) Put(_ context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if string(r.Key) == "works" {
		return &pb.PutResponse{}, nil
	}
	f.calls.Add(1)
	return &pb.PutResponse{}, f.end()
}

// Txn counts the request and ends it.
func (f *fakeServer) Txn(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) {
	f.calls.Add(1)
	return &pb.TxnResponse{Succeeded: true}, f.end()
}

// A holdingListener remembers its connections, so as to break them.
type holdingListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// Accept remembers the connection.
func (l *holdingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

// reset breaks all connections, without the courtesies of TCP.
func (l *holdingListener) reset() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if err := c.(*net.TCPConn).SetLinger(0); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	l.conns = nil
	return nil
}

// outcomes are what a write and a cas become that a node ended with an error.
// Reads become Fail, every one.
func outcomes() []struct {
	err  error
	want history.Type
} {
	return []struct {
		err  error
		want history.Type
	}{
		{rpctypes.ErrGRPCNotCapable, history.Fail},
		{rpctypes.ErrGRPCNotSupportedForLearner, history.Fail},
		{rpctypes.ErrGRPCNoLeader, history.Fail},
		{rpctypes.ErrGRPCEmptyKey, history.Fail},
		{rpctypes.ErrGRPCValueProvided, history.Fail},
		{rpctypes.ErrGRPCLeaseProvided, history.Fail},
		{rpctypes.ErrGRPCTooManyOps, history.Fail},
		{rpctypes.ErrGRPCDuplicateKey, history.Fail},
		{rpctypes.ErrGRPCRequestTooManyRequests, history.Fail},
		{rpctypes.ErrGRPCRequestTooLarge, history.Fail},
		{errors.New("raft proposal dropped"), history.Fail}, // unknown code, as etcd sends it

		{rpctypes.ErrGRPCTimeout, history.Info},
		{rpctypes.ErrGRPCTimeoutDueToLeaderFail, history.Info},
		{rpctypes.ErrGRPCTimeoutDueToConnectionLost, history.Info},
		{rpctypes.ErrGRPCTimeoutWaitAppliedIndex, history.Info},
		{rpctypes.ErrGRPCLeaderChanged, history.Info},
		{rpctypes.ErrGRPCNotLeader, history.Info},
		{rpctypes.ErrGRPCStopped, history.Info},
		{rpctypes.ErrGRPCUnhealthy, history.Info},
		{rpctypes.ErrGRPCCorrupt, history.Info},
		{rpctypes.ErrGRPCNoSpace, history.Info},
		{rpctypes.ErrGRPCKeyNotFound, history.Info},
		{rpctypes.ErrGRPCCanceled, history.Info},
		{rpctypes.ErrGRPCDeadlineExceeded, history.Info},
		{rpctypes.ErrGRPCPermissionDenied, history.Info},
		{rpctypes.ErrGRPCAuthOldRevision, history.Info},
		{context.DeadlineExceeded, history.Info},
		{context.Canceled, history.Info},
		{status.Error(codes.Unavailable, "transport is closing"), history.Info},
		// What a proxy says, or a node that wants to be tried again: the
		// words that mean to etcd's client that nothing was sent included.
		{status.Error(codes.Unavailable, "there is no connection available"), history.Info},
		{status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp: connect: connection refused"`), history.Info},
		{status.Error(codes.Unavailable, "raft proposal dropped"), history.Info},
		{status.Error(codes.ResourceExhausted, "grpc: received message larger than max"), history.Info},
		{status.Error(codes.Internal, "stream terminated by RST_STREAM"), history.Info},
		{status.Error(codes.Unimplemented, "unknown method"), history.Info},
		{status.Error(codes.Aborted, "try again"), history.Info},
		{status.Error(codes.Unknown, "raft: stopped"), history.Info},
		{errors.New("something new"), history.Info},
	}
}

// TestErrorsOfANode has a real server end real requests, and counts them: none
// is sent a second time.
func TestErrorsOfANode(t *testing.T) {
	var answer atomic.Pointer[error]
	fake, n := startFake(t, func(*fakeServer) error { return *answer.Load() })
	c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), n)
	for _, o := range outcomes() {
		answer.Store(&o.err)
		for f, value := range map[string]string{"read": "", "write": "1", "cas": "[1,2]"} {
			want := o.want
			if f == "read" {
				want = history.Fail
			}
			fake.calls.Store(0)
			op := invoke(t, c, f, "r", value)
			if err := endsAs(op, want); err != nil || op.Error == "" || string(op.Value) != value {
				t.Errorf("%v: %v, value %s", o.err, err, op.Value)
			}
			if calls := fake.calls.Load(); calls != 1 {
				t.Errorf("%v: the %s was sent %d times", o.err, f, calls)
			}
		}
	}
}

// TestConnectionBreaksInRequest: the server has the request, and the client
// will never know what became of it.
func TestConnectionBreaksInRequest(t *testing.T) {
	fake, n := startFake(t, func(f *fakeServer) error { return f.listener.reset() })
	c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), n)
	for f, want := range map[string]history.Type{"write": history.Info, "cas": history.Info, "read": history.Fail} {
		works(t, c)
		fake.calls.Store(0)
		op := invoke(t, c, f, "r", "[1,2]")
		if err := endsAs(op, want); err != nil || strings.Contains(op.Error, "not sent") {
			t.Errorf("%v, %q", err, op.Error)
		}
		if calls := fake.calls.Load(); calls != 1 {
			t.Errorf("the %s was sent %d times", f, calls)
		}
	}
}

// TestNobodySpeaks: without a connection that works, nothing is sent.
func TestNobodySpeaks(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"hangs up":        func(c net.Conn) { _ = c.Close() },
		"is silent":       func(net.Conn) {},
		"speaks nonsense": func(c net.Conn) { _, _ = c.Write([]byte(strings.Repeat("SMTP?\r\n", 100))) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			conns := make(chan net.Conn, 100)
			go func() {
				defer close(conns)
				for c, err := l.Accept(); err == nil; c, err = l.Accept() {
					serve(c)
					conns <- c
				}
			}()
			c := openClient(t, New(scenarios.Client{}, scenarios.Workload{}), loopback(l))
			for _, f := range []string{"write", "cas", "read"} {
				op := invoke(t, c, f, "r", "[1,2]")
				if err := endsAs(op, history.Fail); err != nil || f != "read" && !strings.Contains(op.Error, "not sent") {
					t.Errorf("%v, %q", err, op.Error)
				}
			}
			_ = l.Close() // ends the goroutine
			for c := range conns {
				_ = c.Close() // it may have been closed
			}
		})
	}
}

// TestFailedNeedsEveryReason takes one reason for Fail away after the other.
func TestFailedNeedsEveryReason(t *testing.T) {
	timeout, tooMany := rpctypes.ErrTimeout, rpctypes.ErrTooManyRequests
	for _, c := range []struct {
		f    string
		sent bool
		err  error
		want history.Type
	}{
		{"read", true, timeout, history.Fail},
		{"read", false, timeout, history.Fail},
		{"write", false, timeout, history.Fail},
		{"cas", false, timeout, history.Fail},
		{"write", true, tooMany, history.Fail},
		{"cas", true, tooMany, history.Fail},
		{"write", true, timeout, history.Info},
		{"cas", true, timeout, history.Info},
		{"something else", true, timeout, history.Info},
	} {
		if got, text := failed(c.f, c.sent, c.err); got != c.want || text == "" {
			t.Errorf("%s, sent %v, %v: type %d, %q; want type %d", c.f, c.sent, c.err, got, text, c.want)
		}
	}
}
