package fold

import (
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// Names of operations that several checkers read.
const (
	fAdd     = "add"
	fRead    = "read"
	fWrite   = "write"
	fEnqueue = "enqueue"
)

// Set decides whether a grow-only set still holds, in the end, what was put
// into it.
//
// It reads: add, the value being the element; read, ok with the array of all
// elements. Judged are the reads marked final, each for itself, or if there
// are none the read that completed last.
//
// Property: an element whose add was acknowledged before the read began is in
// it ("lost" if not); an element in the read was being added before the read
// ended ("unexpected" if not), and not only by adds that failed ("aborted").
// An element whose add has an unknown outcome may be there ("recovered") or
// not.
//
// Cost: O(n) in operations and elements read. Unknown: no read ended ok,
// nothing was added, or elements were removed, which only a linearizability
// check of sets can judge. Counterexample: "element 17, added by process 3
// through n1 and acknowledged at 2.100s (#9), is missing from the final read
// of process 4 through n2 (#20)."
func Set() checkers.Checker {
	return checker{
		name: "set", judge: judgeSet,
		lacking: "Nothing was added, or no read of the set ended ok, so nothing is known about it.",
		sum: func(r *report) string {
			return fmt.Sprintf("The last reads (%d) hold all elements that were acknowledged before them (of %d), and nothing that nobody added; elements of adds with an unknown outcome: %d.",
				r.counts["reads"], r.counts["acknowledged"], r.counts["recovered"])
		},
	}
}

// An adding is what is known about one element or message: who put it in.
type adding struct {
	// first is the first add that may have happened, acked the first to be
	// acknowledged, failed the first that failed; Invoke is nil if none.
	first, acked, failed history.Operation
	// called is the place of first's invocation, known that of the earliest
	// acknowledgement; open if there is none.
	called, known int
	// attempts counts the adds that may have happened.
	attempts int
}

// add takes in another add of the element.
func (a *adding) add(o history.Operation) {
	if o.Type() == history.Fail {
		if a.failed.Invoke == nil {
			a.failed = o
		}
		return
	}
	if a.attempts++; a.attempts == 1 {
		a.first, a.called = o, call(o)
	}
	if o.Type() == history.OK && ret(o) < a.known {
		a.acked, a.known = o, ret(o)
	}
}

// An inventory is all elements that were put in, by id.
type inventory struct {
	ids   ids
	items []adding
}

// put takes in an operation that puts the value in.
func (v *inventory) put(o history.Operation) int32 {
	id := v.ids.of(o.Invoke.Value)
	v.grow()
	v.items[id].add(o)
	return id
}

// grow makes room for the ids given out since.
func (v *inventory) grow() {
	for len(v.items) < v.ids.len() {
		v.items = append(v.items, adding{called: open, known: open})
	}
}

// stock collects the operations that put something in.
func stock(r *report, ops []history.Operation, f string) *inventory {
	v := &inventory{}
	for _, o := range ops {
		if r.spend(1) {
			break
		}
		if o.Invoke.F == f {
			v.put(o)
		}
	}
	return v
}

func judgeSet(r *report, ops []history.Operation) {
	for _, o := range ops {
		if o.Invoke.F == "remove" || o.Invoke.F == "delete" {
			r.doubt("elements are removed too (#%d), and this check knows sets that only grow.", o.Invoke.Index)
			return
		}
	}
	v := stock(r, ops, fAdd)
	reads := oks(ops, fRead)
	if len(reads) == 0 {
		return
	}
	for i := range v.items {
		if v.items[i].acked.Invoke != nil {
			r.count("acknowledged", 1)
		}
	}
	r.count("attempted", len(v.items))
	recovered := make(map[int32]bool)
	for _, read := range finals(reads) {
		if r.stopped() {
			r.doubt("Time ran out before the read #%d.", call(read))
			return
		}
		judgeSetRead(r, v, read, recovered)
	}
	r.count("recovered", len(recovered))
}

// judgeSetRead judges one read of the whole set.
func judgeSetRead(r *report, v *inventory, read history.Operation, recovered map[int32]bool) {
	elements, ok := v.ids.elements(read.Complete.Value, nil)
	v.grow()
	if !ok {
		r.doubt("the read #%d is no array of elements: %s.", ret(read), show(read.Complete.Value))
		return
	}
	r.judged = r.judged || v.ids.len() > 0
	r.count("reads", 1)
	present := make([]bool, len(v.items))
	for _, e := range elements {
		if present[e] {
			continue
		}
		present[e] = true
		if v.strange(r, e, read, "element") {
			continue
		}
		if v.items[e].acked.Invoke == nil {
			recovered[e] = true
		}
	}
	for e := range v.items {
		a := &v.items[e]
		if a.known < call(read) && !present[e] && r.found("lost", a.acked, read) {
			r.tell("lost", "element %s, added by %s and %s, is missing from the last read of %s, %s.",
				show(a.acked.Invoke.Value), who(a.acked), ended(a.acked), who(read), began(read))
		}
	}
}

// strange reports whether something seen by an operation cannot have been
// there, and notes it: nobody put it in, or not until later, or in vain.
func (v *inventory) strange(r *report, id int32, seen history.Operation, thing string) bool {
	a := &v.items[id]
	switch {
	case a.attempts > 0 && a.called < ret(seen):
		return false
	case a.failed.Invoke != nil && call(a.failed) < ret(seen):
		if r.found("aborted", a.failed, seen) {
			r.tell("aborted", "%s %s is in what %s got (#%d), but only %s tried to put it in, and that %s.",
				thing, v.ids.name(id), who(seen), ret(seen), who(a.failed), ended(a.failed))
		}
	case a.attempts > 0:
		if r.found("unexpected", a.first, seen) {
			r.tell("unexpected", "%s %s is in what %s got (#%d) before anybody began to put it in: %s did so only later, %s.",
				thing, v.ids.name(id), who(seen), ret(seen), who(a.first), began(a.first))
		}
	default:
		if r.found("unexpected", seen) {
			r.tell("unexpected", "%s %s is in what %s got (#%d), but nobody ever put it in.",
				thing, v.ids.name(id), who(seen), ret(seen))
		}
	}
	return true
}
