package txn

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A step is an edge of a cycle between two transactions.
type step struct {
	from, to int32
	key      int32
	kind     uint8
	why      reason
}

// A test asks for one kind of cycle.
type test struct {
	anomaly string
	kinds   uint8
	// double forbids two anti-dependencies in a row.
	double bool
	// needs is the kind of edge that the cycle has, if it is not of a kind
	// that was looked for before; 0 for any.
	needs uint8
	// models are those that hold if there is no such cycle, nor anything else
	// that rules them out.
	models []string
}

// tests returns all tests, the most severe first.
func tests() []test {
	all := uint8(ww | wr | rw)
	var list []test
	for _, o := range []struct {
		suffix string
		order  uint8
		ru, rc string
		si     string
		ser    []string
	}{
		{"", 0, readUncommitted, readCommitted, snapshotIsolation, []string{repeatableRead, serializable}},
		{"-process", process, "strong-session-read-uncommitted", "strong-session-read-committed", sessionSI, []string{sessionSerial}},
		{"-realtime", process | realtime, "strong-read-uncommitted", "strong-read-committed", strongSI, []string{strictSerializable}},
	} {
		list = append(list,
			test{"G0" + o.suffix, ww | o.order, false, 0, []string{o.ru}},
			test{"G1c" + o.suffix, ww | wr | o.order, false, wr, []string{o.rc}},
			test{"G-nonadjacent-item" + o.suffix, all | o.order, true, rw, []string{o.si}},
			test{"G2-item" + o.suffix, all | o.order, false, rw, o.ser},
		)
	}
	return list
}

// A survey is what was found out about the cycles of a graph.
type survey struct {
	found findings
	// broken are the tests that found a cycle, by anomaly, and those anomalies
	// that these imply.
	broken set
	// singles says whether it is known if there is a cycle with exactly one
	// anti-dependency, not counting process and realtime.
	singlesKnown bool
	// components counts the strongly connected ones of the whole graph, and
	// entangled the transactions in them.
	components, entangled int
}

// surveyor runs the tests on one graph.
type surveyor struct {
	*survey
	lattice *lattice
	graph   *graph
	core    []int32
	// examples says whether examples are wanted.
	examples bool
}

// surveyCycles decides all tests. The graph must be packed.
func surveyCycles(ctx context.Context, l *lattice, g *graph, withExamples bool) (*survey, error) {
	s := &surveyor{
		survey:  &survey{found: findings{}, broken: set{}, singlesKnown: true},
		lattice: l, graph: g, examples: withExamples,
	}
	var err error
	s.core, s.components, err = g.core(ctx)
	if err != nil || len(s.core) == 0 {
		return s.survey, err
	}
	for _, n := range s.core {
		if int(n) < g.txns {
			s.entangled++
		}
	}
	for _, t := range tests() {
		if s.broken[t.anomaly] {
			continue
		}
		if err := s.test(ctx, t); err != nil {
			return nil, fmt.Errorf("while looking for %s among %d entangled transactions: %w", t.anomaly, s.entangled, err)
		}
	}
	return s.survey, nil
}

func (s *surveyor) test(ctx context.Context, t test) error {
	left, err := s.graph.cyclic(ctx, s.core, t.kinds)
	if err != nil || len(left) == 0 {
		return err
	}
	p := s.graph.filter(left, t.kinds, t.double)
	comp, sizes, err := p.components(ctx)
	if err != nil || len(sizes) == 0 || !p.within(comp, t.needs) {
		return err
	}
	s.broken.add(s.lattice.implied(t.anomaly))
	if t.double {
		if err := s.single(ctx, t, p, comp); err != nil {
			return err
		}
	}
	if !s.examples || t.double && s.broken["G-single-item"+t.anomaly[len("G-nonadjacent-item"):]] {
		return nil
	}
	h := hunt{p: p, comp: comp, txns: s.graph.txns, needs: t.needs, budget: huntBudget}
	cycles, err := h.run(ctx)
	if err != nil {
		return err
	}
	for _, steps := range cycles {
		s.keep(t, steps)
	}
	if c := s.found[t.anomaly]; c != nil {
		c.count = max(c.count, len(sizes))
	}
	if len(cycles) == 0 {
		s.found.add(t.anomaly, finding{says: []string{"There is a cycle, but no short example of it was found in the time for that."}})
	}
	return nil
}

