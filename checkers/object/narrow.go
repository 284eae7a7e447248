package object

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/checkers/linear"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

const (
	// tryTime bounds the looking for few acts from one moment on.
	tryTime = 300 * time.Millisecond
	// farthest is how many operations before the violation we look, at most.
	farthest = 64
	// mostWays is in how many ways everything may have gone up to that moment.
	mostWays = 32
	// stateCost is how many operations more in a witness are no worse than having
	// to believe in a state; nothingCost is the same where that is no more than
	// that the object was as at first.
	stateCost, nothingCost = 3, 2
)

// A moment is a point of the history after which few acts contradict each other,
// given what the object can have held by then.
type moment struct {
	// after is the act that had just returned, nil at the beginning.
	after *act
	ways  []linear.Way
	// near are the acts from then on, and kept those that contradict each other
	// whatever the others did: positions in near.
	near []act
	kept []int
}

// narrow makes the witness small by way of a moment not long before the
// violation: whatever happened until then, the object can have held only this
// or that, and from there a few acts cannot be put in order. It reports whether
// there is such a moment.
//
// Each way says which of the acts that were open at the moment had taken effect,
// and which of unknown outcome; all others are still to come. What is left open
// makes more possible, never less: those of unknown outcome, and those that are
// not kept, may happen or not ([thing.relaxed]).
func (j *judgement) narrow(ctx context.Context, m *model, until int) bool {
	if m.step == nil {
		return false
	}
	acts := m.settle(j.acts)
	var returned []int
	for i := range acts {
		if a := &acts[i].lin; !a.Unknown && a.Return <= until {
			returned = append(returned, i)
		}
	}
	slices.SortFunc(returned, func(a, b int) int { return cmp.Compare(acts[a].lin.Return, acts[b].lin.Return) })
	var marks []int
	for back := 1; back <= min(len(returned), farthest); back *= 2 {
		marks = append(marks, len(returned)-back)
	}
	if len(returned) <= farthest {
		marks = append(marks, 0)
	}
	ways := m.steps(acts, m.first).Ways(ctx, times(acts), marks, mostWays)
	var best *moment
	for _, mark := range marks {
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		if found := j.try(ctx, m, acts, returned[:mark], ways[mark], until); found != nil && (best == nil || found.cost(m) <= best.cost(m)) {
			best = found
		}
		late := ctx.Err() != nil
		if cancel(); late {
			break // those farther away take no less
		}
	}
	if best == nil {
		return false
	}
	j.witness, j.reason = nil, best.reason(j, m)
	if best.after != nil && best.cost(m) == len(best.kept)+stateCost {
		j.witness = append(j.witness, *best.after) // the last that led to that state
	}
	for _, i := range best.kept {
		j.witness = append(j.witness, best.near[i])
	}
	return true
}

// cost is the less the easier to believe.
func (m *moment) cost(of *model) int {
	switch {
	case m.after == nil:
		return len(m.kept)
	case slices.ContainsFunc(m.ways, func(w linear.Way) bool { return w.State != of.first }):
		return len(m.kept) + stateCost
	}
	return len(m.kept) + nothingCost
}

// try looks whether what came after the acts that had returned is wrong in all
// ways in which they can have gone; nil if not.
func (j *judgement) try(ctx context.Context, m *model, acts []act, returned []int, ways []linear.Way, until int) *moment {
	if len(ways) == 0 || ctx.Err() != nil {
		return nil
	}
	found := &moment{ways: ways}
	from := -1
	if n := len(returned); n > 0 {
		found.after = &acts[returned[n-1]]
		from = found.after.lin.Return
	}
	var fresh []int
	for i := range acts {
		a := &acts[i]
		if a.lin.Call > until || !a.lin.Unknown && a.lin.Return <= from {
			continue
		}
		if !a.lin.Unknown && a.lin.Return <= until {
			fresh = append(fresh, len(found.near))
		}
		found.near = append(found.near, *a)
		found.near[len(found.near)-1].place = i
	}
	if len(found.near) > mostShrunk || len(fresh) == 0 {
		return nil
	}
	wrong := func(kept []int) bool {
		some := j.relaxed(m, found.near, kept)
		return !slices.ContainsFunc(ways, func(w linear.Way) bool {
			left := slices.DeleteFunc(slices.Clone(some), func(a act) bool {
				return slices.Contains(w.Used, a.place) || slices.Contains(w.Done, a.place)
			})
			return linear.JudgeSteps(ctx, m.steps(left, w.State), times(left)).Verdict != linear.Violated
		})
	}
	if !wrong(fresh) {
		return nil
	}
	found.kept = strike(fresh, wrong)
	return found
}

// reason tells what the object can have held, and that this is not enough.
func (m *moment) reason(j *judgement, of *model) string {
	const whatever = "no order explains these operations, whatever the others did"
	held := make(map[string]bool)
	var all []string
	for _, w := range m.ways {
		if says := of.holds(j.thing, w.State); !held[says] {
			held[says] = true
			all = append(all, says)
		}
	}
	slices.Sort(all)
	when := "at first"
	if m.after != nil {
		when = fmt.Sprintf("after #%d", m.after.op.Complete.Index)
	}
	if len(all) > 3 {
		return fmt.Sprintf("%s it can have been in %s, and from none of them there is an order that explains these operations, whatever the others did",
			when, say.Number(len(all), "state"))
	}
	return fmt.Sprintf("%s %s; from then on %s", when, say.Any(all), whatever)
}
