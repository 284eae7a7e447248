package etcd

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// sentKey is where a context keeps its mark.
type sentKey struct{}

// watchSent returns a context for one request, and a mark that is set once
// the request was handed to a connection. As long as it is not set, no byte of
// the request has left, whatever the error is.
func watchSent(ctx context.Context) (context.Context, *atomic.Bool) {
	mark := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, mark), mark
}

// A sentHandler sets the marks. gRPC calls it with an OutHeader just after it
// queued the headers for a live connection, on the goroutine of the call and
// before it queues the message; so the mark may be set for a request that did
// not leave, but is never missing for one that did.
type sentHandler struct{}

// HandleRPC sets the mark of the call's context.
func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); !ok {
		return
	}
	if mark, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		mark.Store(true)
	}
}

// TagRPC is needed for the interface only.
func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn is needed for the interface only.
func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn is needed for the interface only.
func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
