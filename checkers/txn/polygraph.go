package txn

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
)

// A rivalry is a key of which the order of versions is not known. That none of
// them is older than how the key began is among the known edges.
type rivalry struct {
	key     int32
	entries []entry
}

// An entry is a version: who wrote it and who read it.
type entry struct {
	writer  int32
	readers []int32
}

// A pair is a choice: of two transactions that write the same keys, one is
// first. Whoever read what it wrote is then before the other as well.
type pair struct {
	first, second int32
	// edges are those that follow from the one being first, and from the other.
	edges [2][]pairEdge
}

// A pairEdge is an edge that follows from a choice, between nodes of the
// polygraph.
type pairEdge struct {
	from, to int32
	key      int32
	kind     uint8
}

// A polygraph is a graph with choices of further edges (Papadimitriou, 1979).
// The history has the level if the choices can be made such that there is no
// cycle. If split, every transaction has two nodes, its start and its commit,
// and an anti-dependency leads from a start to a commit, every other edge from a
// commit to a start: then the level is snapshot isolation, else serializability.
//
// Not every choice is looked at. An order of the nodes in which all edges lead
// forward is tried; only those pairs are made a choice that are wrong in it, and
// so on until nothing is wrong, or there is no way to choose. Hence the choices
// are few, where time or sessions tell most of the order.
type polygraph struct {
	txns    int
	split   bool
	base    *plain
	arrows  []arrow
	rivals  []rivalry
	order   *ordering
	solver  *solver
	pairs   []pair
	numbers map[[2]int32]int32
	// writes are the places in rivals and entries of what each transaction wrote.
	writes [][][2]int32
	// held is how many edges of the ordering there were before each side that
	// was taken.
	held []int
	// edges counts those that follow from all sides of all choices.
	edges int
}

// errTangled says that the known edges alone have a cycle.
var errTangled = errors.New("the edges that are known have a cycle")

// newPolygraph makes a polygraph of the edges of these kinds. rank orders the
// transactions, where no edge does, as they probably were.
func newPolygraph(g *graph, kinds uint8, split bool, rivals []rivalry, rank []int32) (*polygraph, error) {
	p := &polygraph{txns: g.txns, split: split, arrows: g.arrows, rivals: rivals, numbers: make(map[[2]int32]int32), writes: make([][][2]int32, g.txns)}
	if split {
		p.base = g.splitEach(kinds)
	} else {
		p.base = g.filter(g.everyNode(), kinds, false)
	}
	order := p.firstOrder(rank)
	if order == nil {
		return nil, errTangled
	}
	p.order = newOrdering(p.base, order)
	p.solver = newSolver(p)
	for i, r := range rivals {
		for k, e := range r.entries {
			p.writes[e.writer] = append(p.writes[e.writer], [2]int32{int32(i), int32(k)})
		}
	}
	return p, nil
}

func (g *graph) everyNode() []int32 {
	nodes := make([]int32, g.nodes)
	for i := range nodes {
		nodes[i] = int32(i)
	}
	return nodes
}

// splitEach returns the graph with two nodes for each: the start and the commit
// of a transaction. A node that stands for many has one for what leads to
// starts, and one for what leads to commits.
func (g *graph) splitEach(kinds uint8) *plain {
	p := &plain{names: g.everyNode(), arrows: g.arrows, first: make([]int32, 1, 2*g.nodes+1)}
	to := func(node, which int32) { p.to, p.which = append(p.to, node), append(p.which, which) }
	for n := range int32(g.nodes) {
		isTxn := int(n) < g.txns
		if isTxn {
			to(2*n+1, none)
		}
		for side := range int32(2) {
			for i := g.first[n]; i < g.first[n+1]; i++ {
				a := &g.arrows[i]
				switch {
				case a.kind&(kinds|link) == 0:
				case !isTxn:
					to(2*a.to+side, i)
				case a.kind == rw && side == 0:
					to(2*a.to+1, i)
				case a.kind != rw && side == 1:
					to(2*a.to, i)
				}
			}
			p.first = append(p.first, int32(len(p.to)))
		}
	}
	return p
}

// start and commit are the nodes of a transaction.
func (p *polygraph) start(t int32) int32 {
	if p.split {
		return 2 * t
	}
	return t
}

func (p *polygraph) commit(t int32) int32 {
	if p.split {
		return 2*t + 1
	}
	return t
}

// of returns what the node stands for: a transaction if it is less than txns.
func (p *polygraph) of(node int32) int32 {
	if p.split {
		return node / 2
	}
	return node
}

// A rankHeap holds nodes that nothing has to precede any more.
type rankHeap struct {
	nodes []int32
	rank  func(node int32) int64
}

func (h *rankHeap) Len() int           { return len(h.nodes) }
func (h *rankHeap) Less(i, j int) bool { return h.rank(h.nodes[i]) < h.rank(h.nodes[j]) }
func (h *rankHeap) Swap(i, j int)      { h.nodes[i], h.nodes[j] = h.nodes[j], h.nodes[i] }
func (h *rankHeap) Push(x any)         { h.nodes = append(h.nodes, x.(int32)) }
func (h *rankHeap) Pop() any {
	last := h.nodes[len(h.nodes)-1]
	h.nodes = h.nodes[:len(h.nodes)-1]
	return last
}

