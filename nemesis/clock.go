package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultClock is the clock's name in scenarios and plans.
const FaultClock = "clock"

func clockKind() kind {
	return kind{
		name:  FaultClock,
		class: always(ClassClock),
		make: func(in Injection, x Exec) fault {
			return &clock{id: in.ID, nodes: in.Nodes, steps: in.Clock, cluster: x.Cluster, since: x.Since}
		},
		says: func(in Injection, _ []string) string { return "clock set off by " + signed(in.Clock[0].Offset) },
		foretells: func(in Injection, _ []string) string {
			text := whom(in)
			for i, step := range in.Clock {
				text += [2]string{" off by ", ", then "}[min(i, 1)] + step.Offset.String()
			}
			return text
		},
	}
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// A clock shows every process of a node a time of day that is wrong, one node
// at a time, without touching the host's clock: the agent patches the code by
// which the process reads the clock. Monotonic time stays right. The offset is
// read back from the memory of the processes.
type clock struct {
	id      string
	nodes   []string
	steps   []ClockStep
	cluster Cluster
	since   func() time.Duration
	began   time.Duration
}

func (c *clock) inject(ctx context.Context) error {
	c.began = c.since()
	return c.set(ctx, c.steps[0].Offset)
}

// set asks for the offset. A node that is frozen or down just then gets it as
// soon as it can be reached; that it has is for verify to see.
func (c *clock) set(ctx context.Context, offset time.Duration) error {
	_, err := eachNode(c.nodes, func(node string) (string, error) {
		r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.SetClock, ID: c.id, Node: node, Clock: &agent.Clock{Offset: offset}})
		if r.Pending {
			return "", nil
		}
		return "", err
	})
	return err
}

func (c *clock) verify(ctx context.Context) (string, error) {
	return c.readBack(ctx, c.steps[0].Offset)
}

// readBack waits until every node's clock reads as off by want.
func (c *clock) readBack(ctx context.Context, want time.Duration) (string, error) {
	return eachNode(c.nodes, func(node string) (string, error) {
		for {
			r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.ReadClock, ID: c.id, Node: node})
			if err == nil && r.Number == want.Nanoseconds() {
				return r.Evidence, nil
			}
			if pauseFor(ctx, probeEvery) {
				continue
			}
			if err != nil {
				return "", fmt.Errorf("read the clock of %s back: %w", node, err)
			}
			return "", fmt.Errorf("the clock of %s reads off by %s, not %s", node, time.Duration(r.Number), want)
		}
	})
}

func (c *clock) hold(ctx context.Context, note func(says, evidence string)) error {
	for _, step := range c.steps[1:] {
		if !pauseFor(ctx, c.began+step.After-c.since()) {
			return nil
		}
		if err := c.set(ctx, step.Offset); err != nil {
			return err
		}
		evidence, err := c.readBack(ctx, step.Offset)
		if err != nil {
			return err
		}
		note("clock now off by "+signed(step.Offset), evidence)
	}
	<-ctx.Done()
	return nil
}

func (c *clock) heal(ctx context.Context) (string, error) {
	_, err := eachNode(c.nodes, func(node string) (string, error) {
		_, err := c.cluster.Ask(ctx, agent.Request{Do: agent.ResetClock, ID: c.id, Node: node})
		return "", err
	})
	if err != nil {
		return "", err
	}
	return c.readBack(ctx, 0)
}
