package http

import (
	"context"
	"fmt"
	nethttp "net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A caller is a client that sends each operation as one request.
type caller struct {
	base       string
	operations map[string]scenarios.HTTPOperation
	transport  *nethttp.Transport
}

// Invoke carries out op, as [client.Client] says: a request that was answered
// ends as the scenario maps the answer, and one that never got hold of a
// connection is Fail, since not a byte of it has left. Between the two, a
// read is Fail and everything else Info.
func (c *caller) Invoke(ctx context.Context, op history.Op) history.Op {
	o, ok := c.operations[op.F]
	if !ok {
		return notSent(op, fmt.Errorf("the scenario has no request for %q", op.F))
	}
	ctx, connected := watchConnected(ctx)
	req, err := newRequest(ctx, c.base, o, op)
	if err != nil {
		return notSent(op, err)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil && !connected.Load() {
		return notSent(op, err)
	}
	if err != nil {
		return unanswered(op, err)
	}
	a, err := readAnswer(resp)
	if err != nil {
		return unanswered(op, err)
	}
	return judge(op, o, a)
}

// Close gives up the connection.
func (c *caller) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// notSent completes op, of which nothing has left.
func notSent(op history.Op, err error) history.Op {
	op.Type, op.Error = history.Fail, "not sent: "+err.Error()
	return op
}

// watchConnected returns a context for one request, and a mark that is set
// once the request was given a connection, which is before it is written.
func watchConnected(ctx context.Context) (context.Context, *atomic.Bool) {
	mark := new(atomic.Bool)
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { mark.Store(true) }}
	return httptrace.WithClientTrace(ctx, trace), mark
}
