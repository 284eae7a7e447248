package history

import "time"

// A Stage is a step in the life of one injected fault. A fault goes through
// SetUp, Inject, InForce, Heal, Healed and Recovered in this order; Failed
// takes the place of InForce or Healed when the step could not be shown to
// have happened, and of SetUp when there was nobody to hurt. Histories of older
// programs have neither SetUp nor Recovered.
type Stage string

// The stages of a fault.
const (
	StageSetUp   Stage = "set-up"   // it is known whom it will hurt, and nothing is done yet
	StageInject  Stage = "inject"   // the agent has been asked; the fault may bite from here on
	StageInForce Stage = "in-force" // it was seen to bite, with evidence
	StageHeal    Stage = "heal"     // the way back has begun
	StageHealed  Stage = "healed"   // it was seen to be gone
	// StageRecovered is when each node that was hurt had served an operation
	// begun after the heal, or had been found healthy.
	StageRecovered Stage = "recovered"
	StageFailed    Stage = "failed" // the step before could not be done, or not be shown
)

// A FaultEvent is the value of a nemesis event about a fault. What it holds
// was really done, not what was planned.
type FaultEvent struct {
	// ID is the same in all events of one injection and in the plan, for
	// example "storm/partition#2".
	ID    string `json:"id"`
	Stage Stage  `json:"stage"`
	// Nodes are the nodes hurt, in order; for a partition all whose links
	// are cut.
	Nodes []string `json:"nodes,omitempty"`
	// Role is the role by which the nodes were chosen at the moment of
	// injection ("leader"), empty if they were chosen in the plan.
	Role string `json:"role,omitempty"`
	// Cuts are the ordered pairs [from, to] whose packets are dropped.
	Cuts [][2]string `json:"cuts,omitempty"`
	// Says describes the step in a few words for a reader: the shape of a
	// partition, the offset of a clock.
	Says string `json:"says,omitempty"`
	// Evidence is how we know: packet counters, a clock read back, a process
	// that is gone. Empty at StageInject and StageHeal.
	Evidence string `json:"evidence,omitempty"`
	// Error is set at StageFailed.
	Error string `json:"error,omitempty"`
	// Late is, at StageInForce, how long after its planned moment the change
	// was done; at StageHealed, how long healing took; at
	// StageRecovered, how long after that it was. 0 means not measured.
	Late time.Duration `json:"late_ns,omitempty"`
}

// A PhaseEvent is the value of the nemesis event with F "phase", written when
// a phase begins. The phases after the plan's own are called "heal", "settle"
// and "final-reads"; the last event of a complete history is the phase "end".
type PhaseEvent struct {
	Phase string `json:"phase"`
	// Wanted is, in the phase "final-reads", how many different final
	// operations must be ok: those of everything that some client got to,
	// through each node.
	Wanted int `json:"wanted,omitempty"`
}

// An Announcement is the value of the first event of a run, the nemesis event
// with F "plan". It tells a checker what should have happened, so that a run
// in which it did not is not taken for a good one.
type Announcement struct {
	Scenario string   `json:"scenario"`
	Seed     uint64   `json:"seed"`
	Nodes    []string `json:"nodes"`
	Clients  int      `json:"clients"`
	// Faults are the IDs of all planned injections.
	Faults []string `json:"faults"`
	// FinalReads is how much is to be read in the end: keys × nodes. Of it,
	// that must be ok whose key some client got to; [PhaseEvent] says how many
	// operations these are. 0 means that nothing is to be read.
	FinalReads int `json:"final_reads"`
}
