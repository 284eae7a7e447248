// Package agent is what executes faults, next to the nodes and outside them.
//
// [Serve] runs in `shakedown agent`, in a container of its own (docker) or on
// the host of the nodes (ssh). It reads one [Request] a line from its standard
// input and answers each with one [Reply] a line on its standard output;
// requests are worked on concurrently, one at a time for each node and one at
// a time for the network. When its input closes, the orchestrator has died:
// the agent heals everything and exits. [Dial] is the other end.
//
// The agent holds desired state, keyed by the ID of the fault, and reconciles
// it: a process that the node starts or forks later gets the node's clock too,
// and what is in force is read back from the kernel, never from memory.
package agent

import "time"

// Verbs of a [Request].
const (
	// Hello answers with the agent's version and kernel. Once it has had a
	// Lease, the agent takes a silence of that length for the death of the
	// orchestrator, and heals and ends as if its input had closed: over a
	// network, an input that nobody writes to any more may stay open for
	// hours. With Host, the agent's own host is the one node that is hurt
	// here, and all other nodes are elsewhere. With Apart, which comes before
	// any node, nodes are cut off in their own networks, each where it receives:
	// what lies between them is no bridge of this host alone. With both, the
	// node is a container on the host's network.
	Hello = "hello"
	// Register tells the agent about a node, or that it has changed: Node,
	// Pid (0: the node is down) and Addresses.
	Register = "register"
	// Cut drops all packets of the ordered Pairs, for the fault ID, by one
	// atomic change of rules for the whole cluster; with Ports, only those of
	// one of them. [Clients] may stand in a pair. Cuts of several IDs add up.
	Cut = "cut"
	// Mend takes back what Cut did for the fault ID. Mending twice, or what
	// was never cut, is no error.
	Mend = "mend"
	// Dropped answers with the packets dropped since the cut of the fault ID:
	// Evidence and Number.
	Dropped = "dropped"
	// Slow does to the packets of the ordered Pairs what Slowdown says, for the
	// fault ID. Those of several IDs add up.
	Slow = "slow"
	// Hasten takes back what Slow did for the fault ID; twice is no error.
	Hasten = "hasten"
	// Slowed answers with what Slow has done for the fault ID: Evidence, and
	// the packets delayed or lost as Number.
	Slowed = "slowed"
	// RoundTrip measures how long the network takes from the first node of the
	// first of the Pairs to the second and back: Number, in nanoseconds. No
	// process of the nodes is asked, so that a frozen node answers too.
	RoundTrip = "round-trip"
	// Heal takes back everything. Evidence says what there was.
	Heal = "heal"
	// Probe tries each ability for real, on a throw-away network namespace
	// and process, and answers with Abilities.
	Probe = "probe"
)

// A Request asks the agent to do one thing. Which fields matter is said at the
// verbs.
type Request struct {
	// Seq is the number that the reply will bear; set by [Conn.Do].
	Seq uint64 `json:"seq"`
	Do  string `json:"do"`
	// ID is the fault on whose behalf this is done.
	ID        string      `json:"id,omitempty"`
	Node      string      `json:"node,omitempty"`
	Pid       int         `json:"pid,omitempty"`
	Addresses []string    `json:"addresses,omitempty"`
	Pairs     [][2]string `json:"pairs,omitempty"` // names of nodes: [from, to]
	Ports     []uint16    `json:"ports,omitempty"` // of TCP and UDP; none: all
	// Process tells which of a node's processes: by its name, or, if none has
	// that name, by a regular expression that its command line matches.
	Process string `json:"process,omitempty"`
	// How is how Freeze does it: by the "freezer" (also if empty), unseen by
	// the node, or by "sigstop".
	How      string    `json:"how,omitempty"`
	Limits   *Limits   `json:"limits,omitempty"`
	Clock    *Clock    `json:"clock,omitempty"`
	Slowdown *Slowdown `json:"slowdown,omitempty"`
	Names    *Names    `json:"names,omitempty"`
	Disk     *Disk     `json:"disk,omitempty"`
	// Lease, Host, Apart and HostClock belong to a hello.
	Lease time.Duration `json:"lease_ns,omitempty"`
	Host  bool          `json:"host,omitempty"`
	Apart bool          `json:"apart,omitempty"`
	// HostClock allows the host's own clock to be set wrong, which its owner
	// has said in the scenario.
	HostClock bool `json:"host_clock,omitempty"`
}

// A Reply answers the request with the same Seq.
type Reply struct {
	Seq uint64 `json:"seq"`
	// Error is why it could not be done; empty if it was.
	Error string `json:"error,omitempty"`
	// Pending means, with an Error, that no node concerned can be reached, and
	// that the agent will do what lasts as soon as one can: a clock cannot be
	// set while its node is frozen or down, nor a way be cut to one that is.
	Pending bool `json:"pending,omitempty"`
	// Evidence says in a few words how the agent knows that it is done, for
	// example "freezer FROZEN, no cpu time used in 20ms".
	Evidence string `json:"evidence,omitempty"`
	// Number is the verb's figure: packets dropped, nanoseconds of offset,
	// the new pid.
	Number int64  `json:"number,omitempty"`
	Clock  *Clock `json:"clock,omitempty"`
	// Down means that the node's main process has ended by what was asked for,
	// or, with an Error, that it did not run.
	Down bool `json:"down,omitempty"`
	// Took is how long the change itself took, in the agent.
	Took      time.Duration `json:"took_ns,omitempty"`
	Abilities []Ability     `json:"abilities,omitempty"`
}

// An Ability is one thing that faults need, and whether this host has it.
type Ability struct {
	// Fault is the fault that needs it: "partition", "clock", "pause", "kill", ….
	Fault string `json:"fault"`
	// Backend is how it would be done here, for example "nftables, bridge
	// family" or "freezer, cgroup v1".
	Backend string `json:"backend"`
	OK      bool   `json:"ok"`
	// Detail is what was seen when it was tried, or why it can't be used.
	Detail string `json:"detail"`
	// Hint is what to do about it, if anything.
	Hint string `json:"hint,omitempty"`
}
