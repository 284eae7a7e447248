// Package runner makes a plan out of a scenario and carries it out.
//
// [Compile] is pure: the same scenario and seed give the same [Plan], byte for
// byte. [Run] takes the plan, a cluster and a place for the history, and does
// what the plan says; everything that it learns goes into the history.
package runner

import (
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/workload"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// format is the version of the structure of a [Plan].
const format = 2

// A Plan is everything that will be tried, before anything is done: every
// fault with its time and target, every client with its operations.
type Plan struct {
	// Format is the version of this structure: 2.
	Format   int                 `json:"format"`
	Scenario *scenarios.Scenario `json:"scenario"`
	Seed     uint64              `json:"seed"`
	Nodes    []string            `json:"nodes"`
	Phases   []PlannedPhase      `json:"phases"`
	Faults   []nemesis.Injection `json:"faults"`
	Clients  []PlannedClient     `json:"clients"`
	// FinalReads are the keys that are read from every node in the end, or
	// drained, or whatever else the workload does to see what is there.
	FinalReads []string `json:"final_reads"`
}

// Forget drops the operations of all clients, which take up most of the memory,
// once they were carried out: what is left is enough to judge by.
func (p *Plan) Forget() {
	for i := range p.Clients {
		p.Clients[i].Operations = nil
	}
}

// A PlannedPhase is a phase with its place on the run's time axis, which
// begins with the first phase.
type PlannedPhase struct {
	Name string        `json:"name"`
	At   time.Duration `json:"at_ns"`
	For  time.Duration `json:"for_ns"`
}

// A PlannedClient is one client, bound to a node, with its operations in order.
type PlannedClient struct {
	Client int    `json:"client"`
	Node   string `json:"node"`
	// Operations are sent at their time (open load), or one after another
	// until the phases end (closed loop, when all times are zero).
	Operations []PlannedOperation `json:"operations"`
}

// A PlannedOperation is one operation to be invoked. The value that a cas
// expects is the one that was seen last in its key, and what is written under
// a lock is the token that its holder was given.
type PlannedOperation = workload.Operation
