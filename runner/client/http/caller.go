package http

import (
	"context"
	"encoding/json"
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
	// next is, of each log, from where the next poll reads on.
	next map[string]int64
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
	req, err := newRequest(ctx, c.base, o, op, c.next[op.Key])
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
	done := judge(op, o, a)
	if op.F == "poll" {
		c.readOn(done)
	}
	return done
}

// readOn notes what a poll came to: [[offset, message], …].
func (c *caller) readOn(done history.Op) {
	var messages [][2]json.RawMessage
	if done.Type != history.OK || json.Unmarshal(done.Value, &messages) != nil {
		return // what it is then, the check says
	}
	for _, m := range messages {
		var offset int64
		if json.Unmarshal(m[0], &offset) == nil && offset >= c.next[done.Key] {
			c.next[done.Key] = offset + 1
		}
	}
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
