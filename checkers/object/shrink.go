package object

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/linear"
)

const (
	// mostShrunk is how many acts a history may have up to its violation for us
	// to look for a smaller one in it.
	mostShrunk = 1000
	// shrinkTime bounds the looking.
	shrinkTime = 2 * time.Second
)

// shrink makes the witness of a search as small as possible. A search names the
// operation that no order explains, with those that were open then; see narrow
// for what we make of it, and if that fails a few of those before it will do, if
// the others may have happened or not.
//
// To take what an act is known to have done for unknown, or to leave out one
// that only looked, leaves a linearizable history linearizable. So if the rest is
// wrong, those that are still known contradict each other whatever the others did.
func (j *judgement) shrink(ctx context.Context, m *model) {
	if !strings.HasSuffix(j.engine, "search") && j.engine != "porcupine" {
		return
	}
	if m.sharpen != nil {
		if r := m.sharpen(ctx, j.thing); r.Verdict == linear.Violated && r.Engine == "locks" {
			j.reason, j.witness = r.Reason, nil
			for _, w := range r.Witness {
				j.witness = append(j.witness, j.acts[w])
			}
			return
		}
	}
	until := linear.Open
	for i := range j.witness {
		until = min(until, j.witness[i].lin.Return)
	}
	if j.narrow(ctx, m, until) {
		return
	}
	var near []act
	var certain []int
	for _, a := range j.acts {
		if a.lin.Call > until {
			continue
		}
		if a.lin.Return <= until {
			certain = append(certain, len(near))
		}
		near = append(near, a)
	}
	if len(near) > mostShrunk || len(certain) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	wrong := func(kept []int) bool {
		return m.decide(ctx, &thing{acts: j.relaxed(m, near, kept)}).Verdict == linear.Violated
	}
	if !wrong(certain) {
		return
	}
	j.witness = nil
	for _, i := range strike(certain, wrong) {
		j.witness = append(j.witness, near[i])
	}
	j.reason = "no order explains these operations, whatever the others did"
}

// relaxed returns acts with only those in kept certain.
func (t *thing) relaxed(m *model, acts []act, kept []int) []act {
	var some []act
	for i, a := range acts {
		if _, certain := slices.BinarySearch(kept, i); !certain {
			weak, err := t.understand(a.op, m, true)
			if err != nil {
				continue
			}
			weak.at, weak.place = a.at, a.place
			a = weak
		}
		some = append(some, a)
	}
	return some
}

// strike takes away what it can, in pieces that get smaller, as long as the
// rest is wrong (after Zeller's delta debugging). A wrong that answers false
// once time is up, ends it.
func strike(all []int, wrong func([]int) bool) []int {
	for size := (len(all) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(all); {
			rest := slices.Concat(all[:at], all[min(at+size, len(all)):])
			if len(rest) > 0 && wrong(rest) {
				all = rest
			} else {
				at += size
			}
		}
	}
	return all
}
