package nemesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// FaultRolling is the name of rolling changes in scenarios and plans.
const FaultRolling = "rolling"

// A Rolling is a change that goes from node to node.
type Rolling struct {
	// Version is what each node runs afterwards; empty to only restart it.
	Version string `json:"version,omitempty"`
	// Within is how long a node may take until it is healthy again, before
	// the next one's turn.
	Within time.Duration `json:"within_ns"`
}

// A Renewal says how a node is made anew.
type Renewal struct {
	// Version is what it runs; empty for what it ran.
	Version string
	// Fresh begins with empty data.
	Fresh bool
	// Joins says that it joins a cluster that runs, of Members with itself.
	Joins   bool
	Members []string
}

// A Renewer is a [Cluster] whose nodes can be stopped gently and made anew.
type Renewer interface {
	// Stop asks the node to end, and returns when it has.
	Stop(ctx context.Context, node string) error
	// Renew stops the node, makes it anew and starts it.
	Renew(ctx context.Context, node string, r Renewal) error
	// Healthy waits until the node takes part in a working cluster.
	Healthy(ctx context.Context, node string) error
	// Version is what the node says that it runs or, if it cannot be asked,
	// what the cluster knows of its process.
	Version(ctx context.Context, node string) (string, error)
}

func rollingKind() kind {
	return kind{
		name:  FaultRolling,
		class: always(ClassSystem),
		slow:  true,
		make:  func(in Injection, x Exec) fault { return &rolling{in: in, x: x} },
		says: func(in Injection, _ []string) string {
			if in.Rolling.Version == "" {
				return "stopped and started one after another, each healthy before the next"
			}
			return "one after another to version " + in.Rolling.Version + ", each healthy before the next"
		},
	}
}

// A rolling restart or upgrade takes one node at a time: it is stopped gently,
// started again, maybe from another version's image, and must be healthy
// before the next one's turn. The versions stay: no heal takes them back.
type rolling struct {
	in   Injection
	x    Exec
	last string // what was seen of the last node
}

// inject changes the first node as far as it runs again.
func (r *rolling) inject(ctx context.Context) error {
	if len(r.in.Nodes) == 0 {
		return errors.New("there is no node to begin with")
	}
	_, err := r.change(ctx, r.in.Nodes[0])
	return err
}

// change stops the node and starts it again.
func (r *rolling) change(ctx context.Context, node string) (before string, err error) {
	c, ok := r.x.Cluster.(Renewer)
	if !ok {
		return "", errors.New("nodes of this kind of cluster cannot be made anew")
	}
	before, _ = c.Version(ctx, node) // it may be down
	if v := r.in.Rolling.Version; v != "" {
		return before, c.Renew(ctx, node, Renewal{Version: v})
	}
	if err := c.Stop(ctx, node); err != nil {
		return before, err
	}
	return before, r.x.Cluster.Restart(ctx, node)
}

// settled waits until the node is healthy, and says what it runs, as it is
// read back.
func (r *rolling) settled(ctx context.Context, node string) (string, error) {
	c, ok := r.x.Cluster.(Renewer)
	if !ok {
		return "", errors.New("nodes of this kind of cluster cannot be asked")
	}
	waiting, cancel := context.WithTimeout(ctx, r.in.Rolling.Within)
	defer cancel()
	began := r.x.Since()
	if err := c.Healthy(waiting, node); err != nil {
		return "", fmt.Errorf("%s is not healthy after its turn, so that no other has one: %w", node, err)
	}
	version, err := c.Version(waiting, node)
	if err != nil {
		return "", fmt.Errorf("read back what %s runs: %w", node, err)
	}
	if want := r.in.Rolling.Version; want != "" && !strings.Contains(version, want) {
		return "", fmt.Errorf("%s runs %s, not %s", node, version, want)
	}
	return fmt.Sprintf("%s runs %s, healthy after %s", node, version, (r.x.Since() - began).Round(time.Millisecond)), nil
}

func (r *rolling) verify(ctx context.Context) (string, error) {
	evidence, err := r.settled(ctx, r.in.Nodes[0])
	r.last = evidence
	return evidence, err
}

// hold gives the other nodes their turns.
func (r *rolling) hold(ctx context.Context, note func(says, evidence string)) error {
	for i, node := range r.in.Nodes[1:] {
		if _, err := r.change(ctx, node); err != nil {
			return fmt.Errorf("the turn of %s: %w", node, err)
		}
		evidence, err := r.settled(ctx, node)
		if err != nil {
			return err
		}
		r.last = evidence
		note(fmt.Sprintf("%d of %d nodes have had their turn", i+2, len(r.in.Nodes)), evidence)
	}
	return nil
}

// heal starts what is down, and says what each node runs now.
func (r *rolling) heal(ctx context.Context) (string, error) {
	return eachNode(r.in.Nodes, func(node string) (string, error) {
		if err := r.x.Cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s: %w", node, err)
		}
		c, ok := r.x.Cluster.(Renewer)
		if !ok {
			return "", nil
		}
		if err := c.Healthy(ctx, node); err != nil {
			return "", fmt.Errorf("%s is not healthy: %w", node, err)
		}
		version, err := c.Version(ctx, node)
		if err == nil && r.in.Rolling.Version != "" && !strings.Contains(version, r.in.Rolling.Version) {
			err = fmt.Errorf("its turn had not come within %s", r.in.For)
		}
		return "runs " + version, err
	})
}
