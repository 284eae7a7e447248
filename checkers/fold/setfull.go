package fold

import (
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// SetFullOptions are what [SetFull] can be asked beyond the least.
type SetFullOptions struct {
	// Linearizable makes an element that a read missed for a while after it
	// was known a violation ("stale"); without it that is only counted.
	Linearizable bool
}

// SetFull follows every element of a grow-only set through all reads.
//
// It reads the operations of [Set]; every read that ended ok is judged.
//
// An element is known from the moment when its add was acknowledged, or when a
// read that holds it ended, whichever was first. It is stable if no read that
// began after the last one that holds it lacks it; it is lost if it was known,
// and the last read to begin lacks it and began after that. An absence from a
// read that began before the add did, or before the element was known, proves
// nothing. Property: nothing is
// "lost", no read holds an element twice ("duplicate"), or one that nobody was
// adding ("unexpected") or only adds that failed ("aborted"); with
// Linearizable, no read that began after an element was known lacks a stable
// one ("stale"). Counts have "stable", "lost", "never-read", "stale" and, in
// milliseconds, the quantiles of how long after it was known an element was
// last missed: "stable-ms-p50", "-p95", "-p99", "-max".
//
// Cost: O(n + elements in all reads); each element remembers only the last
// read that held it and the last that did not. Unknown: no element is stable,
// or elements were removed. Counterexample: "element 17 is lost: added by
// process 3 and acknowledged at 2.100s (#9), last seen by process 1 (#12), but
// missing from the read of process 4 begun at 3.000s (#20)."
func SetFull(o SetFullOptions) checkers.Checker {
	return checker{
		name:    "set-full",
		judge:   func(r *report, ops []history.Operation) { judgeSetFull(r, ops, o) },
		lacking: "No element is stable: no read that began after an add was acknowledged holds the element, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("Of %s those that can be judged (%d) are stable, none twice in a read; missed for a while after they were known: %d, at worst for %dms.",
				say.Number(r.counts["attempted"], "element"), r.counts["stable"], r.counts["stale"], r.counts["stable-ms-max"])
		},
	}
}

// A sighting is how an element fared in the reads, which are numbered in the
// order in which they began.
type sighting struct {
	// seen is the last read that holds the element, missed the last that does
	// not; -1: none.
	seen, missed int32
	// shown is the read that holds it and completed first; -1: none.
	shown int32
}

func judgeSetFull(r *report, ops []history.Operation, o SetFullOptions) {
	if slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Invoke.F == "remove" || o.Invoke.F == "delete" }) {
		r.doubt("elements are removed too, and this check knows sets that only grow.")
		return
	}
	v := stock(r, ops, fAdd)
	reads := oks(ops, fRead)
	sightings, whole := watch(r, v, reads)
	r.count("reads", len(reads))
	r.count("attempted", len(v.items))
	if !whole {
		return
	}
	var delays []time.Duration
	for e := range v.items {
		s := sightings[e]
		if s.shown >= 0 && v.strange(r, int32(e), reads[s.shown], "element") || v.items[e].attempts == 0 {
			continue
		}
		if late, stable := settle(r, v, int32(e), s, reads, o); stable {
			delays = append(delays, late)
			r.judged = true
		}
	}
	quantiles(r, delays)
}

// watch reads all reads, in the order in which they began. whole is false if
// it was stopped.
func watch(r *report, v *inventory, reads []history.Operation) (sightings []sighting, whole bool) {
	var elements []int32
	var found bool
	for i, read := range reads {
		if elements, found = v.ids.elements(read.Complete.Value, elements[:0]); !found {
			r.doubt("the read #%d is no array of elements: %s.", ret(read), show(read.Complete.Value))
			return nil, false
		}
		v.grow()
		for len(sightings) < len(v.items) {
			sightings = append(sightings, sighting{seen: -1, missed: int32(i - 1), shown: -1})
		}
		if r.spend(len(elements) + 1) {
			r.doubt("Time ran out after %d of %s.", i, say.Number(len(reads), "read"))
			return nil, false
		}
		holds(r, v, sightings, elements, int32(i), reads)
	}
	for len(sightings) < len(v.items) {
		sightings = append(sightings, sighting{seen: -1, missed: -1, shown: -1})
	}
	for e := range sightings {
		if last := int32(len(reads) - 1); sightings[e].seen != last {
			sightings[e].missed = last
		}
	}
	return sightings, true
}

