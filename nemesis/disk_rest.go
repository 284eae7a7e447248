package nemesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Kinds of disk faults that harm files while the node is down.
const (
	BitFlip  = "bit-flip"
	Truncate = "truncate"
	OldCopy  = "old-copy"
)

func harmsAtRest(kind string) bool { return kind == BitFlip || kind == Truncate || kind == OldCopy }

// keepOldCopy copies the files, on every node since a role is not known yet, as
// long before the injection as the copy is to be old.
func keepOldCopy(in Injection) (time.Duration, func(context.Context, Exec) error) {
	if in.Disk.Kind != OldCopy {
		return 0, nil
	}
	return in.Disk.Age, func(ctx context.Context, x Exec) error {
		nodes := in.Nodes
		if len(nodes) == 0 {
			nodes = x.Cluster.Nodes()
		}
		_, err := eachNode(nodes, func(node string) (string, error) {
			r, err := x.Cluster.Ask(ctx, agent.Request{Do: agent.KeepDisk, ID: in.ID, Node: node, Disk: in.Disk})
			if err == nil && r.Number == 0 {
				err = fmt.Errorf("%s has no file that matches %q", node, in.Disk.Path)
			}
			return r.Evidence, err
		})
		return err
	}
}

// An atRest harms files of nodes that are down, and starts the nodes on them
// again. Whether a node starts is its own affair, and told. Data does not heal:
// what the heal does is to start the nodes, after it has put back what there
// was before if the scenario asks for it.
type atRest struct {
	kill
	does agent.Disk
}

func newAtRest(in Injection, x Exec) *atRest {
	return &atRest{kill: kill{id: in.ID, nodes: in.Nodes, cluster: x.Cluster, since: x.Since}, does: *in.Disk}
}

// inject kills all nodes before the first file is harmed, and harms all before
// the first node starts: none may mend another on the way.
func (a *atRest) inject(ctx context.Context) error {
	if err := a.kill.inject(ctx); err != nil {
		return err
	}
	a.seen = ""
	harmed, err := eachNode(a.nodes, func(node string) (string, error) {
		does := seededFor(node, a.does)
		r, err := a.cluster.Ask(ctx, agent.Request{Do: agent.HarmDisk, ID: a.id, Node: node, Disk: &does})
		if err == nil && r.Number == 0 {
			err = errors.New("the files of " + node + " are what they were: " + r.Evidence)
		}
		return r.Evidence, err
	})
	if err != nil {
		return err
	}
	started, _ := eachNode(a.nodes, func(node string) (string, error) {
		if err := a.cluster.Restart(ctx, node); err != nil {
			return "does not start on it (" + firstLine(err.Error()) + ")", nil
		}
		return "starts on it", nil
	})
	a.seen = harmed + "; " + started
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (a *atRest) heal(ctx context.Context) (string, error) {
	if !a.does.Restore {
		evidence, err := a.kill.heal(ctx)
		if err != nil {
			err = fmt.Errorf("%w (what was done to its files stays done; with restore: true they are put back before it starts)", err)
		}
		return evidence, err
	}
	return eachNode(a.nodes, func(node string) (string, error) {
		// It may run, or have died of what it found.
		_, killed := a.cluster.Ask(ctx, agent.Request{Do: agent.Kill, ID: a.id, Node: node})
		r, err := a.cluster.Ask(ctx, agent.Request{Do: agent.UnharmDisk, ID: a.id, Node: node})
		if err != nil {
			// Nothing was harmed, perhaps: then it need not be put back.
			return "", errors.Join(fmt.Errorf("put back the files of %s: %w", node, errors.Join(err, killed)), a.cluster.Restart(ctx, node))
		}
		if err := a.cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s again: %w", node, err)
		}
		return "put back: " + r.Evidence, nil
	})
}

func describeHarm(d agent.Disk) string {
	at := "any file"
	if d.Path != "" {
		at = d.Path
	}
	files := fmt.Sprintf("%d file", max(1, d.Files))
	if d.Files > 1 {
		files += "s"
	}
	what := ""
	switch d.Kind {
	case BitFlip:
		what = fmt.Sprintf("%d bits flipped in %s of %s", max(1, d.Bits), files, at)
	case Truncate:
		what = fmt.Sprintf("%s of %s cut short", files, at)
		if d.Cut > 0 {
			what += fmt.Sprintf(" by %d bytes", d.Cut)
		}
	case OldCopy:
		what = fmt.Sprintf("%s as it was %s before", at, d.Age)
	}
	if d.Restore {
		return what + " while the node is down, put back by the heal"
	}
	return what + " while the node is down, for good"
}
