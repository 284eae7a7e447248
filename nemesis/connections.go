package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultConnections is the name of the faults of connections in scenarios and
// plans.
const FaultConnections = "connections"

// The kinds of faults of connections, as a scenario names them.
const (
	ConnectionsReset  = "reset"            // established ones are reset
	ConnectionsRefuse = "refuse"           // new ones are refused
	ConnectionsBoth   = "reset-and-refuse" // both, as if nobody listened any more
)

// Connections says what happens to connections of TCP.
type Connections struct {
	// Kind is ConnectionsReset, ConnectionsRefuse or ConnectionsBoth.
	Kind string `json:"kind"`
	// Again is how often established ones are reset while the fault lasts; 0:
	// once.
	Again time.Duration `json:"again_ns,omitempty"`
}

func connectionsKind() kind {
	return kind{
		name:  FaultConnections,
		class: always(ClassLinks),
		make: func(in Injection, x Exec) fault {
			return &connections{id: in.ID, cuts: in.Cuts, ports: in.Ports, does: *in.Connections, cluster: x.Cluster}
		},
		says: func(in Injection, all []string) string {
			return DescribeConnections(*in.Connections) + ": " + DescribeWays(in.Cuts, all) + OfPorts(in.Ports)
		},
		foretells: func(in Injection, all []string) string {
			if len(in.Cuts) > 0 {
				return DescribeConnections(*in.Connections) + ": " + DescribeWays(in.Cuts, all) + OfPorts(in.Ports)
			}
			whose := " of the " + in.Target + ", " + in.Direction
			if in.Clients {
				whose = " of clients with the " + in.Target
			}
			return DescribeConnections(*in.Connections) + whose + OfPorts(in.Ports)
		},
		aim: func(in *Injection, all []string) error {
			in.Cuts = ConnectionWays(*in, all)
			return nil
		},
	}
}

// ConnectionWays are the ordered pairs between which connections are opened
// that the fault is about.
func ConnectionWays(in Injection, all []string) [][2]string {
	if in.Clients {
		return WithClients(DirectionIn, in.Nodes)
	}
	return Ways(in.Direction, all, in.Nodes)
}

// DescribeConnections says in a few words what happens to connections.
func DescribeConnections(c Connections) string {
	text := map[string]string{
		ConnectionsReset:  "established connections reset",
		ConnectionsRefuse: "new connections refused",
		ConnectionsBoth:   "connections reset, and new ones refused",
	}[c.Kind]
	if c.Again > 0 {
		text += ", again every " + c.Again.String()
	}
	return text
}

// A connections resets the established connections of TCP between nodes, or
// between clients and nodes, or refuses new ones. Both ends are told, unlike in
// a partition. How many were reset, and how many attempts to connect the kernel
// has refused, shows that it bites.
type connections struct {
	id      string
	cuts    [][2]string
	ports   []uint16
	does    Connections
	cluster Cluster
	reset   int64 // so far
}

func (c *connections) resets() bool  { return c.does.Kind != ConnectionsRefuse }
func (c *connections) refuses() bool { return c.does.Kind != ConnectionsReset }

// inject refuses before it resets, so that nobody is back in between.
func (c *connections) inject(ctx context.Context) error {
	if c.refuses() {
		_, err := c.cluster.Ask(ctx, agent.Request{Do: agent.RefuseConnections, ID: c.id, Pairs: c.cuts, Ports: c.ports})
		if err != nil {
			return err
		}
	}
	if c.resets() {
		return c.resetNow(ctx)
	}
	return nil
}

func (c *connections) resetNow(ctx context.Context) error {
	r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.ResetConnections, ID: c.id, Pairs: c.cuts, Ports: c.ports})
	c.reset += r.Number
	return err
}

func (c *connections) verify(ctx context.Context) (string, error) {
	for {
		evidence, err := c.bites(ctx)
		if err != nil || evidence != "" {
			return evidence, err
		}
		if !pauseFor(ctx, probeEvery) {
			return "", c.unseen()
		}
		if c.resets() && c.reset == 0 {
			if err := c.resetNow(ctx); err != nil {
				return "", err
			}
		}
	}
}

// bites says how we know that all of it is in force; empty if we don't.
func (c *connections) bites(ctx context.Context) (string, error) {
	if c.resets() && c.reset == 0 {
		return "", nil
	}
	if !c.refuses() {
		return c.sayReset(), nil
	}
	r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.RefusedConnections, ID: c.id})
	if err != nil || r.Number == 0 {
		return "", err
	}
	return join(c.sayReset(), r.Evidence), nil
}

func (c *connections) sayReset() string {
	switch {
	case !c.resets():
		return ""
	case c.reset == 1:
		return "1 established connection reset"
	}
	return fmt.Sprintf("%d established connections reset", c.reset)
}

func (c *connections) unseen() error {
	if c.resets() && c.reset == 0 {
		return errors.New("no connection was reset: those concerned had none with each other")
	}
	return errors.New("no connection was refused: those concerned opened none to each other")
}

func (c *connections) hold(ctx context.Context, _ func(says, evidence string)) error {
	if c.does.Again == 0 || !c.resets() {
		<-ctx.Done()
		return nil
	}
	for pauseFor(ctx, c.does.Again) {
		if err := c.resetNow(ctx); err != nil {
			return err
		}
	}
	return nil
}

// heal allows connections again; the evidence holds the counts.
func (c *connections) heal(ctx context.Context) (string, error) {
	if !c.refuses() {
		return c.sayReset(), nil
	}
	r, err := c.cluster.Ask(ctx, agent.Request{Do: agent.AllowConnections, ID: c.id})
	return join(c.sayReset(), r.Evidence), err
}
