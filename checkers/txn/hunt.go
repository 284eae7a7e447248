package txn

import (
	"cmp"
	"context"
	"math"
	"slices"
)

const (
	// huntBudget is how many edges are looked at for examples of one anomaly. It
	// bounds time, never a verdict, and the first example is looked for however
	// long it takes.
	huntBudget = 5_000_000
	// huntStarts is from how many edges on it looks for short ones, and
	// huntEach how many edges it looks at from each.
	huntStarts, huntEach = 256, 20_000
)

// A hunt looks for the shortest cycles of a subgraph, by breadth first search
// back from the end of each edge of the kind that is needed.
type hunt struct {
	p      *plain
	comp   []int32
	txns   int
	needs  uint8
	budget int

	// from is the arrow by which a node was reached, plus 1, in search seen.
	from []int32
	seen []int32
	mark int32
	best [][]step
}

// A start is an edge to look for a cycle from.
type start struct {
	node, edge int32
	// back is how far it leads back in the history, less than 0 if it does not.
	back int32
}

// run looks for short cycles first, from the edges that lead back, but not far:
// every cycle has one that does. If it finds none, it looks for one of any
// length, from where that leads back furthest.
func (h *hunt) run(ctx context.Context) ([][]step, error) {
	h.from, h.seen = make([]int32, h.p.size()), make([]int32, h.p.size())
	near, furthest := h.starts()
	for i, s := range near {
		if pulse(i*100) && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if h.budget <= 0 || h.limit() < 2 {
			break
		}
		h.close(s.node, s.edge, huntEach)
	}
	if len(h.best) == 0 && len(near) > 0 {
		h.close(furthest.node, furthest.edge, math.MaxInt)
	}
	return h.best, ctx.Err()
}

// starts returns the edges of the kind that is needed which lead back least,
// and the one that does most.
func (h *hunt) starts() (near []start, furthest start) {
	furthest.back = math.MinInt32
	nearer := func(a, b start) int { return cmp.Compare(uint32(a.back), uint32(b.back)) }
	bar := uint32(math.MaxUint32)
	for i := range int32(h.p.size()) {
		if h.comp[i] < 0 || !h.transaction(i) {
			continue
		}
		for e := h.p.first[i]; e < h.p.first[i+1]; e++ {
			to := h.p.to[e]
			if h.comp[to] != h.comp[i] || h.needs != 0 && h.p.arrow(e).kind != h.needs {
				continue
			}
			s := start{node: i, edge: e, back: -1}
			if h.transaction(to) {
				s.back = h.name(i) - h.name(to)
			}
			if s.back > furthest.back {
				furthest = s
			}
			if uint32(s.back) < bar || len(near) < huntStarts {
				near = append(near, s)
			}
			if len(near) == 16*huntStarts {
				slices.SortStableFunc(near, nearer)
				near = near[:huntStarts]
				bar = uint32(near[huntStarts-1].back)
			}
		}
	}
	slices.SortStableFunc(near, nearer)
	return near[:min(len(near), huntStarts)], furthest
}

// limit is how many transactions a cycle may have that is still of use.
func (h *hunt) limit() int {
	if len(h.best) < examples {
		return 1 << 30
	}
	return len(h.best[len(h.best)-1]) - 1
}

// transaction returns whether the node stands for a transaction.
func (h *hunt) transaction(node int32) bool {
	return int(h.name(node)) < h.txns
}

func (h *hunt) name(node int32) int32 {
	if h.p.double {
		node /= 2
	}
	return h.p.names[node]
}

// close looks for the shortest way back from the end of arrow e to its start.
// Nodes that stand for many edges cost nothing, so depth counts transactions.
// It looks at so many edges at most.
func (h *hunt) close(start, e int32, most int) {
	h.mark++
	enough := h.budget - most
	goal := start
	first := h.p.to[e]
	h.seen[first], h.from[first] = h.mark, -1
	level, next := []int32{first}, []int32(nil)
	depth := 1
	if h.transaction(first) && first != goal {
		depth = 2
	}
	for len(level) > 0 && depth <= h.limit() {
		for len(level) > 0 {
			node := level[len(level)-1]
			level = level[:len(level)-1]
			if node == goal {
				h.keep(start, e)
				return
			}
			if h.budget < enough {
				return
			}
			for a := h.p.first[node]; a < h.p.first[node+1]; a++ {
				h.budget--
				to := h.p.to[a]
				if h.seen[to] == h.mark || h.comp[to] != h.comp[start] {
					continue
				}
				h.seen[to], h.from[to] = h.mark, a
				if h.transaction(to) && to != goal {
					next = append(next, to)
				} else {
					level = append(level, to)
				}
			}
		}
		level, next = next, level
		depth++
	}
}

// keep takes the cycle that was found, unless it is known.
func (h *hunt) keep(start, e int32) {
	var arcs []int32
	for node := start; h.from[node] >= 0; {
		a := h.from[node]
		arcs = append(arcs, a)
		node = h.tail(a)
	}
	arcs = append(arcs, e)
	slices.Reverse(arcs)
	steps := h.steps(arcs)
	if len(steps) < 2 || slices.ContainsFunc(h.best, func(b []step) bool { return sameCycle(b, steps) }) {
		return
	}
	h.best = append(h.best, steps)
	slices.SortStableFunc(h.best, func(a, b []step) int { return cmp.Compare(len(a), len(b)) })
	h.best = h.best[:min(len(h.best), examples)]
}

// tail returns the node that an arrow begins at.
func (h *hunt) tail(a int32) int32 {
	at, found := slices.BinarySearch(h.p.first, a+1)
	_ = found
	return int32(at - 1)
}

// steps turns arrows into steps between transactions: what leads through nodes
// that stand for many is one step, of the kind that it began with.
func (h *hunt) steps(arcs []int32) []step {
	begin := slices.IndexFunc(arcs, func(a int32) bool { return h.transaction(h.tail(a)) })
	if begin < 0 {
		return nil
	}
	arcs = slices.Concat(arcs[begin:], arcs[:begin])
	var steps []step
	for _, a := range arcs {
		if from := h.tail(a); h.transaction(from) {
			arrow := h.p.arrow(a)
			steps = append(steps, step{from: h.name(from), key: arrow.key, kind: arrow.kind, why: arrow.why})
		}
		if to := h.p.to[a]; h.transaction(to) {
			steps[len(steps)-1].to = h.name(to)
		}
	}
	return steps
}

func sameCycle(a, b []step) bool {
	if len(a) != len(b) {
		return false
	}
	members := make(map[int32]bool, len(a))
	for _, s := range a {
		members[s.from] = true
	}
	for _, s := range b {
		if !members[s.from] {
			return false
		}
	}
	return true
}
