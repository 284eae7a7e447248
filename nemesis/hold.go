package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// near is how near in time a planned fault is that counts as there already,
// for another one that is about to choose whom to hit: where both come at the
// same moment, the one would find the node down by the other.
const near = time.Second

// takeHold notes that an injection has hold of nodes, from now until letGo.
func (c *campaign) takeHold(in Injection, nodes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in.Nodes = nodes
	c.held[in.ID] = in
}

func (c *campaign) letGo(in Injection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, in.ID)
	c.over[in.ID] = true
}

// takeFree takes hold, for an injection, of those of nodes that no other one
// has hold of, or is about to take hold of, that may never meet it. It returns
// them and, if there are none, who has one.
func (c *campaign) takeFree(in Injection, nodes []string) (free []string, by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, node := range nodes {
		if other := c.holder(in, node); other != "" {
			by = other
			continue
		}
		free = append(free, node)
	}
	if len(free) > 0 {
		in.Nodes = free
		c.held[in.ID] = in
	}
	return free, by
}

// holder names the injection that keeps another one from a node.
func (c *campaign) holder(in Injection, node string) string {
	keeps := func(o Injection) bool {
		return o.ID != in.ID && slices.Contains(o.Nodes, node) && RuleFor(ClassOf(in), ClassOf(o)).Meet == MeetNever
	}
	for _, o := range c.held {
		if keeps(o) {
			return o.ID
		}
	}
	now := c.Since()
	for _, o := range c.plan {
		if keeps(o) && o.Trigger == nil && !c.over[o.ID] && o.At-now < near && now < o.At+o.For {
			return o.ID
		}
	}
	return ""
}

// ofRole takes hold of the nodes that have the injection's role. Of followers
// it leaves those out that another fault keeps from it; a leader that is kept
// is about to be one no more, so that it asks again until ctx is done.
func (c *campaign) ofRole(ctx context.Context, in Injection) ([]string, error) {
	for {
		leader, err := askLeader(ctx, c.Cluster)
		if err != nil {
			return nil, fmt.Errorf("ask who leads: %w", err)
		}
		free, by := c.takeFree(in, ByRole(in.Target, leader, c.Cluster.Nodes()))
		if len(free) > 0 {
			return free, nil
		}
		if !pauseFor(ctx, probeEvery) {
			return nil, fmt.Errorf("%s leads, and %s has hold of it, which it may not meet", leader, by)
		}
	}
}
