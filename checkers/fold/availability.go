package fold

import (
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// AvailabilityOptions say what was promised. At least one must be set.
type AvailabilityOptions struct {
	// Within is how long after a fault was seen to be gone each node that it
	// hurt may take to serve again. 0 means that nothing was promised.
	Within time.Duration
	// OKShare is the least share of operations, from 0 to 1, that must end ok:
	// 0.999 leaves an error budget of one in a thousand. 0 means that nothing
	// was promised.
	OKShare float64
	// Calm leaves operations out of OKShare during which a fault may have been
	// in force.
	Calm bool
	// OKFails are kinds of operations for which to fail is an answer, like a
	// cas that was refused: it counts as ok.
	OKFails []string
}

// Availability decides whether nodes served again soon after each heal, and
// whether enough operations succeeded.
//
// It reads all operations of clients, by node, and the faults.
//
// Property: after each fault that was seen to be gone, every node that it hurt
// has an operation that ends ok within the time allowed ("late"). A node is
// judged only for as long as no other fault hurts it, and only if it was asked
// and some operation through it reaches beyond the time allowed. And of all
// operations at least the share OKShare ends ok ("budget"). Counts have, in
// milliseconds, the slowest time of each node, as in "n1-ms", and "heals",
// "served", "not-judged".
//
// Cost: O(n log n + faults × nodes × log n). Unknown: nothing was promised; no
// fault was seen to be gone, or no node could be judged after any of them; no
// operations. Counterexample: "n2 did not serve again within 5s after
// storm/kill#1 was gone at 20.1s; it was asked 12 times, and served 9.3s after
// it (#420)."
func Availability(o AvailabilityOptions) checkers.Checker {
	return checker{
		name: "availability", whole: true,
		judge:   func(r *report, ops []history.Operation) { judgeAvailability(r, ops, o) },
		lacking: "Nothing was promised, or there is nothing to hold the promise against.",
		sum:     func(r *report) string { return sumAvailability(r, o) },
	}
}

func sumAvailability(r *report, o AvailabilityOptions) string {
	says := ""
	if o.Within > 0 {
		says = fmt.Sprintf("After %s the nodes served again within %s (judged: %d, not judged: %d).",
			say.Number(r.counts["heals"], "heal"), o.Within, r.counts["served"], r.counts["not-judged"])
	}
	if o.OKShare > 0 {
		if says != "" {
			says += " "
		}
		says += fmt.Sprintf("Of %s %d ended ok; %g %% were promised.", say.Number(r.counts["operations"], "operation"), r.counts["ok"], o.OKShare*100)
	}
	return says
}

func judgeAvailability(r *report, ops []history.Operation, o AvailabilityOptions) {
	faults := r.h.Faults()
	if o.OKShare > 0 {
		budget(r, ops, faults, o)
	}
	if o.Within <= 0 {
		return
	}
	nodes := byNode(ops)
	for _, f := range faults {
		if f.Healed < 0 || f.Inject < 0 {
			continue
		}
		r.count("heals", 1)
		for _, node := range f.Nodes {
			if r.stopped() {
				r.doubt("Time ran out before all heals were judged.")
				return
			}
			r.heal(f, node, nodes[node], faults, o)
		}
	}
	switch {
	case r.counts["heals"] == 0:
		r.doubt("No fault was seen to be gone, so there was nothing to recover from.")
	case r.counts["served"] == 0:
		r.doubt("After no heal a node could be judged: nobody asked them for long enough, or other faults hurt them.")
	}
}

// budget judges the share of operations that ended ok.
func budget(r *report, ops []history.Operation, faults []history.FaultWindow, o AvailabilityOptions) {
	var bad []history.Operation
	all, good := 0, 0
	for _, op := range ops {
		if r.spend(1) {
			r.cutShort(all, len(ops))
			return
		}
		if o.Calm && stormy(op, faults) {
			continue
		}
		all++
		if op.Type() == history.OK || op.Type() == history.Fail && slices.Contains(o.OKFails, op.Invoke.F) {
			good++
		} else if len(bad) < 8 {
			bad = append(bad, op)
		}
	}
	r.count("operations", all)
	r.count("ok", good)
	switch share := float64(good) / float64(all); {
	case all == 0:
		r.doubt("There are no operations to judge.")
	case share < o.OKShare:
		if r.found("budget", bad...) {
			r.tell("budget", "of %s only %d ended ok, %.3f %%; %g %% were promised. The first that did not is #%d of %s.",
				say.Number(all, "operation"), good, share*100, o.OKShare*100, call(bad[0]), who(bad[0]))
		}
	default:
		r.judged = true
	}
}

// A served is the operations through one node: all, by invocation, and those
// that ended ok by their completion.
type served struct{ asked, ok []history.Operation }

func byNode(ops []history.Operation) map[string]served {
	nodes := make(map[string]served)
	for _, o := range ops {
		s := nodes[o.Invoke.Node]
		s.asked = append(s.asked, o)
		if o.Type() == history.OK {
			s.ok = append(s.ok, o)
		}
		nodes[o.Invoke.Node] = s
	}
	for _, s := range nodes {
		slices.SortFunc(s.ok, func(a, b history.Operation) int { return ret(a) - ret(b) })
	}
	return nodes
}

// heal judges how one node fared after a fault was gone.
func (r *report) heal(f history.FaultWindow, node string, s served, faults []history.FaultWindow, o AvailabilityOptions) {
	deadline := f.Healed + o.Within
	at, _ := slices.BinarySearchFunc(s.ok, f.Healed, func(op history.Operation, t time.Duration) int { return int(op.Complete.Time - t) })
	took, proof := time.Duration(-1), history.Operation{}
	if at < len(s.ok) {
		proof = s.ok[at]
		took = proof.Complete.Time - f.Healed
	}
	if took >= 0 && took <= o.Within {
		r.count("served", 1)
		r.judged = true
		r.counts[node+"-ms"] = max(r.counts[node+"-ms"], took.Milliseconds())
		return
	}
	asked := between(s.asked, f.Healed, deadline)
	hurt := slices.ContainsFunc(faults, func(g history.FaultWindow) bool {
		return g.ID != f.ID && slices.Contains(g.Nodes, node) && g.Covers(f.Healed, deadline)
	})
	if len(asked) == 0 || hurt || !reaches(s.asked, r.h, deadline) {
		r.count("not-judged", 1)
		return
	}
	r.count("served", 1)
	if r.found("late", append(asked[:min(len(asked), 8)], proof)...) {
		r.tell("late", "node %s did not serve again within %s after %s was gone at %s; it was asked %s in that time, and %s.",
			node, o.Within, f.ID, say.Moment(f.Healed), say.Number(len(asked), "time"), servedLater(took, proof))
	}
}

func servedLater(took time.Duration, o history.Operation) string {
	if took < 0 {
		return "never served again"
	}
	return fmt.Sprintf("served %s after it (#%d)", say.Span(took), ret(o))
}

// between returns the operations invoked in [from, to].
func between(ops []history.Operation, from, to time.Duration) []history.Operation {
	first, _ := slices.BinarySearchFunc(ops, from, func(o history.Operation, t time.Duration) int { return int(o.Start() - t) })
	last, _ := slices.BinarySearchFunc(ops, to+1, func(o history.Operation, t time.Duration) int { return int(o.Start() - t) })
	return slices.Clone(ops[first:last])
}

// reaches reports whether clients had not given the node up at the deadline:
// an operation began or ended after it, or was still open when the history ended.
func reaches(asked []history.Operation, h *history.History, deadline time.Duration) bool {
	ends := h.Ops[len(h.Ops)-1].Time
	for i := len(asked) - 1; i >= 0; i-- {
		o := asked[i]
		until := ends
		if o.Complete != nil {
			until = o.Complete.Time
		}
		if o.Start() >= deadline || until >= deadline {
			return true
		}
	}
	return false
}
