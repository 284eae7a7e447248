package docker

import (
	"cmp"
	"context"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// policy is the restart policy of the nodes.
func (c *Cluster) policy() container.RestartPolicy {
	return container.RestartPolicy{Name: container.RestartPolicyMode(cmp.Or(c.spec.Restart, "no"))}
}

// suspend keeps the engine from starting a node again that is about to be
// killed, until it is started by [Cluster.Restart].
func (c *Cluster) suspend(ctx context.Context, n *node) error {
	if c.spec.Restart == "" {
		return nil
	}
	n.starting.Lock()
	defer n.starting.Unlock()
	if n.suspended {
		return nil
	}
	err := c.setPolicy(ctx, n, container.RestartPolicy{Name: container.RestartPolicyDisabled})
	n.suspended = err == nil
	return failed(err, "", "suspend the restart policy of node %s", n.name)
}

// resume takes back what suspend did to a node that runs.
func (c *Cluster) resume(ctx context.Context, n *node) error {
	if !n.suspended {
		return nil
	}
	err := c.setPolicy(ctx, n, c.policy())
	n.suspended = err != nil
	return failed(err, "", "give node %s its restart policy back", n.name)
}

func (c *Cluster) setPolicy(ctx context.Context, n *node, p container.RestartPolicy) error {
	during, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	_, err = c.engine.api.ContainerUpdate(during, n.id, container.UpdateConfig{RestartPolicy: p})
	return err
}

// A follower listens to the engine until it is stopped. The zero follower does not.
type follower struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (f *follower) stop() {
	if f.cancel != nil {
		f.cancel()
		f.done.Wait()
	}
}

// followPolicy tells the agent, from now until Down, of nodes that the engine
// starts by itself, so that what is in force of them stays in force.
func (c *Cluster) followPolicy(ctx context.Context) error {
	if c.spec.Restart == "" {
		return nil
	}
	listening, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.following.cancel = cancel
	of := filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)), filters.Arg("event", string(events.ActionStart)),
		filters.Arg("label", labelRun+"="+c.spec.Run))
	started, lost := c.engine.api.Events(listening, events.ListOptions{Filters: of})
	c.following.done.Go(func() {
		for {
			select {
			case e := <-started:
				c.startedByItself(listening, e.Actor.ID)
			case <-lost: // or stopped
				return
			}
		}
	})
	return nil
}

// startedByItself tells the agent of a node that has started, unless we are
// about to. That it could not be told shows where the node is missed.
func (c *Cluster) startedByItself(ctx context.Context, id string) {
	for _, n := range c.nodes {
		if n.id != id || !n.starting.TryLock() {
			continue
		}
		if i, err := c.engine.api.ContainerInspect(ctx, id); err == nil && i.State.Running && i.State.Pid != 0 {
			_, _ = c.agent().ask(ctx, agent.Request{Do: agent.Register, Node: n.name, Pid: i.State.Pid, Addresses: []string{n.ip}})
		}
		n.starting.Unlock()
	}
}
