package agent

import "time"

// Verbs of a [Request] about connections and about names of hosts; those about
// packets are with the others.
const (
	// ResetConnections aborts the established connections of TCP between the
	// two of each of the Pairs; with Ports, only those that have one at either
	// end. Number is how many. There is nothing to take back.
	ResetConnections = "reset-connections"
	// RefuseConnections answers the first packet of each connection that the
	// first of each of the Pairs opens to the second as if nobody listened,
	// for the fault ID; with Ports, only on those.
	RefuseConnections = "refuse-connections"
	// AllowConnections takes back what RefuseConnections did for the fault ID;
	// twice is no error.
	AllowConnections = "allow-connections"
	// RefusedConnections answers with the connections refused for the fault
	// ID: Evidence and Number.
	RefusedConnections = "refused-connections"
	// MissayNames answers the questions of Names.Nodes about names of hosts as
	// Names says, for the fault ID.
	MissayNames = "missay-names"
	// MendNames takes back what MissayNames did for the fault ID; twice is no error.
	MendNames = "mend-names"
	// MissaidNames answers with what became of questions for the fault ID:
	// Evidence and Number.
	MissaidNames = "missaid-names"
)

// Clients stands in Pairs for everybody who is no node. The orchestrator's own
// conversations with the agent and the engine are never concerned.
const Clients = "clients"

// Names is what becomes of questions about the names of hosts, to any server
// of DNS.
type Names struct {
	// Nodes are those that ask.
	Nodes []string `json:"nodes"`
	// Answer is "none", "servfail", "nxdomain" or "wrong".
	Answer string `json:"answer"`
	// Names are patterns of the names that are concerned, such as "*.internal";
	// none: all.
	Names []string `json:"names,omitempty"`
	// Addresses are the wrong answers: IP addresses, or nodes, which stand for
	// theirs; none: addresses that nobody has.
	Addresses []string `json:"addresses,omitempty"`
}

// A Slowdown is what happens to packets on their way from one node to another.
type Slowdown struct {
	// Delay is added to each packet, give or take Jitter, drawn as
	// Distribution says: "uniform" (at most Jitter; also when empty),
	// "normal" or "pareto" (Jitter is the standard deviation). Jitter lets no
	// packet overtake another.
	Delay        time.Duration `json:"delay_ns,omitempty"`
	Jitter       time.Duration `json:"jitter_ns,omitempty"`
	Distribution string        `json:"distribution,omitempty"`
	// Loss is the share of packets, from 0 to 1, that never arrive, LossBurst
	// how many are lost in a row on average; 0: each is drawn by itself.
	Loss      float64 `json:"loss,omitempty"`
	LossBurst float64 `json:"loss_burst,omitempty"`
	// Reorder is the share that is not delayed and so overtakes others,
	// Duplicate the share that arrives twice, Corrupt the share with a wrong
	// bit, which the receiver's kernel finds and drops, and Tamper the share
	// with a wrong bit that the receiver's application is given.
	Reorder   float64 `json:"reorder,omitempty"`
	Duplicate float64 `json:"duplicate,omitempty"`
	Corrupt   float64 `json:"corrupt,omitempty"`
	Tamper    float64 `json:"tamper,omitempty"`
	// Rate is how many bytes a second get through; 0: all. What would have to
	// wait for more than half a second is lost.
	Rate int64 `json:"rate,omitempty"`
	// Seed makes the draws repeatable.
	Seed uint64 `json:"seed,omitempty"`
}
