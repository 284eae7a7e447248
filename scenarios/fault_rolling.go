package scenarios

import "time"

// defaultTurn is how long a node may take to get healthy after its turn.
const defaultTurn = 30 * time.Second

// A Rolling is a change that goes from node to node, each of which must be
// healthy before the next one's turn.
type Rolling struct {
	// Version is what the nodes run afterwards, or an image for a system
	// without a recipe; empty to restart them only.
	Version string `json:"version,omitempty"`
	// Within is how long a node may take until it is healthy again.
	Within time.Duration `json:"within_ns"`
}

func rollingFault() faultKind {
	return faultKind{
		word: Word{"rolling", "stop and start one node after another, each healthy before the next one's turn; " +
			"with to, from another version, which stays"},
		options: []string{"target", "to", "within"},
		example: `target: all`,
		read:    readRolling,
	}
}

// readRolling reads whose turn it is, everybody's by default, and what changes.
// With fewer nodes than all, versions stay mixed.
func readRolling(s section, f *Fault, sc *Scenario) {
	f.Target = "all"
	readTargetOver(s, f, sc, func(value, string) {})
	r := &Rolling{Within: defaultTurn}
	f.Rolling = r
	s.duration("within", &r.Within, minTime, maxWait)
	read(s, "to", &r.Version, func(v value) (string, bool) { return v.alternative(&sc.System, s.d.recipe) })
}
