package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultDisk is the name of disk faults in scenarios and plans.
const FaultDisk = "disk"

func diskKind() kind {
	return kind{
		name: FaultDisk,
		class: func(in Injection) Class {
			if in.Disk.Kind == PowerFailure || harmsAtRest(in.Disk.Kind) {
				return ClassProcess // the node must be down for it
			}
			return ClassDisk
		},
		ahead: keepOldCopy,
		needs: []Need{NeedsDisks},
		make:  newDisk,
		says:  func(in Injection, _ []string) string { return DescribeDisk(*in.Disk) },
	}
}

func newDisk(in Injection, x Exec) fault {
	if in.Disk.Kind == PowerFailure {
		return newPowerFailure(in.ID, in.Nodes, *in.Disk, x.Cluster, x.Since)
	}
	if harmsAtRest(in.Disk.Kind) {
		return newAtRest(in, x)
	}
	return &disk{id: in.ID, nodes: in.Nodes, does: *in.Disk, cluster: x.Cluster}
}

// PowerFailure is the kind of a disk fault that kills the node and loses what
// it had not synced. All others make calls fail or wait.
const PowerFailure = "power-failure"

// A disk makes calls of a node's processes on its data fail or wait. A node
// that dies of it is started again at the heal.
type disk struct {
	id      string
	nodes   []string
	does    agent.Disk
	cluster Cluster
}

func (d *disk) inject(ctx context.Context) error {
	_, err := eachNode(d.nodes, func(node string) (string, error) {
		_, err := d.cluster.Ask(ctx, agent.Request{Do: agent.HurtDisk, ID: d.id, Node: node, Disk: &d.does})
		return "", err
	})
	return err
}

// verify waits until a call of every node has been hit.
func (d *disk) verify(ctx context.Context) (string, error) {
	return eachNode(d.nodes, func(node string) (string, error) {
		for {
			r, err := d.cluster.Ask(ctx, agent.Request{Do: agent.DiskHits, ID: d.id, Node: node})
			if err == nil && r.Number > 0 {
				return r.Evidence, nil
			}
			if pauseFor(ctx, probeEvery) {
				continue
			}
			if err == nil {
				err = errors.New("the node made no call that it is about")
			}
			return "", fmt.Errorf("see the disk of %s fail: %w", node, err)
		}
	})
}

func (d *disk) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

func (d *disk) heal(ctx context.Context) (string, error) {
	return eachNode(d.nodes, func(node string) (string, error) {
		r, err := d.cluster.Ask(ctx, agent.Request{Do: agent.MendDisk, ID: d.id, Node: node})
		if err != nil {
			return "", err
		}
		if err := d.cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s, if it has died of it: %w", node, err)
		}
		return r.Evidence, nil
	})
}

// A powerFailure is a kill after which the disk is taken back to what was
// synced; the start of the node is the heal.
type powerFailure struct {
	kill
	does agent.Disk
}

func newPowerFailure(id string, nodes []string, does agent.Disk, c Cluster, since func() time.Duration) *powerFailure {
	return &powerFailure{kill: kill{id: id, nodes: nodes, cluster: c, since: since}, does: does}
}

// inject kills all nodes before the first disk is taken back, since the power
// of all fails at one moment.
func (p *powerFailure) inject(ctx context.Context) error {
	if err := p.kill.inject(ctx); err != nil {
		return err
	}
	lost, err := eachNode(p.nodes, func(node string) (string, error) {
		does := seededFor(node, p.does)
		r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.PowerFail, ID: p.id, Node: node, Disk: &does})
		return r.Evidence, err
	})
	p.seen = lost
	return err
}

// seededFor gives each node draws of its own, and the same ones again.
func seededFor(node string, d agent.Disk) agent.Disk {
	for _, c := range node {
		d.Seed = d.Seed*31 + uint64(c)
	}
	return d
}

// DescribeDisk says what is done to a disk.
func DescribeDisk(d agent.Disk) string {
	if harmsAtRest(d.Kind) {
		return describeHarm(d)
	}
	at := ""
	if d.Path != "" {
		at = " at " + d.Path
	}
	if d.Probability > 0 {
		at += fmt.Sprintf(", %g%% of the time", 100*d.Probability)
	}
	switch d.Kind {
	case PowerFailure:
		return "power failure that loses " + map[string]string{
			"all": "all that was not synced", "torn": "what came after a moment, and part of the last write",
			"reordered": "some of what was not synced",
		}[d.Lose]
	case "slow":
		return "each call on the disk takes " + d.Delay.String() + " longer" + at
	case "full":
		return fmt.Sprintf("disk full but for %d bytes", d.Room)
	}
	return d.Kind + " from the disk" + at
}
