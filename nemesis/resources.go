package nemesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultResources is the name of short resources in scenarios and plans.
const FaultResources = "resources"

func resourcesKind() kind {
	return kind{
		name:  FaultResources,
		class: always(ClassResources),
		make: func(in Injection, x Exec) fault {
			return &resources{id: in.ID, nodes: in.Nodes, limits: *in.Limits, cluster: x.Cluster}
		},
		says: func(in Injection, _ []string) string { return "no more than " + in.Limits.String() },
	}
}

// Resources are short for a node while it is let have no more of them than its
// limits. A node may die of it, as it would; it is started again at the heal.
// The kernel's counts of what it refused show that it bites.
type resources struct {
	id      string
	nodes   []string
	limits  agent.Limits
	cluster Cluster
}

func (s *resources) ask(ctx context.Context, do, node string) (agent.Reply, error) {
	return s.cluster.Ask(ctx, agent.Request{Do: do, ID: s.id, Node: node, Limits: &s.limits})
}

// inject sets the limits. A node that is down just then gets them as soon as
// it runs.
func (s *resources) inject(ctx context.Context) error {
	_, err := eachNode(s.nodes, func(node string) (string, error) {
		r, err := s.ask(ctx, agent.Limit, node)
		if r.Pending {
			return "", nil
		}
		return "", err
	})
	return err
}

// verify waits until every node has felt each limit.
func (s *resources) verify(ctx context.Context) (string, error) {
	return eachNode(s.nodes, func(node string) (string, error) {
		for {
			r, err := s.ask(ctx, agent.Limited, node)
			if err == nil && r.Number > 0 {
				return r.Evidence, nil
			}
			if pauseFor(ctx, probeEvery) {
				continue
			}
			if err == nil {
				err = errors.New("it did not come to its limit: " + r.Evidence)
			}
			return "", fmt.Errorf("see %s run short: %w", node, err)
		}
	})
}

func (s *resources) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

func (s *resources) heal(ctx context.Context) (string, error) {
	return eachNode(s.nodes, func(node string) (string, error) {
		r, err := s.ask(ctx, agent.Unlimit, node)
		if err != nil {
			return "", err
		}
		if err := s.cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s, if it has died of it: %w", node, err)
		}
		return r.Evidence, nil
	})
}