// holds notes that the i-th read holds the elements.
func holds(r *report, v *inventory, sightings []sighting, elements []int32, i int32, reads []history.Operation) {
	for _, e := range elements {
		s := &sightings[e]
		switch s.seen {
		case i:
			if r.found("duplicate", v.items[e].first, reads[i]) {
				r.tell("duplicate", "element %s is in what %s read (#%d) more than once.", v.ids.name(e), who(reads[i]), ret(reads[i]))
			}
			continue
		case i - 1:
		default:
			s.missed = i - 1
		}
		s.seen = i
		if s.shown < 0 || ret(reads[i]) < ret(reads[s.shown]) {
			s.shown = i
		}
	}
}

// settle decides about one element, and returns for a stable one how long
// after it was known it was last missed.
func settle(r *report, v *inventory, e int32, s sighting, reads []history.Operation, o SetFullOptions) (late time.Duration, stable bool) {
	a := &v.items[e]
	known, since := a.known, time.Duration(0)
	if known != open {
		since = a.acked.Complete.Time
	}
	if s.shown >= 0 && ret(reads[s.shown]) < known {
		known, since = ret(reads[s.shown]), reads[s.shown].Complete.Time
	}
	if s.missed >= 0 && call(reads[s.missed]) < a.called {
		s.missed = -1
	}
	missedAfter := s.missed >= 0 && call(reads[s.missed]) > known
	switch {
	case s.seen >= 0 && s.missed < s.seen:
		r.count("stable", 1)
		if missedAfter {
			late = max(0, reads[s.missed].Start()+1-since)
			r.stale(v, e, s, reads, o)
		}
		return late, true
	case missedAfter:
		r.lost(v, e, s, reads)
	default:
		r.count("never-read", 1)
	}
	return 0, false
}

// stale notes that a read missed what was known, though later reads have it.
func (r *report) stale(v *inventory, e int32, s sighting, reads []history.Operation, o SetFullOptions) {
	a, missed := &v.items[e], reads[s.missed]
	if !o.Linearizable {
		r.count("stale", 1)
		return
	}
	if r.found("stale", proofOf(a), reads[s.shown], missed) {
		r.tell("stale", "element %s, %s, is missing from the read of %s, %s, but not from later ones.",
			v.ids.name(e), source(a, reads[s.shown]), who(missed), began(missed))
	}
}

// lost notes that an element was known and is gone.
func (r *report) lost(v *inventory, e int32, s sighting, reads []history.Operation) {
	a, missed := &v.items[e], reads[s.missed]
	if s.seen < 0 {
		if r.found("lost", a.acked, missed) {
			r.tell("lost", "element %s is lost: %s, it is missing from the read of %s, %s, and was never seen.",
				v.ids.name(e), source(a, history.Operation{}), who(missed), began(missed))
		}
		return
	}
	seen := reads[s.seen]
	if r.found("lost", proofOf(a), seen, missed) {
		r.tell("lost", "element %s is lost: %s, last seen by %s (#%d), it is missing from the read of %s, %s.",
			v.ids.name(e), source(a, seen), who(seen), ret(seen), who(missed), began(missed))
	}
}

// proofOf is the operation that put an element in, as well as one can say.
func proofOf(a *adding) history.Operation {
	if a.acked.Invoke != nil {
		return a.acked
	}
	return a.first
}

// source says how an element came to be known.
func source(a *adding, seen history.Operation) string {
	if a.acked.Invoke != nil {
		return fmt.Sprintf("added by %s and %s", who(a.acked), ended(a.acked))
	}
	return fmt.Sprintf("known since %s read it (#%d)", who(seen), ret(seen))
}

// quantiles counts how long elements were missed after they were known.
func quantiles(r *report, delays []time.Duration) {
	if len(delays) == 0 {
		return
	}
	slices.Sort(delays)
	at := func(q float64) int64 { return delays[int(q*float64(len(delays)-1))].Milliseconds() }
	for name, q := range map[string]float64{"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1} {
		r.counts["stable-ms-"+name] = max(r.counts["stable-ms-"+name], at(q))
	}
}
