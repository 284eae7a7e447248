package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultClock is the clock's name in scenarios and plans.
const FaultClock = "clock"

// A ClockStep is a moment, so long after the injection, from which on nodes
// are shown a clock.
type ClockStep struct {
	After time.Duration `json:"after_ns"`
	agent.Clock
}

func clockKind() kind {
	return kind{
		name:  FaultClock,
		class: always(ClassClock),
		make: func(in Injection, x Exec) fault {
			return &clock{id: in.ID, nodes: in.Nodes, steps: in.Clock, cluster: x.Cluster, since: x.Since}
		},
		says: func(in Injection, _ []string) string { return in.Clock[0].String() },
		foretells: func(in Injection, _ []string) string {
			text := whom(in)
			for i, step := range in.Clock {
				text += [2]string{" ", ", then "}[min(i, 1)] + step.String()
			}
			return text
		},
	}
}

// A clock shows every process of a node a time of day that is wrong, one node
// at a time, without touching the host's clock: the agent patches the code by
// which the process reads the clock. Monotonic time stays right unless it is
// named. What is shown is read back from the memory of the processes.
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
	return c.set(ctx, c.steps[0].Clock)
}

// set asks for a clock. A node that is frozen or down just then gets it as
// soon as it can be reached; that it has is for verify to see.
func (c *clock) set(ctx context.Context, shows agent.Clock) error {
	_, err := eachNode(c.nodes, func(node string) (string, error) {
		r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.SetClock, ID: c.id, Node: node, Clock: &shows})
		if r.Pending {
			return "", nil
		}
		return "", err
	})
	return err
}

func (c *clock) verify(ctx context.Context) (string, error) {
	return c.readBack(ctx, c.steps[0].Clock)
}

// readBack waits until every node is seen to be shown a clock.
func (c *clock) readBack(ctx context.Context, want agent.Clock) (string, error) {
	return eachNode(c.nodes, func(node string) (string, error) {
		for {
			r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.ReadClock, ID: c.id, Node: node})
			if err == nil && r.Clock != nil && r.Clock.Same(want) {
				return r.Evidence, nil
			}
			if pauseFor(ctx, probeEvery) {
				continue
			}
			if err != nil {
				return "", fmt.Errorf("read the clock of %s back: %w", node, err)
			}
			return "", fmt.Errorf("the clock of %s reads off by %s, not as wanted: %s", node, time.Duration(r.Number), want)
		}
	})
}

func (c *clock) hold(ctx context.Context, note func(says, evidence string)) error {
	for _, step := range c.steps[1:] {
		if !pauseFor(ctx, c.began+step.After-c.since()) {
			return nil
		}
		if err := c.set(ctx, step.Clock); err != nil {
			return err
		}
		evidence, err := c.readBack(ctx, step.Clock)
		if err != nil {
			return err
		}
		note("now "+step.String(), evidence)
	}
	<-ctx.Done()
	return nil
}

// heal resets the clocks until they read as real. With the processes of a node
// that is down its clock has ended, too.
func (c *clock) heal(ctx context.Context) (string, error) {
	return eachNode(c.nodes, func(node string) (string, error) {
		for {
			r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.ResetClock, ID: c.id, Node: node})
			if err == nil && r.Number == 0 {
				return r.Evidence, nil
			}
			if !pauseFor(ctx, probeEvery) {
				return "", fmt.Errorf("reset the clock of %s, which reads off by %s: %w", node, time.Duration(r.Number), err)
			}
		}
	})
}
