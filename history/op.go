// Package history is what happened: every operation of every client and every
// step of the nemesis, in one order, on one clock.
//
// A history is the only thing that crosses from the half of the program that
// makes trouble (runner, nemesis, docker) to the half that judges it
// (checkers, report). It therefore stands alone: whoever holds a history can
// judge it without the scenario, the plan or the cluster that made it.
//
// Start with [Op], one line of the history, then [History], the indexed whole,
// and [Writer], which puts it on disk so that a crash loses nothing that
// mattered.
package history

import (
	"encoding/json"
	"time"
)

// A Type says what an [Op] reports about the operation it belongs to.
type Type uint8

// The types of an operation's events.
//
// OK means that the operation happened. Fail means that it did not happen and
// never will. Info means that nobody knows: it may take effect at any later
// time, so its interval never closes and the process that invoked it is
// retired. Events of the nemesis are all Info.
const (
	Invoke Type = iota
	OK
	Fail
	Info
)

// Nemesis is the process number of everything that no client did: faults,
// phases, and the announcement of the plan. It is written "nemesis" in JSON.
const Nemesis = -1

// An Op is one event: the invocation of an operation by a client process, its
// completion, or a step of the nemesis.
type Op struct {
	// Index is the event's place in the history, from 0, without gaps.
	Index int
	// Time is measured from the origin of the run by one monotonic clock of
	// the orchestrator; never by a node's clock. An invocation is stamped
	// before it is sent, a completion after it is received.
	Time time.Duration
	// Process is a client process (0 or more), or [Nemesis]. A process has at
	// most one operation open. Process p belongs to client p mod clients: when
	// an operation ends as Info, the client goes on as process p + clients.
	Process int
	Type    Type
	// F names the operation: "read", "write", "cas", or for the nemesis the
	// fault ("partition", "kill", …), "phase" or "plan".
	F string
	// Key is the independent object that the operation is about; empty where
	// there is only one.
	Key string
	// Value is JSON: of a write its value, of an invoked read null, of a
	// completed read what was read, of a cas [old, new], of one that failed, if
	// it says what it found, [old, new, found]. nil means null.
	Value json.RawMessage
	// Node is the node that the client talks to; empty for the nemesis.
	Node string
	// Final marks the reads made after everything healed.
	Final bool
	// Error says why an operation failed or is unknown; empty if it is neither.
	Error string
}
