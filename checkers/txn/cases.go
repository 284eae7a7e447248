package txn

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// manyPairs is up to how many pairs a refutation is made smaller one by one,
// and told case by case.
const manyPairs = 48

// cleverness is how many edges are looked at to make a refutation small.
const cleverness = 400_000_000

// core returns few pairs which are enough for there to be no order. The search
// must just have found that there is none.
func (p *polygraph) core(ctx context.Context) [][2]int32 {
	pairs, limit := p.blamed(), p.order.work+cleverness
	without := func(smaller [][2]int32) bool {
		p.again(smaller)
		how, err := p.settle(ctx, budget{conflicts: brief().conflicts, work: min(limit, p.order.work+brief().work), edges: patient().edges})
		return err == nil && how == impossible
	}
	for last := len(pairs) + 1; len(pairs) < last && without(pairs); {
		last = len(pairs)
		pairs = p.blamed()
	}
	for i := 0; i < len(pairs) && len(pairs) <= manyPairs; {
		if without(slices.Delete(slices.Clone(pairs), i, i+1)) {
			pairs, i = p.blamed(), 0
		} else {
			i++
		}
	}
	return pairs
}

func (p *polygraph) blamed() [][2]int32 {
	var pairs [][2]int32
	for _, n := range p.solver.blamed() {
		pairs = append(pairs, [2]int32{p.pairs[n].first, p.pairs[n].second})
	}
	return pairs
}

// A refutation shows that there is no order: whichever of two is first, there
// is a cycle, or two further ones of which that is true.
type refutation struct {
	// first and second are the pair.
	first, second int32
	// cycles close if first is first, and if second is; nil where deeper tells.
	cycles [2][]step
	deeper [2]*refutation
}

// manyCases is how many pairs of cases a refutation has at most.
const manyCases = 60

// refute tells why the pairs, which must be a core, cannot all be ordered; nil
// if they are too many to tell.
func (p *polygraph) refute(pairs [][2]int32) *refutation {
	p.again(pairs)
	if len(pairs) > manyPairs {
		return nil
	}
	open := make([]int32, len(pairs))
	for i := range open {
		open[i] = int32(i)
	}
	left := manyCases
	return p.unfold(open, &left)
}

// unfold tells why the open choices cannot be made, given what was taken.
// Those of which both sides close a cycle tell it best, then those of which one
// does.
func (p *polygraph) unfold(open []int32, left *int) *refutation {
	if *left--; *left < 0 {
		return nil
	}
	var best *refutation
	bestClosed, at := -1, 0
	for i, n := range open {
		r := &refutation{first: p.pairs[n].first, second: p.pairs[n].second}
		closed := 0
		for side := range int32(2) {
			if r.cycles[side] = p.cycleOf(2*n + side); r.cycles[side] != nil {
				closed++
			}
		}
		if closed > bestClosed {
			best, bestClosed, at = r, closed, i
		}
	}
	if best == nil {
		return nil
	}
	rest := slices.Delete(slices.Clone(open), at, at+1)
	for side := range int32(2) {
		if best.cycles[side] != nil {
			continue
		}
		taken := len(p.held)
		if _, ok := p.take(2*open[at] + side); ok {
			best.deeper[side] = p.unfold(rest, left)
		}
		p.giveBack(taken)
	}
	return best
}

// cycleOf returns the shortest cycle that the side of a choice closes, with
// what was taken; nil if it closes none. All its edges lead to one transaction,
// so a shortest cycle has only one of them.
func (p *polygraph) cycleOf(l literal) []step {
	var best []step
	for _, e := range p.pairs[l>>1].edges[l&1] {
		if way := p.order.shortest(e.to, e.from); way != nil {
			if steps := p.steps(way, e); best == nil || len(steps) < len(best) {
				best = steps
			}
		}
	}
	return best
}

// shortest returns the nodes of a shortest way from one node to another, both
// included; nil if there is none.
func (o *ordering) shortest(from, goal int32) []int32 {
	o.mark++
	queue := []int32{from}
	o.seen[from], o.by[from] = o.mark, none
	visit := func(node, to int32) {
		if o.seen[to] != o.mark && o.place[to] <= o.place[goal] {
			o.seen[to], o.by[to] = o.mark, node
			queue = append(queue, to)
		}
	}
	for i := 0; i < len(queue) && o.seen[goal] != o.mark; i++ {
		node := queue[i]
		for _, to := range o.base.to[o.base.first[node]:o.base.first[node+1]] {
			visit(node, to)
		}
		for _, b := range o.out[node] {
			visit(node, b.node)
		}
	}
	if o.seen[goal] != o.mark {
		return nil
	}
	var way []int32
	for node := goal; node != none; node = o.by[node] {
		way = append(way, node)
	}
	slices.Reverse(way)
	return way
}

