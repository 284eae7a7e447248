package fold

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// CausalReverse decides whether a read saw a write without the writes that
// had been acknowledged before it began: strict serializability's time travel.
//
// It reads: write, the value being unique; read, ok with the array of all
// values written so far, in any order.
//
// Property: a read that holds a value holds every value whose write was
// acknowledged before the write of that one began ("reversed"); it holds
// nothing that nobody was writing ("unexpected") or only writes that failed
// ("aborted"). A read may be stale.
//
// Cost: O(n log n + values read): for a read only the value matters whose
// write began last. Unknown: no read with a value ended ok. Counterexample:
// "process 3 saw 2 but not 1 (#20), though the write of 1 had been
// acknowledged (#9) before that of 2 began (#10)."
func CausalReverse() checkers.Checker {
	return checker{
		name: "causal-reverse", judge: judgeCausalReverse,
		lacking: "No read that saw anything ended ok, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("All reads that saw anything (%d) hold what was acknowledged before any value in them was begun.", r.counts["reads"])
		},
	}
}

func judgeCausalReverse(r *report, ops []history.Operation) {
	v := stock(r, ops, fWrite)
	acked := make([]int32, 0, len(v.items))
	for id := range v.items {
		if v.items[id].known != open {
			acked = append(acked, int32(id))
		}
	}
	slices.SortFunc(acked, func(a, b int32) int { return cmp.Compare(v.items[a].known, v.items[b].known) })
	place := make([]int, len(v.items)) // of each acknowledged value in that order
	for at, id := range acked {
		place[id] = at + 1
	}
	seen := make([]int, len(v.items)) // the last read that holds a value, from 1
	var elements []int32
	for i, read := range oks(ops, fRead) {
		var isArray bool
		if elements, isArray = v.ids.elements(read.Complete.Value, elements[:0]); !isArray {
			r.doubt("the read #%d is no array of values: %s.", ret(read), show(read.Complete.Value))
			continue
		}
		v.grow()
		for len(seen) < len(v.items) {
			seen, place = append(seen, 0), append(place, 0)
		}
		if r.spend(len(elements) + 1) {
			r.doubt("Time ran out after %s.", say.Number(i, "read"))
			return
		}
		v.reversed(r, read, elements, acked, place, seen, i+1)
	}
}

// reversed judges one read, the n-th.
func (v *inventory) reversed(r *report, read history.Operation, elements, acked []int32, place, seen []int, n int) {
	latest, different := int32(-1), elements[:0]
	for _, e := range elements {
		if seen[e] == n {
			continue
		}
		seen[e] = n
		different = append(different, e)
		if v.strange(r, e, read, "value") {
			continue
		}
		if latest < 0 || v.items[e].called > v.items[latest].called {
			latest = e
		}
	}
	if latest < 0 {
		return
	}
	r.judged = true
	r.count("reads", 1)
	before, _ := slices.BinarySearchFunc(acked, v.items[latest].called, func(id int32, at int) int { return cmp.Compare(v.items[id].known, at) })
	missing := before
	for _, e := range different {
		if place[e] > 0 && place[e] <= before {
			missing--
		}
	}
	if missing == 0 {
		return
	}
	for _, id := range acked[:before] {
		if seen[id] == n {
			continue
		}
		first, second := v.items[id].acked, v.items[latest].first
		if r.found("reversed", first, second, read) {
			r.tell("reversed", "%s saw %s but not %s (#%d), though the write of %s had been acknowledged (#%d) before that of %s began (#%d).", who(read),
				v.ids.name(latest), v.ids.name(id), ret(read), v.ids.name(id), ret(first), v.ids.name(latest), call(second))
		}
	}
}
