// Package nemesis hurts a cluster, on a plan, and always heals it.
//
// An [Injection] is one planned fault: what, whom, when, for how long. [Run]
// carries out a list of them, each fault on its own, and writes every step
// into the history: injected, seen in force, healed, seen healed. How a fault
// is executed is the business of package agent; what it means (targets,
// shapes, evidence) is here.
package nemesis

import (
	"context"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// An Injection is one planned fault, complete: [Run] needs nothing else, and
// deleting one from a plan leaves the others as they are.
type Injection struct {
	// ID is unique in a plan: phase, name of the fault, and its number, for
	// example "storm/partition#2".
	ID    string `json:"id"`
	Fault string `json:"fault"` // partition, latency, kill, pause, clock, …
	Phase string `json:"phase"`
	// At is when to inject, from the beginning of the first phase.
	At time.Duration `json:"at_ns"`
	// Trigger, if not nil, is what to wait for from then on.
	Trigger *Trigger `json:"trigger,omitempty"`
	// For is how long until the heal.
	For time.Duration `json:"for_ns"`
	// Target is what the scenario says: "one", "minority", "leader", "n1", ….
	Target string `json:"target,omitempty"`
	// Nodes are the targets, where the plan can know them. A role (leader,
	// followers) is asked at the moment of injection, as is what another
	// fault with a role hit ("same as storm/pause"); Nodes is then empty.
	Nodes []string `json:"nodes,omitempty"`
	// Shape and Cuts belong to partitions: Cuts are the ordered pairs whose
	// packets are dropped. With a role for a Target, Cuts are made from Shape
	// at the moment of injection.
	Shape string      `json:"shape,omitempty"`
	Cuts  [][2]string `json:"cuts,omitempty"`
	// Clients is set where the links are those between nodes and clients; with
	// a role for a Target, Cuts are made from Direction then.
	Clients bool `json:"clients,omitempty"`
	// Ports are the only ones of TCP and UDP that a partition, or a fault of
	// connections, is about; none: all.
	Ports []uint16 `json:"ports,omitempty"`
	// Connections is what happens to connections between the nodes of Cuts.
	Connections *Connections `json:"connections,omitempty"`
	// Names is what becomes of questions about names; its nodes are Nodes.
	Names *agent.Names `json:"names,omitempty"`
	// Kill is how the nodes are killed; nil: SIGKILL.
	Kill *Kill `json:"kill,omitempty"`
	// Pause is how the nodes are paused; nil: by the freezer.
	Pause *Pause `json:"pause,omitempty"`
	// Clock is what the nodes' clocks do, step by step.
	Clock []ClockStep `json:"clock,omitempty"`
	// Limits are of what the nodes get too little.
	Limits *agent.Limits `json:"limits,omitempty"`
	// Disk is what is done to the nodes' disks.
	Disk *agent.Disk `json:"disk,omitempty"`
	// Rolling is a change that goes from node to node.
	Rolling *Rolling `json:"rolling,omitempty"`
	// Custom is what a custom fault does.
	Custom *Custom `json:"custom,omitempty"`
	// Slowdown and Direction belong to latencies: what happens to the packets
	// of Cuts, which are made from Direction at the moment of injection if
	// the Target is a role.
	Slowdown  *agent.Slowdown `json:"slowdown,omitempty"`
	Direction string          `json:"direction,omitempty"`
}

// A Cluster is what the nemesis needs of the thing that it hurts.
type Cluster interface {
	// Nodes are the names of all nodes, in order.
	Nodes() []string
	// Ask sends one request to the agent beside the nodes and waits for the
	// answer. A reply with an Error comes back as an error.
	Ask(ctx context.Context, r agent.Request) (agent.Reply, error)
	// Restart starts a node that is down, waits until its process runs and
	// has told the agent its pid. Starting a running node is no error.
	Restart(ctx context.Context, node string) error
	// Leader asks the system which node leads now.
	Leader(ctx context.Context) (string, error)
}
