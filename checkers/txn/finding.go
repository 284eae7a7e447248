package txn

import (
	"maps"
	"slices"
)

// examples is how many of a kind of anomaly are kept; all are counted.
const examples = 5

// A reason tells what an edge rests on.
type reason uint8

// The reasons. What they mean is said by story.because.
const (
	// because is for edges whose kind says it all.
	because reason = iota
	fromStart
	fromReplacing
	fromProcess
	fromRealtime
	fromCommits
	fromReads
	guessed
	supposed
)

// A finding is one thing that must not be.
type finding struct {
	// says tells what and why, in one sentence or several.
	says []string
	txns []int32
	// steps is the cycle, where it is one.
	steps []step
	// cases are cycles of which one closes whatever the order of the writes
	// was; says tells them.
	cases [][]step
}

// cycles returns all cycles of the finding.
func (f *finding) cycles() [][]step {
	if len(f.steps) > 0 {
		return [][]step{f.steps}
	}
	return f.cases
}

// A class is all findings of one anomaly.
type class struct {
	// count is how many there are, as far as they were looked for.
	count int
	shown []finding
}

// findings are the anomalies found by one inference.
type findings map[string]*class

func (f findings) add(anomaly string, found finding) {
	c := f[anomaly]
	if c == nil {
		c = &class{}
		f[anomaly] = c
	}
	c.count++
	if len(c.shown) < examples {
		c.shown = append(c.shown, found)
	}
}

// wants reports whether a further example of the anomaly would be kept, so
// that nobody builds sentences which nobody reads. It counts the anomaly if not.
func (f findings) wants(anomaly string) bool {
	c := f[anomaly]
	if c == nil || len(c.shown) < examples {
		return true
	}
	c.count++
	return false
}

func (f findings) names() []string {
	return slices.Sorted(maps.Keys(f))
}

// An inference is what a history tells, if any of the levels assuming holds;
// empty if it tells it whatever the level.
type inference struct {
	db       *db
	graph    *graph
	found    findings
	assuming []string
	// gaps are reasons why the absence of an anomaly proves nothing.
	gaps []string
	// timed says that the graph has edges of real time.
	timed bool
	// loose are the sets of writers of one key whose order nobody saw.
	loose []looseKey
	// lists are the keys of list-append.
	lists []list
	// registers are the keys of rw-register.
	registers *registers
}

// A looseKey is a key with several writers in unknown order.
type looseKey struct {
	key     int32
	writers []int32
}
