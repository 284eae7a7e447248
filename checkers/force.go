package checkers

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// shownEvidence is how many characters are quoted of what a fault says of itself.
const shownEvidence = 120

// inForce returns the faults that may have been in force during the operation:
// those that hurt the node that served it, and the others.
func inForce(o history.Operation, faults []history.FaultWindow) (hurt, others []history.FaultWindow) {
	for _, f := range faults {
		switch {
		case !f.Covers(o.Start(), settled(o)):
		case touches(f, o.Invoke.Node):
			hurt = append(hurt, f)
		default:
			others = append(others, f)
		}
	}
	return hurt, others
}

// spans reports whether the fault was seen in force before the operation began
// and was not being healed when it ended.
func spans(f history.FaultWindow, o history.Operation) bool {
	return f.TookHold() && f.InForce <= o.Start() && (f.Heal < 0 || settled(o) <= f.Heal)
}

// settled is the end of what an operation may be blamed on: its completion,
// even of an unknown kind.
func settled(o history.Operation) time.Duration {
	if o.Complete == nil {
		return math.MaxInt64
	}
	return o.Complete.Time
}

// touches reports whether the fault hurt the node. All nodes of a partition are
// in its list, so there the links that were cut tell.
func touches(f history.FaultWindow, node string) bool {
	if node == "" {
		return false
	}
	if len(f.Cuts) == 0 {
		return slices.Contains(f.Nodes, node)
	}
	return slices.ContainsFunc(f.Cuts, func(c [2]string) bool { return c[0] == node || c[1] == node })
}

// FaultSentence tells what was being done to the cluster during the operation.
func FaultSentence(o history.Operation, faults []history.FaultWindow) string {
	const told = 2
	hurt, others := inForce(o, faults)
	all := append(hurt, others...)
	if len(all) == 0 {
		return noFaultSentence(o, faults)
	}
	var says []string
	for _, f := range all[:min(told, len(all))] {
		says = append(says, f.ID+" "+lasted(f)+": "+deed(f, o.Invoke.Node)+bite(f))
	}
	if len(all) > told {
		var ids []string
		for _, f := range all[told:] {
			ids = append(ids, f.ID)
		}
		says = append(says, "also "+say.Few(ids, 6))
	}
	return "At that moment " + strings.Join(says, "; ") + "."
}

// noFaultSentence names the last fault before the operation instead.
func noFaultSentence(o history.Operation, faults []history.FaultWindow) string {
	says := "No fault was in force at that moment"
	last := time.Duration(-1)
	id := ""
	for _, f := range faults {
		if f.Healed > last && f.Healed < o.Start() {
			last, id = f.Healed, f.ID
		}
	}
	if last >= 0 {
		says += fmt.Sprintf("; the last one, %s, had been gone for %s", id, say.Span(o.Start()-last))
	}
	return says + "."
}

// deed tells what a fault did, if possible to node.
func deed(f history.FaultWindow, node string) string {
	if f.Fault == "partition" && len(f.Cuts) > 0 {
		return cutOff(f, node)
	}
	if !touches(f, node) {
		says := done(f.Fault, f.Nodes)
		if node != "" {
			says += ", not " + node
		}
		return says + remark(f)
	}
	return done(f.Fault, []string{node}) + remark(f)
}

// done puts a fault into the past tense.
func done(fault string, nodes []string) string {
	who, were := say.Enumerate(nodes), "was"
	if len(nodes) > 1 {
		were = "were"
	}
	switch {
	case len(nodes) == 0:
		return fault
	case fault == "kill":
		return who + " " + were + " killed"
	case fault == "pause":
		return who + " " + were + " paused"
	case fault == "clock":
		return "the clock of " + who + " was changed"
	}
	return fmt.Sprintf("%s of %s", fault, who)
}

func remark(f history.FaultWindow) string {
	if f.Says == "" {
		return ""
	}
	return " (" + say.Cut(f.Says, shownEvidence) + ")"
}

// cutOff tells from whom a partition cut a node off, and in which direction.
func cutOff(f history.FaultWindow, node string) string {
	var both, from, to []string
	for _, c := range f.Cuts {
		switch {
		case c[0] == node && slices.Contains(f.Cuts, [2]string{c[1], node}):
			both = append(both, c[1])
		case c[0] == node:
			to = append(to, c[1])
		case c[1] == node && !slices.Contains(f.Cuts, [2]string{node, c[0]}):
			from = append(from, c[0])
		}
	}
	switch {
	case len(both) > 0:
		return node + " was cut off from " + say.Enumerate(both)
	case len(from) > 0 && len(to) > 0:
		return fmt.Sprintf("nothing from %s reached %s, and nothing from %s reached %s", say.Enumerate(from), node, node, say.Enumerate(to))
	case len(from) > 0:
		return fmt.Sprintf("nothing from %s reached %s", say.Enumerate(from), node)
	case len(to) > 0:
		return fmt.Sprintf("nothing from %s reached %s", node, say.Enumerate(to))
	case node == "":
		return "a partition" + remark(f)
	}
	return fmt.Sprintf("a partition that left %s alone%s", node, remark(f))
}

// lasted tells from when to when a fault was in force.
func lasted(f history.FaultWindow) string {
	says, from := "was in force from ", f.InForce
	if !f.TookHold() {
		says, from = "may have been in force from ", f.Inject
	}
	if f.Healed >= 0 {
		return says + say.Moment(from) + " to " + say.Moment(f.Healed)
	}
	return says + say.Moment(from) + " on"
}

// bite tells how we know that a fault was in force.
func bite(f history.FaultWindow) string {
	switch {
	case !f.TookHold():
		return ", though it was never seen to bite"
	case f.Evidence != "":
		return " (" + say.Cut(f.Evidence, shownEvidence) + ")"
	}
	return ""
}
