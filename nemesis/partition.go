package nemesis

import (
	"context"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultPartition is the partition's name in scenarios and plans.
const FaultPartition = "partition"

func partitionKind() kind {
	return kind{
		name:  FaultPartition,
		class: always(ClassLinks),
		make: func(in Injection, x Exec) fault {
			return &partition{id: in.ID, cuts: in.Cuts, cluster: x.Cluster}
		},
		says: func(in Injection, all []string) string { return in.Shape + ": " + Describe(in.Cuts, all) },
		foretells: func(in Injection, all []string) string {
			if len(in.Cuts) == 0 {
				return in.Shape + " around the " + in.Target
			}
			return in.Shape + ": " + Describe(in.Cuts, all)
		},
		aim: func(in *Injection, all []string) (err error) {
			in.Cuts, err = Cuts(in.Shape, all, in.Nodes, nil)
			return err
		},
		drops: func(in Injection) [][2]string { return in.Cuts },
	}
}

// A partition drops, at the receiver and without a word, what some nodes send
// to others. The agent changes the rules of the whole cluster in one step; the
// kernel's counter of dropped packets shows that it bites. Connections stay
// open and stall. Traffic between clients and nodes is not touched.
type partition struct {
	id      string
	cuts    [][2]string
	cluster Cluster
}

// probeEvery is how often we look again for a fault that does not show yet.
const probeEvery = 50 * time.Millisecond

func (p *partition) inject(ctx context.Context) error {
	_, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Cut, ID: p.id, Pairs: p.cuts})
	return err
}

func (p *partition) verify(ctx context.Context) (string, error) {
	for {
		r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Dropped, ID: p.id})
		switch {
		case err != nil:
			return "", err
		case r.Number > 0:
			return r.Evidence, nil
		}
		if !pauseFor(ctx, probeEvery) {
			return "", fmt.Errorf("no packet met the cut: the nodes that it parts had nothing to say to each other")
		}
	}
}

func (p *partition) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal lifts the rules; the evidence holds the count of all packets dropped.
func (p *partition) heal(ctx context.Context) (string, error) {
	r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Mend, ID: p.id})
	return r.Evidence, err
}

// pauseFor waits for d and tells whether ctx is still alive.
func pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
