package scenarios

import "time"

// maxDelay bounds delay and jitter together: what is sent in that time is kept
// in the memory of the nodes' host.
const maxDelay = 10 * time.Second

// A Latency is what happens to packets, and to which.
type Latency struct {
	// Delay, Jitter, Loss and Reorder are as in agent.Slowdown.
	Delay   time.Duration `json:"delay_ns,omitempty"`
	Jitter  time.Duration `json:"jitter_ns,omitempty"`
	Loss    float64       `json:"loss,omitempty"`
	Reorder float64       `json:"reorder,omitempty"`
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

func latencyFault() faultKind {
	return faultKind{
		word:    Word{"latency", "delay, lose or reorder the packets between some of the nodes"},
		options: []string{"target", "pairs", "direction", "delay", "jitter", "loss", "reorder"},
		example: "delay: 50ms",
		read:    readLatency,
		words:   []Vocabulary{{"directions", Directions()}},
	}
}

func readLatency(s section, f *Fault, sc *Scenario) {
	l := &Latency{Direction: "both"}
	f.Latency = l
	s.duration("delay", &l.Delay, 100*time.Microsecond, maxDelay)
	s.duration("jitter", &l.Jitter, 0, maxDelay/2)
	s.share("loss", &l.Loss)
	s.share("reorder", &l.Reorder)
	s.word("direction", "direction", &l.Direction, names(Directions()))
	readTarget(s, f, sc)
	l.Pairs = readPairs(s, sc)
	checkLatency(s, l, sc)
}

func checkLatency(s section, l *Latency, sc *Scenario) {
	switch {
	case sc.System.Nodes == 1:
		s.at("fault").report("one node has nobody to be slow with", "give the system two nodes at least")
	case !s.has("delay") && !s.has("loss"):
		s.report("neither delay nor loss is given", "write as in delay: 50ms, or loss: 5%")
	case s.has("jitter") && l.Jitter > l.Delay:
		s.at("jitter").reportf("at most the delay, "+short(l.Delay), "a jitter of %s is more than the delay", short(l.Jitter))
	case s.has("reorder") && !s.has("delay"):
		s.at("reorder").report("without a delay no packet can overtake another", "add a delay, as in delay: 20ms")
	case l.Delay+l.Jitter > maxDelay:
		s.at("jitter").reportf("at most "+short(maxDelay)+" together", "%s and %s are too long", short(l.Delay), short(l.Jitter))
	case s.has("loss") && l.Loss == 0 && !s.has("delay"):
		s.at("loss").report("a loss of 0% changes nothing", "write as in loss: 5%")
	}
}
