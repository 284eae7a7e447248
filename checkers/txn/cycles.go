package txn

import (
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
	// core are the nodes that are in any cycle.
	core []int32
}

// surveyor runs the tests on one graph.
type surveyor struct {
	*survey
	lattice *lattice
	graph   *graph
	// among are, by kinds of edges, the nodes that are in a cycle of those:
	// whatever cycle has fewer kinds is among them.
	among map[uint8][]int32
	// examples says whether examples are wanted.
	examples bool
}

// surveyCycles decides all tests. The graph must be packed.
func surveyCycles(ctx context.Context, l *lattice, g *graph, withExamples bool) (*survey, error) {
	s := &surveyor{
		survey:  &survey{found: findings{}, broken: set{}, singlesKnown: true},
		lattice: l, graph: g, examples: withExamples, among: make(map[uint8][]int32),
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
	widest, err := s.inCycles(ctx, t.kinds|ww|wr|rw)
	if err != nil || len(widest) == 0 {
		return err
	}
	left, err := s.graph.cyclic(ctx, widest, t.kinds)
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

// inCycles returns the nodes that are in a cycle of edges of these kinds.
func (s *surveyor) inCycles(ctx context.Context, kinds uint8) ([]int32, error) {
	if nodes, ok := s.among[kinds]; ok {
		return nodes, nil
	}
	left, err := s.graph.cyclic(ctx, s.core, kinds)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		comp, _, err := s.graph.filter(left, kinds, false).components(ctx)
		if err != nil {
			return nil, err
		}
		in := 0
		for i, n := range left {
			if comp[i] >= 0 {
				left[in] = n
				in++
			}
		}
		left = left[:in]
	}
	s.among[kinds] = left
	return left, nil
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
	one := &onlyOne{graph: s.graph, core: s.among[t.kinds], kinds: kinds, budget: huntBudget}
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
	return beginLeast(steps)
}

// beginLeast begins the cycle with its first transaction.
func beginLeast(steps []step) []step {
	least := 0
	for i := range steps {
		if steps[i].from < steps[least].from {
			least = i
		}
	}
	return slices.Concat(steps[least:], steps[:least])
}
