package scenarios

import (
	"strconv"
	"strings"
	"time"
)

const (
	// maxOffset bounds skew and jump: what is shown must be a time after 1970.
	maxOffset = 20 * 365 * 24 * time.Hour
	// minStrobe bounds how often a clock flips: whoever reads it more slowly
	// than that sees noise.
	minStrobe = time.Millisecond
	// maxDrift is ten times too fast, in parts per billion.
	maxDrift = 10 * perBillion

	perBillion = 1_000_000_000
)

// A Clock is how the clock of a node is wrong.
type Clock struct {
	// Skew is how far it is off from injection to heal.
	Skew time.Duration `json:"skew_ns,omitempty"`
	// Jump is how far it leaps forward and, halfway, back to as far in the
	// past.
	Jump time.Duration `json:"jump_ns,omitempty"`
	// Strobe is how long it is off by Skew, and right again, by turns.
	Strobe time.Duration `json:"strobe_ns,omitempty"`
	// Drift is how much too fast it is, in parts per billion.
	Drift int64 `json:"drift_ppb,omitempty"`
	// Freeze stops it.
	Freeze bool `json:"freeze,omitempty"`
	// Clocks are which of the node's clocks; empty: the time of day alone.
	Clocks []string `json:"clocks,omitempty"`
	// Host means the clock of the node's host itself. (In YAML, of: host.)
	Host bool `json:"host,omitempty"`
}

// ClockNames are what the `clocks` of a clock fault can be.
func ClockNames() []Word {
	return []Word{
		{"realtime", "the time of day, which is what a clock fault is about if it names none"},
		{"monotonic", "the time that only goes forward: programs may rely on it, and break in ways of their own"},
		{"boottime", "the time since boot"},
	}
}

func clockFault() faultKind {
	return faultKind{
		word: Word{"clock", "show the node a clock that is off (skew), leaps ahead and then behind (jump), " +
			"flips to and fro (strobe), runs too fast or slow (drift) or stands still (freeze)"},
		options: []string{"target", "skew", "jump", "strobe", "drift", "freeze", "clocks", "of"},
		example: "skew: 90s",
		read:    readClock,
		words:   []Vocabulary{{"clocks", ClockNames()}},
	}
}

func readClock(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	c := &Clock{}
	f.Clock = c
	for option, into := range map[string]*time.Duration{"skew": &c.Skew, "jump": &c.Jump} {
		s.duration(option, into, -maxOffset, maxOffset)
		if v, ok := s.fields[option]; ok && *into == 0 && isZero(v) {
			v.reportf("write as in "+option+": 90s", "a %s of 0 changes nothing", option)
		}
	}
	s.duration("strobe", &c.Strobe, minStrobe, maxPhase)
	read(s, "drift", &c.Drift, func(v value) (int64, bool) { return measure(v, "a drift, as in 10% or -200ppm", parseDrift) })
	s.truth("freeze", &c.Freeze)
	read(s, "clocks", &c.Clocks, func(v value) ([]string, bool) { return v.texts("clocks, as in [realtime, monotonic]") })
	of := ""
	s.word("of", "owner of a clock", &of, []string{"node", "host"})
	c.Host = of == "host"
	checkClocks(s, c)
	checkClock(s, c)
	checkHostClock(s, c, sc)
}

// checkHostClock reports a host's clock that must not be touched, or cannot be
// wrong in such a way.
func checkHostClock(s section, c *Clock, sc *Scenario) {
	if !c.Host {
		return
	}
	if !sc.System.AllowHostClock {
		s.at("of").report("the hosts' own clocks are not to be touched",
			"if everything on these hosts may live by a wrong clock, say so: system: {hosts: …, allow_host_clock: true}; without of: host, only the node is shown one")
	}
	for _, option := range []string{"strobe", "drift", "freeze", "clocks"} {
		if s.has(option) {
			s.at(option).reportf("use skew or jump", "%s is not for the clock of a host", option)
		}
	}
}

// checkClock reports options that do not fit each other.
func checkClock(s section, c *Clock) {
	if s.has("freeze") && !c.Freeze {
		s.at("freeze").report("a clock that does not stand still needs no saying", "write freeze: true, or leave it out")
	}
	for _, two := range [][2]string{{"skew", "jump"}, {"strobe", "jump"}, {"drift", "jump"}, {"freeze", "jump"}, {"drift", "freeze"}, {"strobe", "freeze"}} {
		if s.has(two[0]) && s.has(two[1]) {
			s.at(two[1]).reportf("keep one, or make two faults of it", "%s and %s are both given", two[0], two[1])
			return
		}
	}
	switch {
	case s.has("strobe") && !s.has("skew"):
		s.at("strobe").report("nothing says how far the clock flips", "add skew: 90s, which it is off by every other time")
	case !s.has("skew") && !s.has("jump") && !s.has("drift") && !s.has("freeze"):
		s.at("fault").report("nothing says how the clock is wrong",
			"add skew: 90s for a clock that is off, jump: 90s for one that leaps, drift: 10% for one that is too fast, or freeze: true")
	}
}

func checkClocks(s section, c *Clock) {
	for _, name := range c.Clocks {
		known := false
		for _, w := range ClockNames() {
			known = known || w.Name == name
		}
		if !known {
			s.at("clocks").reportf("it can be "+orList(names(ClockNames())), "there is no clock %q", name)
		}
	}
}

// parseDrift reads how much too fast a clock is: "10%", "-200ppm".
func parseDrift(s string) (int64, *problem) {
	number, unit := splitUnit(strings.TrimPrefix(s, "-"))
	of := map[string]float64{"%": perBillion / 100, "ppm": perBillion / 1_000_000}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || of == 0 {
		return 0, &problem{strconv.Quote(s) + " is no drift", "a number with % or ppm, as in 10% or -200ppm"}
	}
	drift := int64(n * of)
	if strings.HasPrefix(s, "-") {
		drift = -drift
	}
	switch {
	case drift == 0:
		return 0, &problem{"a drift of " + s + " changes nothing", "write as in drift: 10%"}
	case drift <= -perBillion:
		return 0, &problem{"a clock that is 100% slow stands still", "write freeze: true"}
	case drift > maxDrift:
		return 0, &problem{"a drift of " + s + " is out of range", "at most 1000%"}
	}
	return drift, nil
}

// isZero says whether v is a good duration and 0.
func isZero(v value) bool {
	d, wrong := parseDuration(v.node.Value)
	return wrong == nil && d == 0
}
