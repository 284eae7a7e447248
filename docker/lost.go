package docker

import (
	"context"
	"errors"
	"sync"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// sidecars are the agent of a cluster, which another one can follow.
type sidecars struct {
	mu  sync.Mutex
	now *sidecar
}

func (s *sidecars) set(a *sidecar) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = a
}

// agent is the agent of now; nil if there never was one.
func (c *Cluster) agent() *sidecar {
	c.agents.mu.Lock()
	defer c.agents.mu.Unlock()
	return c.agents.now
}

// Lost is closed when the agent has died though nobody told it to: what it had
// done to the nodes stays done, and what it was about to do is not.
func (c *Cluster) Lost() <-chan struct{} { return c.agent().conn.Gone() }

// Recover is for a cluster whose agent is lost. Another one takes its place, and
// every node is started anew: with its processes go the clock that they were
// shown, their limits, and the rules and queues in their network. The rules on
// the bridge are removed. What is on the nodes' disks stays.
func (c *Cluster) Recover(ctx context.Context) error {
	const doing = "take the place of the agent that died"
	old := c.agent()
	if err := old.close(ctx); err != nil {
		return failed(err, "", doing)
	}
	if c.disks != "" {
		if err := c.engine.sweepDisks(ctx, dockerName(c.spec.Run, roleDisks)); err != nil {
			return failed(err, "", doing)
		}
	}
	a, err := c.hire(ctx)
	if err != nil {
		return failed(err, "", doing)
	}
	c.agents.set(a)
	if c.spec.Shared != nil {
		if err := c.introduceOthers(ctx); err != nil {
			return failed(err, "", doing)
		}
	}
	_, healed := a.ask(ctx, agent.Request{Do: agent.Heal, ID: c.spec.Run})
	return failed(errors.Join(healed, c.firstOf(c.each(func(_ int, n *node) error { return c.anew(ctx, n) }))), "", doing)
}

// anew ends a node, frozen or not, and starts it again.
func (c *Cluster) anew(ctx context.Context, n *node) error {
	if err := c.end(ctx, n); err != nil {
		return err
	}
	if err := c.mountDisk(ctx, n.name); err != nil {
		return err
	}
	return c.start(ctx, n)
}

// end kills a node, which is thawed for it, and waits until it has ended.
func (c *Cluster) end(ctx context.Context, n *node) error {
	during, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	i, err := c.engine.api.ContainerInspect(during, n.id)
	if err != nil {
		return failed(err, "", "look at node %s", n.name)
	}
	if !i.State.Running {
		return nil
	}
	thawed := c.engine.thaw(during, c.agent(), thing{id: n.id, name: n.name})
	killed := c.engine.api.ContainerKill(during, n.id, "KILL") // fails for one that has just ended
	n.killed.Store(true)
	if err := c.waitEnded(during, n); err != nil {
		return failed(errors.Join(err, killed, thawed), "", "end node %s", n.name)
	}
	return nil
}
