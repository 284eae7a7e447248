package fold

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// toldOfAKind is how many findings of one kind are told in sentences:
	// the fourth teaches nobody anything.
	toldOfAKind = 3
	// provenOfAKind is how many findings of one kind are in the evidence.
	provenOfAKind = 1000
	// toldDoubts is how many reasons for Unknown are told.
	toldDoubts = 5
	// open is the end of an operation with an unknown outcome: after every event.
	open = math.MaxInt
	// pause is how many steps of work go between two looks at the context:
	// less than a millisecond.
	pause = 4096
)

// A checker judges the operations of each key, or all together.
type checker struct {
	name string
	// whole: the operations of all keys are judged together.
	whole bool
	judge func(r *report, ops []history.Operation)
	// sum says, in a sentence, what was found to be in order.
	sum func(r *report) string
	// lacking says what there was nothing of, when nothing was judged.
	lacking string
}

// Name returns the name of the check.
func (c checker) Name() string { return c.name }

// Check passes over the history. It answers Unknown if ctx is done before the end.
func (c checker) Check(ctx context.Context, h *history.History) checkers.Result {
	r := newReport(ctx, h)
	ops := h.Operations()
	if c.whole {
		c.judge(r, ops)
		return r.result(c)
	}
	groups := byKey(ops)
	for i, g := range groups {
		if r.stopped() {
			r.doubt("Time ran out after %d of %s.", i, say.Number(len(groups), "key"))
			break
		}
		r.key = g.key
		c.judge(r, g.ops)
	}
	r.key = ""
	return r.result(c)
}

// A group is the operations of one key.
type group struct {
	key string
	ops []history.Operation
}

// byKey splits operations by key, in order of the keys' first operations.
func byKey(ops []history.Operation) []group {
	if len(ops) == 0 {
		return nil
	}
	if !slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Invoke.Key != ops[0].Invoke.Key }) {
		return []group{{ops[0].Invoke.Key, ops}}
	}
	var groups []group
	place := make(map[string]int)
	for _, o := range ops {
		at, ok := place[o.Invoke.Key]
		if !ok {
			at = len(groups)
			place[o.Invoke.Key] = at
			groups = append(groups, group{key: o.Invoke.Key})
		}
		groups[at].ops = append(groups[at].ops, o)
	}
	return groups
}

// A report gathers what a check finds.
type report struct {
	ctx context.Context
	h   *history.History
	key string
	// judged is set once something was there to be judged.
	judged   bool
	work     int
	done     bool
	kinds    []*kind
	counts   map[string]int64
	doubts   []string
	doubted  int
	evidence []int
}

// A kind is what is known about one kind of finding.
type kind struct {
	name string
	n    int64
	says []string
	// findings are those that are told, each with its own proof.
	findings []checkers.Finding
}

func newReport(ctx context.Context, h *history.History) *report {
	return &report{ctx: ctx, h: h, counts: make(map[string]int64)}
}

// spend is called for every n steps of work and reports whether to stop.
func (r *report) spend(n int) bool {
	if r.work += n; r.work >= pause {
		r.work = 0
		r.done = r.done || r.ctx.Err() != nil
	}
	return r.done
}

// stopped reports whether the context is done.
func (r *report) stopped() bool {
	r.done = r.done || r.ctx.Err() != nil
	return r.done
}

// cutShort notes that time ran out at the i-th of the operations of this key.
func (r *report) cutShort(i, of int) {
	r.doubt("Time ran out after %d of %s.", i, say.Number(of, "operation"))
}

// found notes a violation of the given kind, proven by ops, and reports
// whether it is still to be told with tell.
func (r *report) found(name string, ops ...history.Operation) bool {
	at := slices.IndexFunc(r.kinds, func(k *kind) bool { return k.name == name })
	if at < 0 {
		at = len(r.kinds)
		r.kinds = append(r.kinds, &kind{name: name})
	}
	k := r.kinds[at]
	k.n++
	r.judged = true
	if k.n <= provenOfAKind {
		r.evidence = append(r.evidence, eventsOf(ops)...)
	}
	if len(k.says) >= toldOfAKind {
		return false
	}
	if n := len(k.findings); n > 0 && len(k.findings[n-1].Says) == 0 {
		k.findings = k.findings[:n-1] // nothing was told of it
	}
	k.findings = append(k.findings, checkers.Finding{Kind: name, Events: eventsOf(ops)})
	return true
}

