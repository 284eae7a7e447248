package nemesis

import (
	"context"
	"errors"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A fault is one way to hurt a cluster, and the way back. The four steps are
// called in order by one goroutine; heal is called on every path once inject
// was, may find nothing to heal, and may be called twice.
type fault interface {
	// inject asks for the fault. When it returns nil, the agent has done it.
	inject(ctx context.Context) error
	// verify waits until the fault is seen to bite, and says how we know. It
	// gives up when ctx is done.
	verify(ctx context.Context) (evidence string, err error)
	// hold lets the fault last until ctx is done; a fault that changes on the
	// way (a clock that jumps twice) tells note about it.
	hold(ctx context.Context, note func(says, evidence string)) error
	// heal takes the fault back and returns once it is seen to be gone.
	heal(ctx context.Context) (evidence string, err error)
}

// resolved fills in what an injection leaves to the moment: nodes by role or
// as another fault hit them, and the links around them. It returns the role,
// or the words for the other fault.
func (c *campaign) resolved(ctx context.Context, in Injection) (Injection, string, error) {
	line, same := SameAs(in.Target)
	if !IsRole(in.Target) && !same {
		return in, "", nil
	}
	if len(in.Nodes) > 0 {
		return in, in.Target, nil
	}
	var err error
	if same {
		in.Nodes, err = c.sameAs(ctx, in, line)
	} else {
		in.Nodes, err = c.ofRole(ctx, in)
	}
	if k, ok := kindOf(in.Fault); ok && k.aim != nil && err == nil {
		err = k.aim(&in, c.Cluster.Nodes())
	}
	return in, in.Target, err
}

// askLeader asks until somebody leads or ctx is done: a cluster that is just
// electing has a leader in a moment.
func askLeader(ctx context.Context, c Cluster) (string, error) {
	for {
		leader, err := c.Leader(ctx)
		if err == nil || !pauseFor(ctx, probeEvery) {
			return leader, err
		}
	}
}

// hurt lists the nodes that an injection is about: its targets, or, where it is
// about links that are not around a target, everyone who has one.
func hurt(in Injection, all []string) []string {
	if len(in.Cuts) == 0 || len(in.Nodes) > 0 {
		return in.Nodes
	}
	var names []string
	for _, cut := range in.Cuts {
		names = append(names, cut[0], cut[1])
	}
	return inOrder(names, all)
}

// eachNode calls do for all nodes side by side, waits for them, and joins
// evidence and errors in the order of the nodes.
func eachNode(nodes []string, do func(node string) (string, error)) (string, error) {
	evidence := make([]string, len(nodes))
	errs := make([]error, len(nodes))
	done := make(chan int)
	for i, n := range nodes {
		go func() {
			errs[i] = Guarded(func() (err error) {
				evidence[i], err = do(n)
				return err
			})
			done <- i
		}()
	}
	for range nodes {
		<-done
	}
	text := ""
	for i, n := range nodes {
		if evidence[i] == "" {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += n + ": " + evidence[i]
	}
	return text, errors.Join(errs...)
}

// Window is how long the fault is planned to last, as [start, end).
func (in Injection) Window() (start, end time.Duration) { return in.At, in.At + in.For }

// Over is when it is healed at the latest, if it waits for a trigger.
func (in Injection) Over() time.Duration {
	if in.Trigger != nil {
		return in.Trigger.Until + in.For
	}
	return in.At + in.For
}

// Record is how a step of the nemesis gets into the history.
type Record func(history.Op) (history.Op, error)
