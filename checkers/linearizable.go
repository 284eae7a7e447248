package checkers

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

const (
	// confirmTime is how long we may take to confirm the few operations of a
	// contradiction, even if the check's own time is up: a violation that was
	// found must not get lost.
	confirmTime = 2 * time.Second
	// shrinkTime bounds how long we look for a smaller counterexample.
	shrinkTime = 10 * time.Second
)

// linearizable decides whether every key is a linearizable register: whether
// each operation can be given one moment between its invocation and its
// completion, such that every result is what the operations before it left
// (Herlihy and Wing, Linearizability, 1990). At first a key is absent: null.
//
// Operations that failed did not happen; one with an unknown result may have
// happened at any time after its invocation, or never; a read with an unknown
// result says nothing.
//
// Algorithm: key by key, smallest first. Where every value is written once,
// zones decide, and contradictions are looked for directly (see
// [contradiction]). Any other key goes to a search along the events, and what that
// gives up to porcupine; see [decide]. The result names who decided.
//
// Cost: O(n log n) for zones and patterns; exponential in the number of
// overlapping operations of one key for the search, whose memory does not grow
// with the history. Unknown when time or memory runs out,
// when operations of a key are none of the model's, or when no operation
// observed anything, so that nothing could have contradicted.
//
// A counterexample is a smallest set of operations of one key, in sentences
// with the faults that were in force, as events in counterexample.jsonl and as
// porcupine's picture.
type linearizable struct {
	model   model
	options RegisterOptions
}

// Name returns "linearizable".
func (linearizable) Name() string { return "linearizable" }

// A judgement is what is known about one key.
type judgement struct {
	*register
	verdict Verdict
	// engine is who decided; empty if nobody did.
	engine string
	// reason is why the verdict is Unknown.
	reason string
	// found is the contradiction, if it is one of the patterns.
	found *contradiction
}

// Check judges all keys. When ctx is done, the keys not yet judged are Unknown.
func (c linearizable) Check(ctx context.Context, h *history.History) Result {
	faults := h.Faults()
	initials := c.options.Initial
	if len(initials) == 0 {
		initials = []string{null}
	}
	keys := c.judge(ctx, h, faults, initials[0])
	for _, other := range initials[1:] {
		if slices.ContainsFunc(keys, func(k *judgement) bool { return k.verdict == Violation }) {
			relent(keys, c.judge(ctx, h, faults, other))
		}
	}
	return c.conclude(ctx, keys, faults)
}

// judge judges all keys, given what they held at first.
func (c linearizable) judge(ctx context.Context, h *history.History, faults []history.FaultWindow, first string) []*judgement {
	var keys []*judgement
	for _, r := range keysOf(h, first) {
		keys = append(keys, &judgement{register: r, reason: outOfTime})
	}
	smallestFirst(keys)
	operations := h.Operations()
	each := func(keys []*judgement, do func(*judgement)) {
		Each(len(keys), runtime.GOMAXPROCS(0), func(i int) {
			keys[i].guard(func() {
				keys[i].gather(operations, c)
				do(keys[i])
			})
			if keys[i].verdict != Violation {
				keys[i].forget()
			}
		})
	}
	each(keys, func(k *judgement) { k.glance(ctx, faults) })
	left := slices.DeleteFunc(slices.Clone(keys), func(k *judgement) bool { return k.verdict != Unknown || k.strange != "" })
	each(left, func(k *judgement) { k.search(ctx) })
	return keys
}

// smallestFirst puts keys in the order in which they are judged. Those of about the
// same size stay in that of their first use: what was done to them one after another
// is together in the history, which may not be in memory as a whole.
func smallestFirst(keys []*judgement) {
	slices.SortStableFunc(keys, func(a, b *judgement) int { return cmp.Compare(bits.Len(uint(len(a.at))), bits.Len(uint(len(b.at)))) })
}

