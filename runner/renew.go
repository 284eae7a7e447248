package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
)

// A renewer is a [Cluster] that can make nodes anew.
type renewer interface {
	Stop(ctx context.Context, node string) error
	Renew(ctx context.Context, node string, r nemesis.Renewal) error
	// Runs tells which process of which image the node is.
	Runs(ctx context.Context, node string) (string, error)
}

// The nemesis can ask all this of a hurtable, which passes it on to the cluster
// or the system.
var (
	_ nemesis.Membership = hurtable{}
	_ nemesis.Commander  = hurtable{}
)

var errNotRenewed = errors.New("nodes of this kind of cluster cannot be made anew")

// Stop asks the node to end.
func (h hurtable) Stop(ctx context.Context, node string) error {
	c, ok := h.Cluster.(renewer)
	if !ok {
		return errNotRenewed
	}
	return c.Stop(ctx, node)
}

// Renew makes the node anew.
func (h hurtable) Renew(ctx context.Context, node string, r nemesis.Renewal) error {
	c, ok := h.Cluster.(renewer)
	if !ok {
		return errNotRenewed
	}
	return c.Renew(ctx, node, r)
}

// Healthy waits until the node takes part in a working cluster.
func (h hurtable) Healthy(ctx context.Context, node string) error {
	n, err := h.node(node)
	if err != nil {
		return err
	}
	return awaitNode(ctx, h.system, n)
}

// versionWithin is how long a node has to say what it runs.
const versionWithin = 2 * time.Second

// Running asks the cluster and, if it can be asked, the node.
func (h hurtable) Running(ctx context.Context, node string) (is nemesis.Running, err error) {
	ctx, cancel := context.WithTimeout(ctx, versionWithin)
	defer cancel()
	n, err := h.node(node)
	if err != nil {
		return is, err
	}
	c, ok := h.Cluster.(renewer)
	if !ok {
		return is, errNotRenewed
	}
	if is.Process, err = c.Runs(ctx, node); err != nil {
		return is, err
	}
	if teller, ok := h.system.(client.VersionTeller); ok {
		is.Version, err = teller.Version(ctx, n)
	}
	return is, err
}

// Exec runs a command on the node.
func (h hurtable) Exec(ctx context.Context, node string, command []string) (string, error) {
	c, ok := h.Cluster.(nemesis.Commander)
	if !ok {
		return "", errors.New("no command can be run on nodes of this kind of cluster")
	}
	return c.Exec(ctx, node, command)
}

func (h hurtable) node(name string) (client.Node, error) {
	i := slices.IndexFunc(h.nodes, func(n client.Node) bool { return n.Name == name })
	if i < 0 {
		return client.Node{}, fmt.Errorf("there is no node %s", name)
	}
	return h.nodes[i], nil
}

// others are all nodes but some.
func (h hurtable) others(names ...string) []client.Node {
	return slices.DeleteFunc(slices.Clone(h.nodes), func(n client.Node) bool { return slices.Contains(names, n.Name) })
}