// prove puts ops into the evidence, of which it does not grow beyond bounds,
// without noting another violation.
func (r *report) prove(ops ...history.Operation) {
	if room := 4*provenOfAKind - len(r.evidence); room > 0 {
		r.evidence = append(r.evidence, eventsOf(ops[:min(len(ops), room)])...)
	}
}

// eventsOf are the events of operations, in order.
func eventsOf(ops []history.Operation) []int {
	var events []int
	for _, o := range ops {
		if o.Invoke == nil {
			continue
		}
		events = append(events, o.Invoke.Index)
		if o.Complete != nil {
			events = append(events, o.Complete.Index)
		}
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// counted returns how many violations of a kind have been noted.
func (r *report) counted(name string) int64 {
	for _, k := range r.kinds {
		if k.name == name {
			return k.n
		}
	}
	return 0
}

// tell adds a sentence about a finding of the given kind.
func (r *report) tell(name, format string, args ...any) {
	for _, k := range r.kinds {
		if k.name == name {
			says := r.sentence(format, args...)
			k.says = append(k.says, says)
			if n := len(k.findings); n > 0 {
				k.findings[n-1].Says = append(k.findings[n-1].Says, says)
			}
		}
	}
}

// doubt notes a reason why the verdict cannot be Valid.
func (r *report) doubt(format string, args ...any) {
	r.doubted++
	if len(r.doubts) < toldDoubts {
		r.doubts = append(r.doubts, r.sentence(format, args...))
	}
}

// sentence names the key in front, if there is one.
func (r *report) sentence(format string, args ...any) string {
	says := fmt.Sprintf(format, args...)
	if r.key == "" {
		return say.Capital(says)
	}
	return "Key " + r.key + ": " + says
}

// count adds to a figure.
func (r *report) count(name string, n int) { r.counts[name] += int64(n) }

// result sums up. A violation outranks a doubt.
func (r *report) result(c checker) checkers.Result {
	slices.Sort(r.evidence)
	result := checkers.Result{Check: c.name, Counts: r.counts, Evidence: slices.Compact(r.evidence)}
	for _, k := range r.kinds {
		result.Verdict = checkers.Violation
		r.counts[k.name] = k.n
		result.Says = append(result.Says, k.says...)
		result.Findings = append(result.Findings, k.findings...)
		if more := k.n - int64(len(k.says)); more > 0 {
			says := fmt.Sprintf("Of this kind (%s) there are %d more.", k.name, more)
			result.Says = append(result.Says, says)
			if n := len(k.findings); n > 0 { // It stands below the examples, wherever they are told.
				last := &result.Findings[len(result.Findings)-1]
				last.Says = append(slices.Clip(last.Says), says)
			}
		}
	}
	result.Says = append(result.Says, r.doubts...)
	if more := r.doubted - len(r.doubts); more > 0 {
		result.Says = append(result.Says, fmt.Sprintf("There are %d more such reasons.", more))
	}
	switch {
	case len(r.kinds) > 0 || r.doubted > 0:
	case !r.judged:
		result.Says = []string{c.lacking}
	default:
		result.Verdict = checkers.Valid
		result.Says = []string{c.sum(r)}
	}
	return result
}

// call is the place of the invocation in the history.
func call(o history.Operation) int { return o.Invoke.Index }

// ret is the place of the completion, or open if the outcome is unknown.
func ret(o history.Operation) int {
	if o.Type() == history.Info {
		return open
	}
	return o.Complete.Index
}

// ok reports whether o is an operation f that succeeded.
func ok(o history.Operation, f string) bool {
	return o.Invoke.F == f && o.Type() == history.OK
}

// finals returns the operations of which the last word is taken: those marked
// final, or if there are none the one that completed last.
func finals(reads []history.Operation) []history.Operation {
	var marked []history.Operation
	for _, o := range reads {
		if o.Invoke.Final {
			marked = append(marked, o)
		}
	}
	if len(marked) > 0 || len(reads) == 0 {
		return marked
	}
	return []history.Operation{slices.MaxFunc(reads, func(a, b history.Operation) int { return cmp.Compare(ret(a), ret(b)) })}
}

// oks returns the operations f that succeeded.
func oks(ops []history.Operation, f string) []history.Operation {
	var found []history.Operation
	for _, o := range ops {
		if ok(o, f) {
			found = append(found, o)
		}
	}
	return found
}
