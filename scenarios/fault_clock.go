package scenarios

import "time"

// maxOffset bounds skew and jump: 100 years, within which a clock that counts
// nanoseconds in 64 bits does not overflow.
const maxOffset = 100 * 365 * 24 * time.Hour

// A Clock is how the clock of a node is wrong. One of its fields is set.
type Clock struct {
	// Skew is how far it is off from injection to heal.
	Skew time.Duration `json:"skew_ns,omitempty"`
	// Jump is how far it leaps forward and, halfway, back to as far in the
	// past.
	Jump time.Duration `json:"jump_ns,omitempty"`
}

func clockFault() faultKind {
	return faultKind{
		word:    Word{"clock", "show the node a clock that is off (skew) or leaps ahead and then behind (jump)"},
		options: []string{"target", "skew", "jump"},
		example: "skew: 90s",
		read:    readClock,
	}
}

func readClock(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	f.Clock = &Clock{}
	for option, into := range map[string]*time.Duration{"skew": &f.Clock.Skew, "jump": &f.Clock.Jump} {
		s.duration(option, into, -maxOffset, maxOffset)
		if v, ok := s.fields[option]; ok && *into == 0 && isZero(v) {
			v.reportf("write as in "+option+": 90s", "a %s of 0 changes nothing", option)
		}
	}
	switch {
	case s.has("skew") && s.has("jump"):
		s.at("jump").report("skew and jump are both given", "keep one, or make two faults of it")
	case !s.has("skew") && !s.has("jump"):
		s.at("fault").report("nothing says how the clock is wrong", "add skew: 90s for a clock that is off, or jump: 90s for one that leaps")
	}
}

// isZero says whether v is a good duration and 0.
func isZero(v value) bool {
	d, wrong := parseDuration(v.node.Value)
	return wrong == nil && d == 0
}