// relent puts other judgements of keys in place of violations that they do not
// bear out: those keys began with another value.
func relent(keys, others []*judgement) {
	byKey := make(map[string]*judgement, len(others))
	for _, k := range others {
		byKey[k.key] = k
	}
	for i, k := range keys {
		if other := byKey[k.key]; k.verdict == Violation && other.verdict != Violation {
			keys[i] = other
		}
	}
}

// guard keeps a bug that one key meets from taking the others along.
func (k *judgement) guard(do func()) {
	defer func() {
		if cause := recover(); cause != nil {
			k.verdict, k.reason = Unknown, fmt.Sprintf("the checker itself broke: %v", cause)
		}
	}()
	do()
}

// glance decides what can be decided quickly, and looks for the patterns of a
// contradiction. What it finds is confirmed by porcupine, so that a mistake of
// ours cannot make a false alarm.
func (k *judgement) glance(ctx context.Context, faults []history.FaultWindow) {
	if k.strange != "" {
		k.reason = k.strange
		return
	}
	if ctx.Err() != nil {
		return
	}
	var reduced []access
	var found []*contradiction
	if unique(k.accesses) {
		// Zones decide, and take no longer than a look.
		if verdict, engine, _ := decide(ctx, k.accesses); verdict == Valid {
			k.verdict, k.engine = verdict, engine
			return
		}
		reduced = reduce(k.accesses)
		found = contradictions(reduced, func(a *access) int { return clarity(a, faults) })
	} else if c := findGarbage(tenures(believed(k.accesses))); c != nil {
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b *contradiction) int { return compare(a, b, faults) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime)
	defer cancel()
	for _, f := range found {
		f.complete(k.accesses, reduced)
		if verdict, _ := search(ctx, f.core); verdict == Violation {
			k.verdict, k.found, k.engine = Violation, f, "porcupine"
			if unique(k.accesses) {
				k.engine = "zones"
			}
			return
		}
	}
}

// believed returns the accesses without what those with an unknown result
// would have needed: they need not have happened.
func believed(accesses []access) []access {
	some := slices.Clone(accesses)
	for i := range some {
		if !some[i].certain() {
			some[i].needs = nothing
		}
	}
	return some
}

// search decides the key.
func (k *judgement) search(ctx context.Context) {
	k.verdict, k.engine, k.reason = decide(ctx, k.accesses)
}

// clarity tells how well a reader will understand what went wrong with a: 0
// best. A fault that hurt the node that served it is half the explanation, the
// more so when it was in force from before the access began until it ended.
func clarity(a *access, faults []history.FaultWindow) int {
	switch hurt, others := inForce(a.op, faults); {
	case !a.certain():
		return 4
	case slices.ContainsFunc(hurt, func(f history.FaultWindow) bool { return spans(f, a.op) }):
		return 0
	case len(hurt) > 0:
		return 1
	case len(others) > 0:
		return 2
	}
	return 3
}

