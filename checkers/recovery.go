package checkers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// recovery decides whether every node served again soon after the last heal.
//
// The clock starts when the last fault was seen to be gone, or with the phase
// "settle" if there was none or one was never seen to be gone. A node recovers
// with the first operation through it that ends ok after that. The promise is
// broken, a violation, only by a node that was asked in that time without
// success and that clients had not given up when the time was over: an
// operation through it, begun after the heal, reaches beyond. A node that nobody asked is Unknown, and
// so is one whose time was not over when the history ended.
// Counts hold the milliseconds of each node.
type recovery struct {
	within time.Duration
}

// Name returns "recovery".
func (recovery) Name() string { return "recovery" }

// Check takes one pass over the history and does not look at ctx.
func (c recovery) Check(_ context.Context, h *history.History) Result {
	r := Result{Check: c.Name(), Counts: make(map[string]int64)}
	healed, ok := lastHeal(h)
	if !ok {
		r.Says = []string{"Nothing says when the faults were gone: no fault was seen to be healed and there is no phase \"settle\"."}
		return r
	}
	nodes := nodesOf(h)
	if len(nodes) == 0 {
		r.Says = []string{"No node is named by the plan or by an operation."}
		return r
	}
	r.Verdict = Valid
	slowest := time.Duration(0)
	operations, ends := h.Operations(), h.Ops[len(h.Ops)-1].Time
	for _, node := range nodes {
		s := c.service(operations, node, healed, ends)
		if s.firstOK >= 0 {
			slowest = max(slowest, s.firstOK)
			r.Counts[node] = s.firstOK.Milliseconds()
		}
		verdict, says := c.judge(node, s)
		r.Verdict = worse(r.Verdict, verdict)
		if says != "" {
			r.Says = append(r.Says, says)
		}
	}
	if r.Verdict == Valid {
		r.Says = []string{fmt.Sprintf("All %s served again within %s of the last heal at %s (allowed: %s).",
			say.Number(len(nodes), "node"), say.Span(slowest), say.Moment(healed), c.within)}
	}
	return r
}

// worse is the verdict of two that outranks the other.
func worse(a, b Verdict) Verdict {
	if a == Violation || b == Violation {
		return Violation
	}
	return min(a, b)
}

// lastHeal returns when the last fault was gone.
func lastHeal(h *history.History) (time.Duration, bool) {
	last, open := time.Duration(-1), false
	for _, f := range h.Faults() {
		last = max(last, f.Healed)
		open = open || f.Healed < 0 && f.Inject >= 0
	}
	if last >= 0 && !open {
		return last, true
	}
	for _, p := range h.Phases() {
		if p.Name == "settle" {
			return max(last, p.From), true
		}
	}
	return 0, false
}

// nodesOf returns the nodes of the plan, or those that operations name.
func nodesOf(h *history.History) []string {
	if plan, ok := h.Announcement(); ok && len(plan.Nodes) > 0 {
		return plan.Nodes
	}
	var nodes []string
	for _, o := range h.Operations() {
		if n := o.Invoke.Node; n != "" && !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// A service is how a node answered after the last heal; all times count from it.
type service struct {
	firstOK time.Duration // -1: never
	okEvent int           // index of the event that proves it
	asked   int           // operations invoked within the time allowed
	later   int           // operations invoked after it
	// reach is the latest moment at which one of them began or ended.
	reach time.Duration
	ends  time.Duration // when the history ends
}

// service looks at the operations through node. One that began before the last
// heal may hang for what was done to it then: it counts only if it was ok.
func (c recovery) service(operations []history.Operation, node string, healed, ends time.Duration) service {
	s := service{firstOK: -1, reach: -1, ends: ends - healed}
	for _, o := range operations {
		if o.Invoke.Node != node {
			continue
		}
		begun, ended := o.Start()-healed, s.ends
		if o.Complete != nil {
			ended = o.Complete.Time - healed
		}
		if o.Type() == history.OK && ended >= 0 && (s.firstOK < 0 || ended < s.firstOK) {
			s.firstOK, s.okEvent = ended, o.Complete.Index
		}
		switch {
		case begun < 0:
			continue
		case begun <= c.within:
			s.asked++
		default:
			s.later++
		}
		s.reach = max(s.reach, ended)
	}
	return s
}

// judge judges one node.
func (c recovery) judge(node string, s service) (Verdict, string) {
	late := "never served again"
	if s.firstOK >= 0 {
		late = fmt.Sprintf("served again only %s after it (#%d)", say.Span(s.firstOK), s.okEvent)
	}
	switch {
	case s.firstOK >= 0 && s.firstOK <= c.within:
		return Valid, ""
	case s.asked+s.later == 0:
		return Unknown, fmt.Sprintf("Nobody asked %s for anything after the last heal.", node)
	case s.asked == 0:
		return Unknown, fmt.Sprintf("Nobody asked %s for anything within %s of the last heal; it %s.", node, c.within, late)
	case s.reach < c.within:
		return Unknown, fmt.Sprintf("%s had not served again when clients stopped asking it, %s after the last heal; it had %s.", node, say.Span(s.reach), c.within)
	}
	return Violation, fmt.Sprintf("After the last heal %s had %s to serve again and was asked %s in that time; it %s.",
		node, c.within, say.Number(s.asked, "time"), late)
}
