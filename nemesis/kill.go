package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultKill is the kill's name in scenarios and plans.
const FaultKill = "kill"

func killKind() kind {
	return kind{
		name:  FaultKill,
		class: always(ClassProcess),
		make: func(in Injection, x Exec) fault {
			return &kill{id: in.ID, nodes: in.Nodes, cluster: x.Cluster, since: x.Since}
		},
		says: func(in Injection, _ []string) string {
			return "SIGKILL, started again after " + in.For.String()
		},
		foretells: func(in Injection, _ []string) string { return whom(in) },
	}
}

// A kill is SIGKILL to the node's main process, and a start of the same node
// afterwards, with its address and its files. What the node had written is
// still in the page cache of the host: a kill alone never loses un-fsynced
// data.
type kill struct {
	id      string
	nodes   []string
	cluster Cluster
	since   func() time.Duration
	seen    string
}

func (k *kill) inject(ctx context.Context) error {
	evidence, err := eachNode(k.nodes, func(node string) (string, error) {
		r, err := k.cluster.Ask(ctx, agent.Request{Do: agent.Kill, ID: k.id, Node: node})
		return r.Evidence, err
	})
	k.seen = evidence
	return err
}

func (k *kill) verify(context.Context) (string, error) {
	if k.seen == "" {
		return "", errors.New("no process was seen to end")
	}
	return k.seen, nil
}

func (k *kill) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

func (k *kill) heal(ctx context.Context) (string, error) {
	return eachNode(k.nodes, func(node string) (string, error) {
		start := k.since()
		if err := k.cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s again: %w", node, err)
		}
		return fmt.Sprintf("runs again after %s", (k.since() - start).Round(time.Millisecond)), nil
	})
}
