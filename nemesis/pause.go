package nemesis

import (
	"context"
	"errors"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultPause is the pause's name in scenarios and plans.
const FaultPause = "pause"

func pauseKind() kind {
	return kind{
		name:  FaultPause,
		class: always(ClassProcess),
		make: func(in Injection, x Exec) fault {
			return &pause{id: in.ID, nodes: in.Nodes, cluster: x.Cluster}
		},
		says:      func(Injection, []string) string { return "every process frozen" },
		foretells: func(in Injection, _ []string) string { return whom(in) },
	}
}

// A pause freezes every process of a node through the kernel's freezer, which
// the node cannot notice. Its kernel goes on to accept connections and to
// acknowledge packets: peers see a node that hangs, not one that is cut off.
// That no processor time was used while it was frozen shows that it bites.
type pause struct {
	id      string
	nodes   []string
	cluster Cluster
	seen    string
}

func (p *pause) inject(ctx context.Context) error {
	evidence, err := eachNode(p.nodes, func(node string) (string, error) {
		r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Freeze, ID: p.id, Node: node})
		return r.Evidence, err
	})
	p.seen = evidence
	return err
}

func (p *pause) verify(context.Context) (string, error) {
	if p.seen == "" {
		return "", errors.New("no process was seen to stand still")
	}
	return p.seen, nil
}

func (p *pause) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

func (p *pause) heal(ctx context.Context) (string, error) {
	return eachNode(p.nodes, func(node string) (string, error) {
		r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Thaw, ID: p.id, Node: node})
		return r.Evidence, err
	})
}
