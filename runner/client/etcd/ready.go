package etcd

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/runner/client"
)

// Ready writes through n, and reads back through n with the consent of a
// majority. The key, "shakedown/ready/" and the name of the node, is not one
// that a workload uses.
func (s *System) Ready(ctx context.Context, n client.Node) error {
	conn, err := open(n)
	if err != nil {
		return err
	}
	defer conn.Close() // nothing was left to be done on it, so there is nothing to report
	key := "shakedown/ready/" + n.Name
	put, err := conn.Put(ctx, key, n.Name)
	if err != nil {
		return fmt.Errorf("node %s does not take a write: %w", n.Name, err)
	}
	got, err := conn.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("node %s does not answer a read: %w", n.Name, err)
	}
	if len(got.Kvs) != 1 || got.Kvs[0].ModRevision < put.Header.GetRevision() {
		return fmt.Errorf("node %s does not know of the write that it acknowledged at revision %d", n.Name, put.Header.GetRevision())
	}
	return nil
}