// within reports whether an edge of the kind is in a cycle; 0 is any kind.
func (p *plain) within(comp []int32, kind uint8) bool {
	if kind == 0 {
		return true
	}
	for i := range int32(p.size()) {
		for e := p.first[i]; comp[i] >= 0 && e < p.first[i+1]; e++ {
			if p.arrow(e).kind == kind && comp[p.to[e]] == comp[i] {
				return true
			}
		}
	}
	return false
}

// keep files a cycle under what it is, which may be worse than what was
// looked for.
func (s *surveyor) keep(t test, steps []step) {
	steps = s.graph.simplify(steps, t.double)
	anomaly := classify(steps)
	s.broken.add(s.lattice.implied(anomaly))
	var txns []int32
	for _, st := range steps {
		txns = append(txns, st.from)
	}
	s.found.add(anomaly, finding{steps: steps, txns: txns})
}

// single looks for cycles with one anti-dependency among those where no two
// follow each other: they are the worse kind.
func (s *surveyor) single(ctx context.Context, t test, p *plain, comp []int32) error {
	suffix := t.anomaly[len("G-nonadjacent-item"):]
	kinds := t.kinds &^ rw
	one := &onlyOne{graph: s.graph, core: s.core, kinds: kinds, budget: huntBudget}
	one.gather(p, comp)
	cycles, complete, err := one.run(ctx)
	if err != nil {
		return err
	}
	if suffix == "" && len(cycles) == 0 {
		s.singlesKnown = complete
	}
	if len(cycles) > 0 {
		s.broken.add(s.lattice.implied("G-single-item" + suffix))
	}
	if s.examples {
		for _, steps := range cycles {
			s.keep(t, steps)
		}
	}
	return nil
}

// classify names the cycle by its edges, as Adya and Elle do.
func classify(steps []step) string {
	anti, adjacent, reads := 0, false, false
	suffix := ""
	for i, s := range steps {
		next := steps[(i+1)%len(steps)]
		switch s.kind {
		case rw:
			anti++
			adjacent = adjacent || next.kind == rw && len(steps) > 1
		case wr:
			reads = true
		case process:
			if suffix == "" {
				suffix = "-process"
			}
		case realtime:
			suffix = "-realtime"
		}
	}
	switch {
	case anti == 1:
		return "G-single-item" + suffix
	case anti > 1 && adjacent:
		return "G2-item" + suffix
	case anti > 1:
		return "G-nonadjacent-item" + suffix
	case reads:
		return "G1c" + suffix
	}
	return "G0" + suffix
}

// simplify replaces an edge of time by one of data, where there is one between
// the same two: it says more. It begins the cycle with its first transaction.
func (g *graph) simplify(steps []step, double bool) []step {
	for i := range steps {
		s := &steps[i]
		if s.kind != process && s.kind != realtime {
			continue
		}
		for _, a := range g.out(s.from) {
			better := a.kind == ww || a.kind == wr || a.kind == process && s.kind == realtime
			if a.to == s.to && better {
				*s = step{from: s.from, to: s.to, key: a.key, kind: a.kind, why: a.why}
				if a.kind != process {
					break
				}
			}
		}
	}
	least := 0
	for i := range steps {
		if steps[i].from < steps[least].from {
			least = i
		}
	}
	return slices.Concat(steps[least:], steps[:least])
}

// huntBudget is how many edges are looked at for examples of one anomaly. It
// bounds time, never a verdict.
const huntBudget = 20_000_000

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

func (h *hunt) run(ctx context.Context) ([][]step, error) {
	h.from, h.seen = make([]int32, h.p.size()), make([]int32, h.p.size())
	for i := range int32(h.p.size()) {
		if h.comp[i] < 0 {
			continue
		}
		if pulse(int(i)) && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for e := h.p.first[i]; e < h.p.first[i+1]; e++ {
			if h.comp[h.p.to[e]] != h.comp[i] || h.needs != 0 && h.p.arrow(e).kind != h.needs {
				continue
			}
			if h.budget <= 0 || h.limit() < 2 {
				return h.best, nil
			}
			h.close(i, e)
		}
	}
	return h.best, nil
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
func (h *hunt) close(start, e int32) {
	h.mark++
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