// steps turns a cycle into steps between transactions: the edge that closes it,
// and the way of nodes from its end to its beginning. What leads through nodes
// that stand for many is one step; from the start of a transaction to its commit
// is none.
func (p *polygraph) steps(way []int32, closing pairEdge) []step {
	steps := []step{{from: p.of(closing.from), to: p.of(closing.to), key: closing.key, kind: closing.kind, why: supposed}}
	for i, node := range way[:len(way)-1] {
		a, b := p.of(node), p.of(way[i+1])
		if a == b {
			continue
		}
		if int(a) < p.txns {
			st := p.edgeBetween(node, way[i+1])
			st.from = a
			steps = append(steps, st)
		}
		if int(b) < p.txns {
			steps[len(steps)-1].to = b
		}
	}
	return steps
}

// edgeBetween returns what leads from one node to the next: of what is known
// rather than of what is supposed.
func (p *polygraph) edgeBetween(from, to int32) step {
	for i := p.base.first[from]; i < p.base.first[from+1]; i++ {
		if w := p.base.which[i]; p.base.to[i] == to && w != none {
			return step{key: p.arrows[w].key, kind: p.arrows[w].kind, why: p.arrows[w].why}
		}
	}
	for _, b := range p.order.out[from] {
		if b.node != to {
			continue
		}
		for _, e := range p.pairs[b.label>>1].edges[b.label&1] {
			if e.from == from && e.to == to {
				return step{key: e.key, kind: e.kind, why: supposed}
			}
		}
	}
	return step{}
}

// each calls do with every cycle of the refutation.
func (r *refutation) each(do func([]step)) {
	if r == nil {
		return
	}
	for side := range 2 {
		if r.cycles[side] != nil {
			do(r.cycles[side])
		}
		r.deeper[side].each(do)
	}
}

// meetAll names those whose writes are supposed to be in some order.
func (s *story) meetAll(r *refutation) {
	if r != nil {
		s.meet(r.first)
		s.meet(r.second)
		s.meetAll(r.deeper[0])
		s.meetAll(r.deeper[1])
	}
}

// refuted makes a finding of a refutation.
func (n *inference) refuted(r *refutation) finding {
	f := finding{}
	r.each(func(steps []step) { f.cases = append(f.cases, steps) })
	s := newStory(n, nil)
	s.meetAll(r)
	for _, st := range slices.Concat(f.cases...) {
		s.meet(st.from)
	}
	f.txns = s.order
	f.says = append(f.says, fmt.Sprintf("Nothing tells which of %s and %s wrote first, but either way, as the cases below show, a transaction would have to come before itself.", s.names[r.first], s.names[r.second]))
	for _, t := range s.order {
		f.says = append(f.says, s.names[t]+" is "+n.db.is(t)+".")
	}
	f.says = append(f.says, s.suppose(r, "")...)
	return f
}

// unfit makes a finding of pairs that are too many to tell it case by case.
func (n *inference) unfit(pairs [][2]int32) finding {
	f := finding{says: []string{fmt.Sprintf("However %d pairs of transactions that write the same keys are put in order, one has to come before itself. Among them are these:", len(pairs))}}
	for _, pair := range pairs[:min(len(pairs), examples)] {
		f.txns = append(f.txns, pair[0], pair[1])
	}
	slices.Sort(f.txns)
	f.txns = slices.Compact(f.txns)
	for _, t := range f.txns {
		f.says = append(f.says, "It is about "+n.db.is(t)+".")
	}
	return f
}

// suppose tells both sides of each pair. number is that of the case, as in 1.2.
func (s *story) suppose(r *refutation, number string) []string {
	if r == nil {
		return []string{"There are more cases below this one, and all of them end in a contradiction."}
	}
	var says []string
	for side, who := range [2][2]int32{{r.first, r.second}, {r.second, r.first}} {
		here := fmt.Sprintf("%s%d", number, side+1)
		line := fmt.Sprintf("Case %s: %s wrote before %s.", here, s.names[who[0]], s.names[who[1]])
		if r.cycles[side] == nil {
			says = append(append(says, line), s.suppose(r.deeper[side], here+".")...)
			continue
		}
		var parts []string
		for _, st := range r.cycles[side] {
			parts = append(parts, s.because(st))
		}
		says = append(says, line+" Then "+strings.Join(parts, "; ")+": a contradiction.")
	}
	return says
}
