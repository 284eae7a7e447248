package scenarios

import (
	"regexp"
	"time"
)

const (
	defaultGrace = 5 * time.Second
	defaultUpFor = 500 * time.Millisecond
)

// A Kill is how a node is killed, if not by SIGKILL to its main process.
type Kill struct {
	// How is kill, stop, restart, crash-loop or policy.
	How string `json:"how"`
	// Grace is how long a node that is stopped may take to end by itself.
	Grace time.Duration `json:"grace_ns,omitempty"`
	// UpFor is how long a node in a crash loop runs each time.
	UpFor time.Duration `json:"up_for_ns,omitempty"`
	// Process names one process of many; empty: the main one.
	Process string `json:"process,omitempty"`
}

// WaysToKill are what the `how` of a kill can be.
func WaysToKill() []Word {
	return []Word{
		{"kill", "SIGKILL; the node is started again at the heal"},
		{"stop", "SIGTERM, and SIGKILL if it has not ended after grace"},
		{"restart", "SIGKILL, and the node is started again at once"},
		{"policy", "SIGKILL, and the engine starts the node again by its restart policy (system: {restart: always}), which all other ways suspend"},
		{"crash-loop", "SIGKILL, and again whenever the node has been up for up_for, until the heal"},
	}
}

func killFault() faultKind {
	return faultKind{
		word:    Word{"kill", "SIGKILL the node's process, and start it again at the heal; how says gentler and nastier ways"},
		options: []string{"target", "how", "grace", "up_for", "process"},
		example: "target: minority",
		read:    readKill,
		words:   []Vocabulary{{"ways to kill", WaysToKill()}},
	}
}

func readKill(s section, f *Fault, sc *Scenario) {
	readTarget(s, f, sc)
	k := &Kill{How: "kill"}
	s.word("how", "way to kill", &k.How, names(WaysToKill()))
	s.duration("grace", &k.Grace, 0, maxPhase)
	s.duration("up_for", &k.UpFor, minTime, maxPhase)
	readProcess(s, &k.Process)
	if k.How == "policy" && sc.System.Restart == "" {
		s.at("how").report("nobody would start the node again", "give the system a policy, as in system: {restart: always}, or write how: restart")
	}
	for option, how := range map[string]string{"grace": "stop", "up_for": "crash-loop"} {
		if s.has(option) && k.How != how {
			s.at(option).reportf("leave it out, or write how: "+how, "%s belongs to the way %s", option, how)
		}
	}
	switch {
	case k.How == "stop" && !s.has("grace"):
		k.Grace = defaultGrace
	case k.How == "crash-loop" && !s.has("up_for"):
		k.UpFor = defaultUpFor
	}
	if *k != (Kill{How: "kill"}) {
		f.Kill = k
	}
}

// readProcess reads which process of a node is meant.
func readProcess(s section, into *string) {
	s.text("process", into)
	if _, err := regexp.Compile(*into); err != nil {
		s.at("process").reportf("the name of a program, or a regular expression for its command line", "%q is neither: %v", *into, err)
	}
}
