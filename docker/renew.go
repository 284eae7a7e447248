package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// stopWithin is how long a node may take to end by itself, in seconds. Then it
// is killed.
const stopWithin = 10

// imageFor is the image of a version; of none, that of the cluster.
func (c *Cluster) imageFor(version string) string {
	if ref, ok := c.spec.Images[version]; ok && version != "" {
		return ref
	}
	return c.spec.Image
}

// Stop asks the node to end, as at a planned restart, and returns when it has.
// A node that does not within ten seconds is killed. Stopping a node that is
// down is no error.
func (c *Cluster) Stop(ctx context.Context, name string) error {
	n := c.node(name)
	if n == nil {
		return failed(errors.New("there is no such node"), "", "stop node %s", name)
	}
	n.starting.Lock()
	defer n.starting.Unlock()
	return c.stop(ctx, n)
}

func (c *Cluster) stop(ctx context.Context, n *node) error {
	during, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	patience := stopWithin
	if err := c.engine.api.ContainerStop(during, n.id, container.StopOptions{Timeout: &patience}); err != nil {
		return failed(err, "is the node frozen? a paused node cannot end", "stop node %s", n.name)
	}
	n.killed.Store(false)
	_, err = c.agent().ask(during, agent.Request{Do: agent.Register, Node: n.name})
	return failed(err, "", "tell the agent that node %s is down", n.name)
}

// Renew makes a node anew, from another version's image, with empty data, or
// as a member that joins, and starts it. It keeps its name, address and, unless
// Fresh, its data. What its last container logged is kept for [Cluster.Collect].
func (c *Cluster) Renew(ctx context.Context, name string, r nemesis.Renewal) error {
	n := c.node(name)
	if n == nil {
		return failed(errors.New("there is no such node"), "", "renew node %s", name)
	}
	if _, ok := c.spec.Images[r.Version]; r.Version != "" && !ok {
		return failed(fmt.Errorf("no image was prepared for version %s", r.Version), "", "renew node %s", name)
	}
	if err := c.renew(ctx, n, r); err != nil {
		return failed(err, "", "renew node %s", name)
	}
	return c.Restart(ctx, name)
}

func (c *Cluster) renew(ctx context.Context, n *node, r nemesis.Renewal) error {
	n.starting.Lock()
	defer n.starting.Unlock()
	if err := c.stop(ctx, n); err != nil {
		return err
	}
	during, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	was := dockerName(c.spec.Run, n.name, fmt.Sprintf("before-%d", len(n.former)+1))
	if err := c.engine.api.ContainerRename(during, n.id, was); err != nil {
		return err
	}
	n.former = append(n.former, n.id)
	if r.Version != "" {
		n.image = c.imageFor(r.Version)
	}
	if r.Fresh {
		if err := c.freshData(during, n); err != nil {
			return err
		}
	}
	x := c.x
	x.members, x.joins = r.Members, r.Joins
	return c.create(during, n, x)
}

// freshData gives a node that is about to be made an empty disk.
func (c *Cluster) freshData(ctx context.Context, n *node) error {
	if c.disks != "" {
		_, err := c.agent().ask(ctx, agent.Request{Do: agent.WipeDisk, Node: n.name})
		return err
	}
	// The last container holds on to its volume until the run is taken down.
	n.volume = dockerName(c.spec.Run, n.name, fmt.Sprintf("data-%d", len(n.former)+1))
	return nil
}

// Runs tells what the node runs, as the engine sees it: since when, and which
// image.
func (c *Cluster) Runs(ctx context.Context, name string) (string, error) {
	n := c.node(name)
	if n == nil {
		return "", failed(errors.New("there is no such node"), "", "look at node %s", name)
	}
	i, err := c.engine.api.ContainerInspect(ctx, n.id)
	if err != nil {
		return "", failed(err, "", "look at node %s", name)
	}
	if !i.State.Running {
		return "", failed(errors.New("it does not run"), "", "look at node %s", name)
	}
	since, err := time.Parse(time.RFC3339Nano, i.State.StartedAt)
	if err != nil {
		return "", failed(err, "", "look at node %s", name)
	}
	return fmt.Sprintf("process %d of image %s, started %s", i.State.Pid, n.image, since.Format("15:04:05.000")), nil
}
