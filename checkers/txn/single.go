package txn

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
)

// onlyOne looks for cycles with exactly one anti-dependency: an rw edge from u
// to v, and a way back from v to u without one.
type onlyOne struct {
	graph  *graph
	core   []int32
	kinds  uint8
	budget int

	candidates []candidate
	p          *plain
	at         []int32
}

// A candidate is an rw edge, of which more is known than that it is there.
type candidate struct {
	from  int32
	arrow *arrow
}

// gather takes the rw edges that are in a cycle where no two follow each other.
func (o *onlyOne) gather(double *plain, comp []int32) {
	for i := range int32(double.size()) {
		for e := double.first[i]; comp[i] >= 0 && e < double.first[i+1]; e++ {
			if double.arrow(e).kind == rw && comp[double.to[e]] == comp[i] {
				o.candidates = append(o.candidates, candidate{double.names[i/2], double.arrow(e)})
			}
		}
	}
}

// run returns the shortest cycles; complete says that if it found none, there
// are none.
func (o *onlyOne) run(ctx context.Context) (cycles [][]step, complete bool, err error) {
	o.p = o.graph.filter(o.core, o.kinds, false)
	o.at = make([]int32, o.graph.nodes)
	for i, n := range o.core {
		o.at[n] = int32(i)
	}
	order := o.p.topological()
	if order == nil {
		// There is a worse cycle without any.
		return nil, true, nil
	}
	hits, complete, err := o.reachable(ctx, order)
	if err != nil || len(hits) == 0 {
		return nil, complete, err
	}
	slices.SortStableFunc(hits, func(a, b candidate) int { return cmp.Compare(o.distance(a), o.distance(b)) })
	h := hunt{p: o.p, comp: make([]int32, o.p.size()), txns: o.graph.txns, budget: o.budget}
	h.from, h.seen = make([]int32, o.p.size()), make([]int32, o.p.size())
	for _, c := range hits {
		if h.budget <= 0 || h.limit() < 2 {
			break
		}
		h.back(o.at[c.from], o.at[c.arrow.to], c)
	}
	return h.best, true, nil
}

// distance is how far apart in the history the ends of the edge are: near ones
// make short cycles.
func (o *onlyOne) distance(c candidate) int {
	d := int(c.from) - int(c.arrow.to)
	return max(d, -d)
}

// topological returns the nodes such that all edges lead forward; nil if there
// is a cycle.
func (p *plain) topological() []int32 {
	into := make([]int32, p.size())
	for _, to := range p.to {
		into[to]++
	}
	order := make([]int32, 0, p.size())
	for i, n := range into {
		if n == 0 {
			order = append(order, int32(i))
		}
	}
	for i := 0; i < len(order); i++ {
		for _, to := range p.to[p.first[order[i]]:p.first[order[i]+1]] {
			if into[to]--; into[to] == 0 {
				order = append(order, to)
			}
		}
	}
	if len(order) < p.size() {
		return nil
	}
	return order
}

const (
	// reachBudget is how many edges are followed to learn which candidates
	// close a cycle; orderBudget, if the order of time counts: then no verdict
	// depends on it, only the name of what was found.
	reachBudget, orderBudget = 1_000_000_000, 20_000_000
	// enoughHits is with how many candidates that do we are content.
	enoughHits = 64
)

