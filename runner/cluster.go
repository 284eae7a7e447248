package runner

import (
	"context"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A Cluster is a set of running nodes with an agent beside them: what docker,
// and later ssh and the simulator, hand to [Run].
type Cluster interface {
	// Nodes are the names of all nodes, in order.
	Nodes() []string
	// Address is the node's IP as the orchestrator reaches it. It does not
	// change when the node restarts.
	Address(node string) string
	// Ask sends one request to the agent. A reply with an Error comes back as
	// an error.
	Ask(ctx context.Context, r agent.Request) (agent.Reply, error)
	// Restart starts a node that is down and returns when its process runs
	// and the agent knows it. Starting a running node is no error.
	Restart(ctx context.Context, node string) error
	// Exited tells of nodes that are not running: how they ended, and the
	// last lines that they logged.
	Exited(ctx context.Context) (map[string]string, error)
	// Collect writes what the nodes logged into dir, a folder for each node.
	Collect(ctx context.Context, dir string) error
	// Down removes everything that belongs to the cluster. Twice is no error.
	Down(ctx context.Context) error
}

// An EnvError is trouble with the environment, not with the system under test:
// no docker, an image that cannot be built, a cluster that never gets healthy.
type EnvError struct {
	// Doing is what we were doing, for example "start the cluster".
	Doing string
	// Hint is what to do about it; empty if we know nothing better.
	Hint string
	Err  error
}

func (e *EnvError) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *EnvError) Unwrap() error { return e.Err }

// address tells clients how to reach a node.
func address(c Cluster, s scenarios.System, node string) client.Node {
	return client.Node{Name: node, IP: c.Address(node), Ports: s.Ports}
}

func addresses(c Cluster, s scenarios.System) []client.Node {
	var nodes []client.Node
	for _, n := range c.Nodes() {
		nodes = append(nodes, address(c, s, n))
	}
	return nodes
}

// A hurtable is a cluster as the nemesis sees it: with a way to ask who leads.
type hurtable struct {
	Cluster
	system client.System
	nodes  []client.Node
	ask    *scenarios.Ask // nil if the scenario does not say how to ask
	// members is how the scenario says that members come and go; nil for not.
	members *scenarios.Membership
}

// hurtable is the cluster of the run as the nemesis sees it.
func (r *run) hurtable() hurtable {
	s := r.plan.Scenario.System
	return hurtable{r.cluster, r.o.System, r.nodes, s.Leader, s.Membership}
}

// Leader asks the nodes as the scenario says, or the system, if it has roles.
func (h hurtable) Leader(ctx context.Context) (string, error) {
	if h.ask != nil {
		return askLeader(ctx, *h.ask, h.nodes)
	}
	teller, ok := h.system.(client.RoleTeller)
	if !ok {
		return "", errNoRoles
	}
	return teller.Leader(ctx, h.nodes)
}
