package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Running is what the node runs.
	Running(ctx context.Context, node string) (Running, error)
}

// Running is what a node runs, as it is read back.
type Running struct {
	// Version is what the node says of itself; empty if it cannot be asked.
	Version string
	// Process is what the cluster knows: its number, its image, since when.
	Process string
}

func (r Running) String() string {
	if r.Version == "" {
		return r.Process
	}
	return r.Version + " (" + r.Process + ")"
}

// is says whether it is of the version; of none, any is.
func (r Running) is(version string) bool {
	if r.Version == "" {
		return strings.Contains(r.Process, version)
	}
	return version == "" || r.Version == version
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
	in     Injection
	x      Exec
	turns  []string           // who has had one
	before map[string]Running // what they ran
	begun  bool               // the first one has settled
}

// inject changes the first node as far as it runs again.
func (r *rolling) inject(ctx context.Context) error {
	if len(r.in.Nodes) == 0 {
		return errors.New("there is no node to begin with")
	}
	r.before = map[string]Running{}
	return r.change(ctx, r.in.Nodes[0])
}

// change stops the node and starts it again.
func (r *rolling) change(ctx context.Context, node string) error {
	c, err := r.cluster()
	if err != nil {
		return err
	}
	r.turns = append(r.turns, node)
	if was, err := c.Running(ctx, node); err == nil { // or it is down
		r.before[node] = was
	}
	if v := r.in.Rolling.Version; v != "" {
		return c.Renew(ctx, node, Renewal{Version: v})
	}
	if err := c.Stop(ctx, node); err != nil {
		return err
	}
	return r.x.Cluster.Restart(ctx, node)
}

func (r *rolling) cluster() (Renewer, error) {
	c, ok := r.x.Cluster.(Renewer)
	if !ok {
		return nil, errors.New("nodes of this kind of cluster cannot be stopped and made anew")
	}
	return c, nil
}

// settled waits until the node is healthy, and says what it runs, as it is
// read back.
func (r *rolling) settled(ctx context.Context, node string) (string, error) {
	c, err := r.cluster()
	if err != nil {
		return "", err
	}
	waiting, cancel := context.WithTimeout(ctx, r.in.Rolling.Within)
	defer cancel()
	began := r.x.Since()
	if err := c.Healthy(waiting, node); err != nil {
		return "", fmt.Errorf("%s is not healthy after its turn, so that no other has one: %w", node, err)
	}
	now, err := c.Running(waiting, node)
	switch {
	case err != nil:
		return "", fmt.Errorf("read back what %s runs: %w", node, err)
	case !now.is(r.in.Rolling.Version):
		return "", fmt.Errorf("%s runs %s, not %s", node, now, r.in.Rolling.Version)
	case now.Process == r.before[node].Process:
		return "", fmt.Errorf("%s was not started again: it runs %s as before", node, now)
	}
	return fmt.Sprintf("%s runs %s, healthy after %s", node, now, (r.x.Since() - began).Round(time.Millisecond)), nil
}

func (r *rolling) verify(ctx context.Context) (string, error) {
	evidence, err := r.settled(ctx, r.in.Nodes[0])
	r.begun = err == nil
	return evidence, err
}

// hold gives the other nodes their turns, if the first one has settled.
func (r *rolling) hold(ctx context.Context, note func(says, evidence string)) error {
	if !r.begun {
		return nil
	}
	for i, node := range r.in.Nodes[1:] {
		if err := r.change(ctx, node); err != nil {
			return fmt.Errorf("the turn of %s: %w", node, err)
		}
		evidence, err := r.settled(ctx, node)
		if err != nil {
			return err
		}
		note(fmt.Sprintf("%d of %d nodes have had their turn", i+2, len(r.in.Nodes)), evidence)
	}
	return nil
}

// heal starts what is down, and sees that everybody had a turn.
func (r *rolling) heal(ctx context.Context) (string, error) {
	return eachNode(r.in.Nodes, func(node string) (string, error) {
		c, err := r.cluster()
		if err != nil {
			return "", err
		}
		if err := r.x.Cluster.Restart(ctx, node); err != nil {
			return "", fmt.Errorf("start %s: %w", node, err)
		}
		if err := c.Healthy(ctx, node); err != nil {
			return "", fmt.Errorf("%s is not healthy: %w", node, err)
		}
		now, err := c.Running(ctx, node)
		if err == nil && (!slices.Contains(r.turns, node) || !now.is(r.in.Rolling.Version)) {
			err = fmt.Errorf("%s still runs %s: its turn had not come within %s", node, now, r.in.For)
		}
		return "runs " + now.String(), err
	})
}
