// Package client is how operations reach a system under test. A [Client] talks
// to one node for its whole life and never fails over: a client that moved to
// a healthy node would hide what an isolated node answers.
package client

import (
	"context"

	"github.com/shakedown-dev/shakedown/history"
)

// A Node is where a client connects.
type Node struct {
	Name string
	// IP is the node's address as the orchestrator reaches it.
	IP string
	// Ports are the system's named ports, for example "client": 2379.
	Ports map[string]int
}

// A Client carries out operations against one node.
type Client interface {
	// Invoke carries out op, whose Type is Invoke, and returns how it ended:
	// Type OK, Fail or Info, with Value and Error set as history.Op describes.
	// All other fields are left as they are. It returns soon after ctx is
	// done; an operation that was sent and not answered is Info, except that
	// a read, which changes nothing, is Fail. Errors it does not know are
	// Info. A cas that was refused because the value differed is Fail.
	Invoke(ctx context.Context, op history.Op) history.Op
	// Close releases the connection. It does not change the system's state.
	Close() error
}

// A System is what a driver knows about a kind of system: how to open a client
// to a node, and how to ask a node about itself.
type System interface {
	// Open connects a client to n. It may return before the connection is
	// up. Open does not change the system's state.
	Open(ctx context.Context, n Node) (Client, error)
	// Ready returns nil once n takes part in a working cluster: it has
	// carried out a linearizable write (or what the system has instead) that
	// came in through n. The error says what n answered.
	Ready(ctx context.Context, n Node) error
}

// A VersionTeller is a System whose nodes say which version they run.
type VersionTeller interface {
	// Version is what n says of itself, for example "3.5.21".
	Version(ctx context.Context, n Node) (string, error)
}

// A Membership is a System whose members can leave and join while it runs.
type Membership interface {
	// Members are the names of those of all that are members, as one of via
	// says with the consent of a majority.
	Members(ctx context.Context, via, all []Node) ([]string, error)
	// Remove and Add ask one of via to.
	Remove(ctx context.Context, n Node, via []Node) error
	Add(ctx context.Context, n Node, via []Node) error
}

// A RoleTeller is a System whose nodes have roles.
type RoleTeller interface {
	// Leader returns the name of the node that most nodes, or failing that
	// any node, takes for the leader. It asks only the nodes given. An error
	// means that none could be found.
	Leader(ctx context.Context, nodes []Node) (string, error)
}

// A Preparer is a System that something has to be made in before clients can
// work: tables, accounts with money in them.
type Preparer interface {
	// Prepare makes what the workload needs, once, when all nodes are ready.
	// What is there already is no error.
	Prepare(ctx context.Context, nodes []Node) error
}
