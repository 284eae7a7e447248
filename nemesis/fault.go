package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// The faults, as scenarios and plans name them.
const (
	FaultPartition = "partition"
	FaultKill      = "kill"
	FaultPause     = "pause"
	FaultClock     = "clock"
	FaultDisk      = "disk"
	FaultLatency   = "latency"
)

// Faults are the names of all faults that [Run] knows.
func Faults() []string {
	return []string{FaultPartition, FaultKill, FaultPause, FaultClock, FaultDisk, FaultLatency}
}

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

// newFault makes the fault that in plans, for the nodes it was resolved to.
func newFault(in Injection, nodes []string, x Exec) (fault, error) {
	c := x.Cluster
	switch in.Fault {
	case FaultPartition:
		return &partition{id: in.ID, cuts: in.Cuts, cluster: c}, nil
	case FaultKill:
		return &kill{id: in.ID, nodes: nodes, cluster: c, since: x.Since}, nil
	case FaultPause:
		return &pause{id: in.ID, nodes: nodes, cluster: c}, nil
	case FaultClock:
		return &clock{id: in.ID, nodes: nodes, steps: in.Clock, cluster: c, since: x.Since}, nil
	case FaultLatency:
		return &latency{id: in.ID, cuts: in.Cuts, slowdown: *in.Slowdown, cluster: c}, nil
	}
	if in.Fault == FaultDisk && in.Disk != nil {
		if in.Disk.Kind == PowerFailure {
			return newPowerFailure(in.ID, nodes, *in.Disk, c, x.Since), nil
		}
		return &disk{id: in.ID, nodes: nodes, does: *in.Disk, cluster: c}, nil
	}
	return nil, fmt.Errorf("there is no fault %q", in.Fault)
}

// describe says what an injection will do, for the history.
func describe(in Injection, nodes, all []string) string {
	switch in.Fault {
	case FaultPartition:
		return in.Shape + ": " + Describe(in.Cuts, all)
	case FaultKill:
		return "SIGKILL, started again after " + in.For.String()
	case FaultPause:
		return "every process frozen"
	case FaultClock:
		return "clock set off by " + signed(in.Clock[0].Offset)
	case FaultDisk:
		return DescribeDisk(*in.Disk)
	case FaultLatency:
		return DescribeSlowdown(*in.Slowdown) + ": " + DescribeWays(in.Cuts, all)
	}
	return ""
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// resolved fills in what an injection leaves to the moment: nodes by role, and
// the cuts of a partition around them.
func resolved(ctx context.Context, in Injection, c Cluster) (Injection, string, error) {
	if !IsRole(in.Target) {
		return in, "", nil
	}
	leader, err := askLeader(ctx, c)
	if err != nil {
		return in, in.Target, fmt.Errorf("ask who leads: %w", err)
	}
	in.Nodes = ByRole(in.Target, leader, c.Nodes())
	if in.Fault == FaultPartition {
		in.Cuts, err = Cuts(in.Shape, c.Nodes(), in.Nodes, nil)
	}
	if in.Fault == FaultLatency {
		in.Cuts = Ways(in.Direction, c.Nodes(), in.Nodes)
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

// dropped are the pairs of nodes between which everything is lost.
func dropped(in Injection) [][2]string {
	if in.Fault != FaultPartition {
		return nil
	}
	return in.Cuts
}

// eachNode calls do for all nodes side by side, waits for them, and joins
// evidence and errors in the order of the nodes.
func eachNode(nodes []string, do func(node string) (string, error)) (string, error) {
	evidence := make([]string, len(nodes))
	errs := make([]error, len(nodes))
	done := make(chan int)
	for i, n := range nodes {
		go func() {
			evidence[i], errs[i] = do(n)
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

// Record is how a step of the nemesis gets into the history.
type Record func(history.Op) (history.Op, error)
