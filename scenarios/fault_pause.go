package scenarios

// A Pause is how a node is paused, if not by the freezer.
type Pause struct {
	// How is freezer or sigstop.
	How string `json:"how"`
	// Process names one process of many; empty: all.
	Process string `json:"process,omitempty"`
}

// WaysToPause are what the `how` of a pause can be.
func WaysToPause() []Word {
	return []Word{
		{"freezer", "every process, unseen by the node"},
		{"sigstop", "SIGSTOP to every process, or to those that process names, which their parents can see"},
	}
}

func pauseFault() faultKind {
	return faultKind{
		word:    Word{"pause", "freeze every process of the node, unseen by it, and thaw it at the heal; how: sigstop can stop one of many"},
		options: []string{"target", "how", "process"},
		example: "target: leader",
		read:    readPause,
		words:   []Vocabulary{{"ways to pause", WaysToPause()}},
	}
}

func readPause(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	p := &Pause{How: "freezer"}
	s.word("how", "way to pause", &p.How, names(WaysToPause()))
	readProcess(s, &p.Process)
	if p.Process != "" && p.How != "sigstop" {
		s.at("process").report("the freezer stops all processes of a node", "write how: sigstop")
	}
	if *p != (Pause{How: "freezer"}) {
		f.Pause = p
	}
}