// compare puts the contradiction first that we would rather explain: a stale
// access while its node was being hurt, the plainest first, then the earliest.
func compare(a, b *contradiction, faults []history.FaultWindow) int {
	rank := func(c *contradiction) int {
		if c.pattern == stale {
			return min(clarity(c.culprit, faults), 2)
		}
		return 2
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	if rank(a) < 2 && a.age != b.age {
		return cmp.Compare(b.age, a.age)
	}
	return cmp.Compare(a.culprit.ret, b.culprit.ret)
}

// conclude makes one result of all keys.
func (c linearizable) conclude(ctx context.Context, keys []*judgement, faults []history.FaultWindow) Result {
	t := tally(keys)
	r := Result{Check: c.Name() + " " + c.model.name, Counts: t.counts()}
	switch {
	case len(t.violated) > 0:
		r.Verdict = Violation
		c.explain(ctx, &r, t, faults)
	case len(keys) == 0:
		r.Says = []string{"There is no operation to judge."}
	case len(t.unjudged) > 0:
		r.Says = []string{t.judgedSentence(), t.unjudgedSentence()}
	case t.observations == 0:
		r.Says = []string{fmt.Sprintf("None of %s observed anything, so nothing could have contradicted.", say.Number(t.operations, "operation"))}
	default:
		r.Verdict = Valid
		r.Says = []string{fmt.Sprintf("All %s are linearizable; %s%s.", say.Number(len(keys), "key"), t.operationsPhrase(), t.enginesPhrase())}
		if len(keys) == 1 {
			r.Says[0] = fmt.Sprintf("%s is linearizable; %s%s.", say.Capital(keys[0].name()), t.operationsPhrase(), t.enginesPhrase())
		}
	}
	for _, says := range t.taken() {
		// Of a check that found nothing, only the first line may be read.
		r.Says[0] += " " + says
	}
	return r
}

// A tallied is all keys, sorted by how they came out.
type tallied struct {
	valid, violated, unjudged []*judgement
	// observations counts the accesses that saw a value, and silent the reads of
	// null that were taken to say nothing.
	operations, unknown, observations, silent int
	// began are the keys that held something else than null at first.
	began []*judgement
}

func tally(keys []*judgement) tallied {
	var t tallied
	for _, k := range keys {
		switch k.verdict {
		case Valid:
			t.valid = append(t.valid, k)
		case Violation:
			t.violated = append(t.violated, k)
		default:
			t.unjudged = append(t.unjudged, k)
		}
		t.operations += k.operations
		t.unknown += k.unknown
		t.silent += k.silent
		t.observations += k.observations
		if k.first != null {
			t.began = append(t.began, k)
		}
	}
	return t
}

func (t tallied) keys() int { return len(t.valid) + len(t.violated) + len(t.unjudged) }

func (t tallied) counts() map[string]int64 {
	return map[string]int64{
		"keys": int64(t.keys()), "keys_linearizable": int64(len(t.valid)),
		"keys_violated": int64(len(t.violated)), "keys_not_judged": int64(len(t.unjudged)),
		"operations": int64(t.operations), "operations_unknown": int64(t.unknown),
	}
}

func (t tallied) operationsPhrase() string {
	if t.unknown == 0 {
		return "no operation has an unknown result"
	}
	return fmt.Sprintf("of %s %s an unknown result", say.Number(t.operations, "operation"), say.Have(t.unknown))
}

// taken tells what was taken for granted about the keys.
func (t tallied) taken() (says []string) {
	if n := len(t.began); n > 0 {
		says = append(says, fmt.Sprintf("%s taken to have held %s at first.", number(n, "key was", "keys were"), t.began[0].first))
	}
	if t.silent > 0 {
		says = append(says, fmt.Sprintf("%s taken to say nothing: with null_unknown=false they mean that the key was absent.",
			number(t.silent, "read of null was", "reads of null were")))
	}
	return says
}

// number writes n with one of two words.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// judgedSentence tells how many keys are known to be right.
func (t tallied) judgedSentence() string {
	return fmt.Sprintf("Of %s %d could be judged, and %s linearizable; %s%s.",
		say.Number(t.keys(), "key"), len(t.valid)+len(t.violated), say.Are(len(t.valid)), t.operationsPhrase(), t.enginesPhrase())
}

// unjudgedSentence names the keys that were not judged by reason; it is empty
// if there are none.
func (t tallied) unjudgedSentence() string {
	if len(t.unjudged) == 0 {
		return ""
	}
	first := t.unjudged[0].reason
	var same []string
	for _, k := range t.unjudged {
		if k.reason == first {
			same = append(same, k.name())
		}
	}
	rest := ""
	if others := len(t.unjudged) - len(same); others > 0 {
		rest = fmt.Sprintf("; %s for other reasons", say.Number(others, "more key"))
	}
	return fmt.Sprintf("Not judged: %s (%s)%s.", say.Few(same, 5), first, rest)
}
