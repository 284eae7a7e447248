package checkers

import "time"

// A Finding is one thing that must not be, with what proves it, so that it can
// be drawn beside others of its kind.
type Finding struct {
	// Kind names what it is an example of: "lost", "stale", "G2-item".
	Kind string `json:"kind"`
	// Says tells it in full sentences. They are also in the result's.
	Says []string `json:"says,omitempty"`
	// Events are the indexes of the events that prove it, in order.
	Events []int `json:"events,omitempty"`
	// Cycle is set where the finding is a way round in what must be an order.
	// Each edge begins where the one before it ends, and the last leads back
	// to the first.
	Cycle []Edge `json:"cycle,omitempty"`
}

// An Edge says that one transaction precedes another, and why.
type Edge struct {
	// From and To are short names, "T1", that the sentences use too.
	From string `json:"from"`
	To   string `json:"to"`
	// FromEvent and ToEvent are the indexes of their invocations.
	FromEvent int `json:"from_event"`
	ToEvent   int `json:"to_event"`
	// Kind is what the edge is made of: "ww", "wr", "rw", "process" or
	// "realtime".
	Kind string `json:"kind"`
	// Key is the object that it is about; empty for process and realtime.
	Key string `json:"key,omitempty"`
	// Says tells in a sentence why the edge is there.
	Says string `json:"says"`
	// Events are the indexes of the events that prove it, in order: those of
	// both transactions, and of whoever saw their order.
	Events []int `json:"events"`
}

// A Rule is what a user's own check says of itself.
type Rule struct {
	// Says is the rule in its author's words, Origin where it comes from: a
	// postmortem, a ticket. Both may be empty.
	Says   string `json:"says,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Evaluated is how often it was judged; a rule that was not is no proof.
	Evaluated int64 `json:"evaluated"`
	// Broken is how often it was broken. If it was, At is the first moment,
	// and Event the event that broke it; -1 if that was a deadline, or the
	// whole of the history.
	Broken int64         `json:"broken,omitempty"`
	At     time.Duration `json:"at_ns,omitempty"`
	Event  int           `json:"event,omitempty"`
}
