package scenarios

import (
	"fmt"
	"slices"
	"time"
)

// maxDelay bounds delay and jitter together: what is sent in that time is kept
// in the memory of the nodes' host.
const maxDelay = 10 * time.Second

// maxBurst bounds how many packets are lost in a row, on average.
const maxBurst = 1e6

// A Latency is what happens to packets, and to which.
type Latency struct {
	// These are as in agent.Slowdown.
	Delay        time.Duration `json:"delay_ns,omitempty"`
	Jitter       time.Duration `json:"jitter_ns,omitempty"`
	Distribution string        `json:"distribution,omitempty"`
	Loss         float64       `json:"loss,omitempty"`
	LossBurst    float64       `json:"loss_burst,omitempty"`
	Reorder      float64       `json:"reorder,omitempty"`
	Duplicate    float64       `json:"duplicate,omitempty"`
	Corrupt      float64       `json:"corrupt,omitempty"`
	Tamper       float64       `json:"tamper,omitempty"`
	Rate         int64         `json:"rate,omitempty"` // bytes a second
	// Direction says which packets of the target: both, out or in.
	Direction string `json:"direction,omitempty"`
	// Pairs, given instead of a target, are ordered: [from, to].
	Pairs [][2]string `json:"pairs,omitempty"`
}

// Directions are what the `direction` of a latency can be.
func Directions() []Word {
	return []Word{
		{"both", "what the target sends to other nodes and what they send to it"},
		{"out", "what the target sends to other nodes"},
		{"in", "what other nodes send to the target"},
	}
}

// Distributions are what the `distribution` of a latency can be.
func Distributions() []Word {
	return []Word{
		{"uniform", "evenly, at most jitter more or less than delay"},
		{"normal", "around delay, with jitter for the standard deviation"},
		{"pareto", "mostly less than delay and sometimes much more, with jitter for the standard deviation"},
	}
}

// spoils are the options of a latency that are shares of packets.
func spoils() []string { return []string{"loss", "reorder", "duplicate", "corrupt", "tamper"} }

func latencyFault() faultKind {
	return faultKind{
		word: Word{"latency", "delay, lose, reorder, duplicate or corrupt the packets between some of the nodes, or let only so many through"},
		options: append([]string{"target", "pairs", "direction", "delay", "jitter", "distribution", "loss_burst", "rate"},
			spoils()...),
		example: "delay: 50ms",
		read:    readLatency,
		words:   []Vocabulary{{"directions", Directions()}, {"distributions", Distributions()}},
	}
}

func readLatency(s section, f *Fault, sc *Scenario) {
	l := &Latency{Direction: "both"}
	f.Latency = l
	s.duration("delay", &l.Delay, 100*time.Microsecond, maxDelay)
	s.duration("jitter", &l.Jitter, 0, maxDelay/2)
	s.word("distribution", "distribution", &l.Distribution, names(Distributions()))
	for option, into := range map[string]*float64{
		"loss": &l.Loss, "reorder": &l.Reorder, "duplicate": &l.Duplicate, "corrupt": &l.Corrupt, "tamper": &l.Tamper,
	} {
		s.share(option, into)
	}
	read(s, "loss_burst", &l.LossBurst, func(v value) (float64, bool) { return v.number(maxBurst) })
	read(s, "rate", &l.Rate, func(v value) (int64, bool) { return measure(v, "a rate, as in 1MiB/s", parseBandwidth) })
	s.word("direction", "direction", &l.Direction, names(Directions()))
	readTarget(s, f, sc)
	l.Pairs = readPairs(s, sc)
	checkLatency(s, l, sc)
}

func checkLatency(s section, l *Latency, sc *Scenario) {
	switch {
	case sc.System.Nodes == 1:
		s.at("fault").report("one node has nobody to be slow with", "give the system two nodes at least")
	case !slices.ContainsFunc(append(spoils(), "delay", "rate"), s.has) || !s.has("delay") && onlyReorders(s):
		s.report("neither delay nor loss is given, nor anything else that happens to packets", "write as in delay: 50ms, or loss: 5%")
	case s.has("jitter") && l.Jitter > l.Delay:
		s.at("jitter").reportf("at most the delay, "+short(l.Delay), "a jitter of %s is more than the delay", short(l.Jitter))
	case s.has("reorder") && !s.has("delay"):
		s.at("reorder").report("without a delay no packet can overtake another", "add a delay, as in delay: 20ms")
	case s.has("distribution") && !s.has("jitter"):
		s.at("distribution").report("without a jitter all delays are the same", "add one, as in jitter: 10ms")
	case l.Delay+l.Jitter > maxDelay:
		s.at("jitter").reportf("at most "+short(maxDelay)+" together", "%s and %s are too long", short(l.Delay), short(l.Jitter))
	}
	checkShares(s, l)
}

// onlyReorders says whether nothing but reorder is given of the shares.
func onlyReorders(s section) bool {
	return !s.has("rate") && !slices.ContainsFunc(spoils(), func(o string) bool { return o != "reorder" && s.has(o) })
}

// checkShares reports shares that mean nothing.
func checkShares(s section, l *Latency) {
	for option, share := range map[string]float64{"loss": l.Loss, "duplicate": l.Duplicate, "corrupt": l.Corrupt, "tamper": l.Tamper} {
		if s.has(option) && share == 0 && !s.has("delay") {
			s.at(option).reportf("write as in "+option+": 5%", "a %s of 0%% changes nothing", option)
		}
	}
	const exact = 1e-9 // as people write shares: 90% in bursts of 9 is possible
	least := max(1, l.Loss/(1-l.Loss)-exact)
	switch {
	case !s.has("loss_burst"):
	case l.Loss == 0 || l.Loss == 1:
		s.at("loss_burst").report("bursts are of packets that are lost, and of others that are not", "add a loss, as in loss: 5%")
	case l.LossBurst < least:
		s.at("loss_burst").reportf(fmt.Sprintf("at least %.3g", least), "so much loss cannot come in bursts of %g packets", l.LossBurst)
	}
}