// reachable returns candidates that close a cycle. In topological order, the
// edge of a candidate must lead back, and the way from its end to its beginning
// is between the two; 64 of them that span about as much are carried along all
// edges there, one bit each, those that span least first.
func (o *onlyOne) reachable(ctx context.Context, order []int32) (hits []candidate, complete bool, err error) {
	place := make([]int32, o.p.size())
	for i, node := range order {
		place[node] = int32(i)
	}
	begin := func(c candidate) int32 { return place[o.at[c.arrow.to]] }
	end := func(c candidate) int32 { return place[o.at[c.from]] }
	o.candidates = slices.DeleteFunc(o.candidates, func(c candidate) bool { return begin(c) > end(c) })
	class := func(c candidate) int { return bits.Len32(uint32(end(c) - begin(c))) }
	slices.SortFunc(o.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(begin(a), begin(b)))
	})
	reached := make([]uint64, o.p.size())
	spent, limit := 0, reachBudget
	if o.kinds&(process|realtime) != 0 {
		limit = orderBudget
	}
	for left := o.candidates; len(left) > 0; {
		if spent > limit || len(hits) >= enoughHits {
			return hits, false, nil
		}
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		n := 1
		for n < min(64, len(left)) && class(left[n]) == class(left[0]) && begin(left[n]) < begin(left[0])+4<<class(left[0]) {
			n++
		}
		batch := left[:n]
		left = left[n:]
		last := int32(0)
		for i, c := range batch {
			reached[o.at[c.arrow.to]] |= 1 << i
			last = max(last, end(c))
		}
		window := order[begin(batch[0]) : last+1]
		spent += o.carry(reached, window, place)
		for i, c := range batch {
			if reached[o.at[c.from]]&(1<<i) != 0 {
				hits = append(hits, c)
			}
		}
		for _, node := range window {
			reached[node] = 0
		}
	}
	return hits, true, nil
}

// carry carries bits along the edges within the window; it returns how many
// those are.
func (o *onlyOne) carry(reached []uint64, window, place []int32) int {
	work, last := len(window), place[window[len(window)-1]]
	for _, node := range window {
		b := reached[node]
		if b == 0 {
			continue
		}
		for _, to := range o.p.to[o.p.first[node]:o.p.first[node+1]] {
			work++
			if place[to] <= last {
				reached[to] |= b
			}
		}
	}
	return work
}

// back looks for the shortest way from one node to another, and keeps it with
// the candidate as a cycle.
func (h *hunt) back(goal, first int32, c candidate) {
	h.mark++
	h.seen[first], h.from[first] = h.mark, -1
	level, next := []int32{first}, []int32(nil)
	for depth := 1; len(level) > 0 && depth <= h.limit(); depth++ {
		for len(level) > 0 {
			node := level[len(level)-1]
			level = level[:len(level)-1]
			if node == goal {
				h.keepBack(goal, c)
				return
			}
			for a := h.p.first[node]; a < h.p.first[node+1]; a++ {
				h.budget--
				to := h.p.to[a]
				if h.seen[to] == h.mark {
					continue
				}
				h.seen[to], h.from[to] = h.mark, a
				if h.transaction(to) {
					next = append(next, to)
				} else {
					level = append(level, to)
				}
			}
		}
		level, next = next, level
	}
}

func (h *hunt) keepBack(goal int32, c candidate) {
	var arcs []int32
	for node := goal; h.from[node] >= 0; {
		arcs = append(arcs, h.from[node])
		node = h.tail(h.from[node])
	}
	slices.Reverse(arcs)
	steps := []step{{from: c.from, to: c.arrow.to, key: c.arrow.key, kind: rw, why: c.arrow.why}}
	if int(c.arrow.to) < h.txns {
		steps = append(steps, h.steps(arcs)...)
	} else {
		steps = h.through(steps, arcs)
	}
	if len(steps) < 2 || slices.ContainsFunc(h.best, func(b []step) bool { return sameCycle(b, steps) }) {
		return
	}
	h.best = append(h.best, steps)
	slices.SortStableFunc(h.best, func(a, b []step) int { return cmp.Compare(len(a), len(b)) })
	h.best = h.best[:min(len(h.best), examples)]
}

// through continues a first step that leads to a node which stands for many.
func (h *hunt) through(steps []step, arcs []int32) []step {
	for i, a := range arcs {
		if to := h.p.to[a]; h.transaction(to) {
			steps[0].to = h.name(to)
			if i+1 < len(arcs) {
				steps = append(steps, h.steps(arcs[i+1:])...)
			}
			return steps
		}
	}
	return nil
}
