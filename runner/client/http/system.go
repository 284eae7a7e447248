// Package http drives any system that speaks HTTP, by requests that are
// written in the scenario: what is sent for a read, a write and a cas, and
// what the answers mean.
//
// Go's own client is made for the web: it follows redirects, asks the
// environment for a proxy, shares connections, and sends a request again when
// it thinks that nobody will mind. Here a request goes to one node, once.
//
// Start with [New]; request.go makes the requests, answer.go reads the answers.
package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strconv"
	"time"

	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// dialTimeout bounds one attempt to connect, so that an attempt that met a dead
// address does not hold the client's only connection for longer: TCP repeats
// its first packet after 1 s, 3 s, 7 s, …, and a node that is back after 1.1 s
// would be thought dead for 3.
const dialTimeout = time.Second

// A System opens clients to the nodes of a system that speaks HTTP. It has no
// state and is safe for use by many goroutines.
type System struct {
	operations map[string]scenarios.HTTPOperation
	ready      scenarios.Ready
}

var _ client.System = (*System)(nil)

// New returns the system that c and ready describe: of c the Operations, of
// ready the HTTP path.
func New(c scenarios.Client, ready scenarios.Ready) *System {
	return &System{operations: c.Operations, ready: ready}
}

// Open returns a client to n, which connects with its first operation. It
// fails if n has no port named "client".
func (s *System) Open(_ context.Context, n client.Node) (client.Client, error) {
	host, err := address(n)
	if err != nil {
		return nil, err
	}
	return &caller{base: "http://" + host, operations: s.operations, transport: newTransport(), next: map[string]int64{}}, nil
}

// Ready returns nil once n answers the path of Ready.HTTP with 2xx; without a
// path, once it accepts a connection.
func (s *System) Ready(ctx context.Context, n client.Node) error {
	host, err := address(n)
	if err != nil {
		return err
	}
	if s.ready.HTTP == "" {
		return connects(ctx, n.Name, host)
	}
	return answers(ctx, n.Name, "http://"+host+rooted(s.ready.HTTP))
}

func connects(ctx context.Context, node, host string) error {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("node %s is not ready: %w", node, err)
	}
	return conn.Close()
}

func answers(ctx context.Context, node, url string) error {
	req, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("node %s: %w", node, err)
	}
	transport := newTransport()
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("node %s is not ready: GET %s: %w", node, url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, excerptLimit)) // what there is will do
		return fmt.Errorf("node %s is not ready: GET %s: %s", node, url, describe(resp.StatusCode, said))
	}
	return nil
}

// address returns where n's clients connect.
func address(n client.Node) (string, error) {
	port, ok := n.Ports["client"]
	if !ok {
		return "", fmt.Errorf(`node %s: no port named "client"`, n.Name)
	}
	if n.IP == "" {
		return "", errors.New("node " + n.Name + ": no address")
	}
	return net.JoinHostPort(n.IP, strconv.Itoa(port)), nil
}

// newTransport returns a transport for one client: with one connection, which
// is kept between operations, and no proxy. It is used without an
// [nethttp.Client], which would follow redirects.
func newTransport() *nethttp.Transport {
	return &nethttp.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		DisableCompression:     true, // so that the limit of an answer is one of bytes on the wire
		MaxResponseHeaderBytes: 64 << 10,
	}
}
