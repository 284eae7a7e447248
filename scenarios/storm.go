package scenarios

import (
	"fmt"
	"time"
)

// minStorm is the shortest phase that a storm makes sense in: a system that is
// electing when the next fault comes shows nothing.
const minStorm = 12 * time.Second

// Storms are what the `storm` of a phase can be.
func Storms() []Word {
	return []Word{
		{"gentle", "one thing at a time: a pause, a node cut off, slow links, with calm between them"},
		{"rough", "partitions of every shape, kills of a minority, pauses of the leader and a wrong clock, two at a time"},
		{"hurricane", "the same more often, with clocks that leap, lossy links, and power failures where there is a disk to lose"},
	}
}

// A gust is a fault of a storm, with its place in the storm's period: when it
// begins and how long it lasts, as shares of it.
type gust struct {
	fault    Fault
	at, last float64
}

// readStorm reads a storm and puts its faults before those of the phase, fitted
// to the phase's length and to what the system is.
func readStorm(s section, p *Phase, sc *Scenario) {
	v, ok := s.fields["storm"]
	if !ok {
		return
	}
	s.word("storm", "storm", &p.Storm, names(Storms()))
	if p.Storm == "" || p.For == 0 {
		return // reported
	}
	if p.For < minStorm {
		v.reportf("make the phase longer, or write its faults yourself", "a storm takes %s at least, and the phase has %s", short(minStorm), short(p.For))
		return
	}
	period := stormPeriod(p.Storm, p.For)
	for _, g := range gusts(p.Storm, sc) {
		at := part(period, g.at)
		g.fault.When = When{At: &at, Every: period, For: part(period, g.last)}
		g.fault.Place = v.d.place(v.node, v.where)
		p.Faults = append(p.Faults, g.fault)
	}
}

// stormPeriod is how long the faults of a storm take to come round: so long that
// they come at least once, and in a long phase several times.
func stormPeriod(storm string, phase time.Duration) time.Duration {
	times, most := time.Duration(2), 30*time.Second
	if storm == "hurricane" {
		times, most = 3, 20*time.Second
	}
	return min(max(phase/times, minStorm), most, phase).Truncate(100 * time.Millisecond)
}

// part is a share of a period, in whole tenths of seconds.
func part(period time.Duration, share float64) time.Duration {
	return time.Duration(share * float64(period)).Truncate(100 * time.Millisecond)
}

// gusts are the faults of a storm for a system. No two that must not meet are
// in force at the same time, whomever they hit; and before the leader is asked
// for there is time to elect one.
func gusts(storm string, sc *Scenario) []gust {
	few, leader := weather(sc)
	switch storm {
	case "gentle":
		return fitting(sc, []gust{
			{Fault{Fault: "pause", Target: "one"}, 0.10, 0.15},
			{Fault{Fault: "partition", Target: "one", Partition: &Partition{Shape: "one"}}, 0.40, 0.20},
			{Fault{Fault: "latency", Target: "one", Latency: &Latency{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Direction: "both"}}, 0.75, 0.15},
		})
	case "rough":
		return fitting(sc, []gust{
			{Fault{Fault: "kill", Target: few}, 0.02, 0.15},
			{Fault{Fault: "partition", Partition: &Partition{Shape: shapeFor(sc)}}, 0.25, 0.25},
			{Fault{Fault: "clock", Target: "one", Clock: &Clock{Skew: 90 * time.Second}}, 0.30, 0.30},
			{Fault{Fault: "pause", Target: leader}, 0.75, 0.20},
		})
	}
	return fitting(sc, []gust{
		{Fault{Fault: "kill", Target: few}, 0.01, 0.12},
		{Fault{Fault: "partition", Partition: &Partition{Shape: shapeFor(sc)}}, 0.15, 0.25},
		{Fault{Fault: "clock", Target: "one", Clock: &Clock{Jump: time.Hour}}, 0.20, 0.25},
		{Fault{Fault: "disk", Target: few, Disk: &Disk{Kind: "power-failure", Lose: "torn"}}, 0.48, 0.12},
		{Fault{Fault: "latency", Target: "all", Latency: &Latency{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.02, Direction: "both"}}, 0.50, 0.45},
		{Fault{Fault: "pause", Target: leader}, 0.80, 0.15},
	})
}

// weather is how many nodes a storm takes down at a time, and whom it takes for
// the leader, who cannot be asked for everywhere.
func weather(sc *Scenario) (few, leader string) {
	few, leader = "minority", "one"
	if sc.System.Nodes < 3 {
		few = "one"
	}
	if sc.Client.Use == "etcd" || sc.System.Leader != nil {
		leader = "leader"
	}
	return few, leader
}

// shapeFor is the shape of a storm's partitions.
func shapeFor(sc *Scenario) string {
	if sc.System.Nodes < shapeNodes("any") {
		return "halves"
	}
	return "any"
}

// fitting leaves out what the system has no links or no disk for.
func fitting(sc *Scenario, all []gust) []gust {
	var out []gust
	for _, g := range all {
		links := g.fault.Partition != nil || g.fault.Latency != nil
		if links && sc.System.Nodes < 2 || g.fault.Disk != nil && sc.System.Data == "" {
			continue
		}
		out = append(out, g)
	}
	return out
}

// ExplainStorms is what each storm does to five nodes in a minute, for a reader.
func ExplainStorms() string {
	sc := &Scenario{System: System{Nodes: 5, Data: "/data"}, Client: Client{Use: "etcd"}}
	text := ""
	for _, w := range Storms() {
		period := stormPeriod(w.Name, time.Minute)
		text += fmt.Sprintf("%s: %s\n", w.Name, w.Means)
		for _, g := range gusts(w.Name, sc) {
			text += fmt.Sprintf("  %-10s at %-6s every %s for %s\n", g.fault.Fault, short(part(period, g.at)), short(period), short(part(period, g.last)))
		}
	}
	return text
}