// firstOrder returns the nodes such that all known edges lead forward, and
// otherwise by rank; nil if there is a cycle.
func (p *polygraph) firstOrder(rank []int32) []int32 {
	n := p.base.size()
	into := make([]int32, n)
	for _, to := range p.base.to {
		into[to]++
	}
	ready := &rankHeap{rank: func(node int32) int64 {
		t := p.of(node)
		if int(t) >= p.txns {
			return -1
		}
		return int64(rank[t])<<32 | int64(t)
	}}
	for node := range int32(n) {
		if into[node] == 0 {
			ready.nodes = append(ready.nodes, node)
		}
	}
	heap.Init(ready)
	order := make([]int32, 0, n)
	for ready.Len() > 0 {
		node := heap.Pop(ready).(int32)
		order = append(order, node)
		for _, to := range p.base.to[p.base.first[node]:p.base.first[node+1]] {
			if into[to]--; into[to] == 0 {
				heap.Push(ready, to)
			}
		}
	}
	if len(order) < n {
		return nil
	}
	return order
}

// take implements theory: it adds the edges that follow from the choice.
func (p *polygraph) take(l literal) (against []literal, ok bool) {
	before := len(p.order.trail)
	for _, e := range p.pairs[l>>1].edges[l&1] {
		if !p.order.add(e.from, e.to, l) {
			against = p.order.closing(e.from)
			p.order.undo(before)
			return against, false
		}
	}
	p.held = append(p.held, before)
	return nil, true
}

// giveBack implements theory.
func (p *polygraph) giveBack(left int) {
	if left < len(p.held) {
		p.order.undo(p.held[left])
		p.held = p.held[:left]
	}
}

// choose makes a choice of the order of two transactions, unless it is one.
func (p *polygraph) choose(a, b int32) bool {
	at := [2]int32{min(a, b), max(a, b)}
	if _, ok := p.numbers[at]; ok {
		return false
	}
	first, second := p.commitPlace(at[0]), p.commitPlace(at[1])
	p.numbers[at] = p.solver.choice(first < second, max(first, second))
	n := pair{first: at[0], second: at[1]}
	n.edges[0], n.edges[1] = p.consequences(at[0], at[1]), p.consequences(at[1], at[0])
	p.edges += len(n.edges[0]) + len(n.edges[1])
	p.pairs = append(p.pairs, n)
	return true
}

// consequences returns the edges that follow from a being before b: of every
// key that both write, b is after a and after all that read what a wrote.
func (p *polygraph) consequences(a, b int32) []pairEdge {
	var edges []pairEdge
	for _, mine := range p.writes[a] {
		for _, theirs := range p.writes[b] {
			if mine[0] != theirs[0] {
				continue
			}
			r := &p.rivals[mine[0]]
			edges = append(edges, pairEdge{from: p.commit(a), to: p.start(b), key: r.key, kind: ww})
			for _, reader := range r.entries[mine[1]].readers {
				if reader != b {
					edges = append(edges, pairEdge{from: p.start(reader), to: p.commit(b), key: r.key, kind: rw})
				}
			}
		}
	}
	return edges
}

// wrong makes a choice of every two writers whose order matters and is wrong in
// the present order; it returns how many were new.
func (p *polygraph) wrong() int {
	added := 0
	for i := range p.rivals {
		r := &p.rivals[i]
		if len(r.entries) > 1 {
			added += p.wrongIn(r)
		}
	}
	return added
}

func (p *polygraph) wrongIn(r *rivalry) int {
	sorted := slices.Clone(r.entries)
	slices.SortFunc(sorted, func(a, b entry) int { return cmp.Compare(p.commitPlace(a.writer), p.commitPlace(b.writer)) })
	var wrong [][2]int32
	for i := range sorted[:len(sorted)-1] {
		now, next := &sorted[i], sorted[i+1].writer
		if p.split && p.commitPlace(now.writer) > p.order.place[p.start(next)] {
			wrong = append(wrong, [2]int32{now.writer, next})
			continue
		}
		for _, reader := range now.readers {
			if reader != next && p.commitPlace(next) < p.order.place[p.start(reader)] {
				wrong = append(wrong, [2]int32{now.writer, next})
				break
			}
		}
	}
	added := 0
	for _, w := range wrong {
		if p.choose(w[0], w[1]) {
			added++
		}
	}
	return added
}

func (p *polygraph) commitPlace(t int32) int32 {
	return p.order.place[p.commit(t)]
}

// A budget bounds a search.
type budget struct {
	// conflicts is how often it may go wrong, work how many edges it may look
	// at, and edges how many may follow from choices, which is memory.
	conflicts, work, edges int
}

// An outcome is how a search ended.
type outcome uint8

const (
	gaveUp outcome = iota
	possible
	impossible
)

// search makes choices until nothing is wrong.
func (p *polygraph) search(ctx context.Context, most budget) (outcome, error) {
	for {
		how, err := p.settle(ctx, most)
		before := len(p.pairs)
		if how != possible || err != nil || p.wrong() == 0 {
			return how, err
		}
		p.solver.back(0)
		for n := before; n < len(p.pairs); n++ {
			if !p.solver.probe(int32(n)) {
				return impossible, nil
			}
		}
	}
}

// settle makes the choices that there are.
func (p *polygraph) settle(ctx context.Context, most budget) (outcome, error) {
	steps := 0
	goOn := func() bool {
		if steps++; steps&0xff == 1 && ctx.Err() != nil {
			return false
		}
		return p.solver.conflicts <= most.conflicts && p.order.work <= most.work && p.edges <= most.edges
	}
	switch {
	case !p.solver.solve(goOn):
		return impossible, nil
	case ctx.Err() != nil:
		return gaveUp, ctx.Err()
	case !goOn():
		return gaveUp, nil
	}
	return possible, nil
}

// again begins anew with nothing but these pairs as choices.
func (p *polygraph) again(pairs [][2]int32) {
	p.giveBack(0)
	p.solver, p.pairs, p.edges = newSolver(p), nil, 0
	clear(p.numbers)
	for _, at := range pairs {
		p.choose(at[0], at[1])
	}
}
