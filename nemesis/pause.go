package nemesis

import (
	"context"
	"fmt"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultPause is the pause's name in scenarios and plans.
const FaultPause = "pause"

// A Pause is how nodes are paused.
type Pause struct {
	// How is [agent.ByFreezer] or [agent.BySigstop].
	How string `json:"how"`
	// Process names one process of many, as in [agent.Request]; empty: all.
	Process string `json:"process,omitempty"`
}

func pauseKind() kind {
	return kind{
		name:  FaultPause,
		class: always(ClassProcess),
		make: func(in Injection, x Exec) fault {
			return &pause{id: in.ID, nodes: in.Nodes, how: howPaused(in), cluster: x.Cluster}
		},
		says: func(in Injection, _ []string) string { return howPaused(in).says() },
		foretells: func(in Injection, _ []string) string {
			if in.Pause == nil {
				return whom(in)
			}
			return whom(in) + " " + in.Pause.says()
		},
	}
}

func howPaused(in Injection) Pause {
	if in.Pause == nil {
		return Pause{How: agent.ByFreezer}
	}
	return *in.Pause
}

func (p Pause) says() string {
	switch {
	case p.How == agent.ByFreezer:
		return "every process frozen"
	case p.Process != "":
		return "SIGSTOP of its process " + p.Process
	}
	return "SIGSTOP of every process"
}

// A pause keeps processes of a node from running: all of them through the
// kernel's freezer, which the node cannot notice, or those that are named by
// SIGSTOP. The node's kernel goes on to accept connections and to acknowledge
// packets: peers see a node that hangs, not one that is cut off. That no
// processor time was used while it was frozen shows that it bites.
type pause struct {
	id      string
	nodes   []string
	how     Pause
	cluster Cluster
}

func (p *pause) ask(ctx context.Context, do, node string) (agent.Reply, error) {
	return p.cluster.Ask(ctx, agent.Request{Do: do, ID: p.id, Node: node, How: p.how.How, Process: p.how.Process})
}

// inject asks for the pause. A node that is down just then is paused as soon
// as it runs; that it is, is for verify to see.
func (p *pause) inject(ctx context.Context) error {
	_, err := eachNode(p.nodes, func(node string) (string, error) {
		r, err := p.ask(ctx, agent.Freeze, node)
		if r.Pending {
			return "", nil
		}
		return "", err
	})
	return err
}

// verify waits until every node stands still.
func (p *pause) verify(ctx context.Context) (string, error) {
	return eachNode(p.nodes, func(node string) (string, error) {
		for {
			r, err := p.ask(ctx, agent.Frozen, node)
			if err == nil {
				return r.Evidence, nil
			}
			if !pauseFor(ctx, probeEvery) {
				return "", fmt.Errorf("see %s stand still: %w", node, err)
			}
		}
	})
}

func (p *pause) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

func (p *pause) heal(ctx context.Context) (string, error) {
	return eachNode(p.nodes, func(node string) (string, error) {
		r, err := p.ask(ctx, agent.Thaw, node)
		return r.Evidence, err
	})
}
