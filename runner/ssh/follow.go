package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Follow returns what the node logs from now on, all its files as one, over
// restarts of the node and of the connection. It ends when ctx does or when it is
// closed.
func (c *Cluster) Follow(ctx context.Context, node string) (io.ReadCloser, error) {
	m := c.member(node)
	if m == nil {
		return nil, fmt.Errorf("follow the log of %s: there is no such node", node)
	}
	root, err := m.root(ctx)
	if err != nil {
		return nil, fmt.Errorf("follow the log of %s: %w", node, err)
	}
	all := c.spec.Control.logs(m, root)
	if len(all) == 0 {
		return nil, fmt.Errorf("follow the log of %s: its host keeps none that is known; name it under system.control.logs", node)
	}
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	f := &following{PipeReader: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		err := m.persist(ctx, func(l *link) error {
			return l.Stream(ctx, followLine(all), w)
		})
		_ = w.CloseWithError(errors.Join(err, io.EOF)) // never fails
	}()
	return f, nil
}

// A following is a log that is being followed.
type following struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close ends it, and waits until nothing comes any more.
func (f *following) Close() error {
	f.cancel()
	_ = f.PipeReader.Close() // never fails
	<-f.done
	return nil
}
