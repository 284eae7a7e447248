package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// checkMeetings refuses a plan in which two faults meet on a node that must
// not, and tells of every two lines of the scenario for which that is so. Whom
// a role will hit nobody knows yet.
func (p *Plan) checkMeetings() error {
	var found scenarios.Diagnostics
	said := map[[2]string]bool{}
	var open []nemesis.Injection // those that are not over yet
	for _, in := range p.Faults {
		open = slices.DeleteFunc(open, func(o nemesis.Injection) bool { return o.Over() <= in.At })
		for _, o := range open {
			pair := [2]string{o.Line(), in.Line()}
			node, rule := meet(o, in)
			if node == "" || said[pair] {
				continue
			}
			said[pair] = true
			found = append(found, p.met(o, in, node, rule)...)
		}
		open = append(open, in)
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// meet is the first node on which two faults that overlap in time meet and must
// not; empty if there is none.
func meet(a, b nemesis.Injection) (node string, rule nemesis.Rule) {
	rule = nemesis.RuleFor(nemesis.ClassOf(a), nemesis.ClassOf(b))
	if rule.Meet != nemesis.MeetNever {
		return "", rule
	}
	for _, n := range a.Nodes {
		if slices.Contains(b.Nodes, n) {
			return n, rule
		}
	}
	return "", rule
}

// met is the finding about two faults, at the line of the later one.
func (p *Plan) met(a, b nemesis.Injection, node string, rule nemesis.Rule) scenarios.Diagnostics {
	line := p.lineOf(b)
	message := fmt.Sprintf("%s and %s meet on %s at %s: %s", a.ID, b.ID, node, stamp(b.At), rule.Why)
	hint := fmt.Sprintf("target other nodes, or move it by %s", (a.Over() - b.At + margin).Round(100*time.Millisecond))
	if a.Trigger != nil || b.Trigger != nil {
		hint = "target other nodes: with a trigger, it may come at any time"
	}
	return line.Place.Found(message, hint)
}

// lineOf is the line of the scenario that an injection is of.
func (p *Plan) lineOf(in nemesis.Injection) scenarios.Fault {
	for _, phase := range p.Scenario.Phases {
		for _, f := range phase.Faults {
			if phase.Name+"/"+f.Name == in.Line() {
				return f
			}
		}
	}
	return scenarios.Fault{}
}
