package txn

import (
	"cmp"
	"context"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// Kinds of edges. Several may be asked for at a time.
const (
	ww uint8 = 1 << iota
	wr
	rw
	process
	realtime
	// link continues the edge before it, through a node that stands for many.
	link
)

// An edge says that one node comes before another.
type edge struct {
	from, to int32
	key      int32
	kind     uint8
	// why tells what the edge rests on, where its kind does not say it all.
	why reason
}

// An arrow is an edge as its beginning holds it.
type arrow struct {
	to, key int32
	kind    uint8
	why     reason
}

// A graph holds what comes before what. Nodes 0 to n-1 are the transactions;
// those beyond stand for many edges at a time.
type graph struct {
	txns  int
	nodes int
	edges []edge
	// first and arrows hold the edges by where they begin, once they are packed.
	first  []int32
	arrows []arrow
	// at is room for filter: a node's place in the subgraph, plus 1.
	at []int32
	// keep are the transactions that the graph is about; nil if all are. Edges
	// of others are not added.
	keep []bool
}

func newGraph(d *db) *graph {
	return &graph{txns: len(d.txns), nodes: len(d.txns), edges: make([]edge, 0, 4*len(d.txns))}
}

func (g *graph) add(from, to, key int32, kind uint8, why reason) {
	if from != to && from >= 0 && to >= 0 && g.about(from) && g.about(to) {
		g.edges = append(g.edges, edge{from: from, to: to, key: key, kind: kind, why: why})
	}
}

// about reports whether the graph is about a node.
func (g *graph) about(node int32) bool {
	return g.keep == nil || int(node) >= g.txns || g.keep[node]
}

// forget drops the edges of a kind.
func (g *graph) forget(kind uint8) {
	g.edges = slices.DeleteFunc(g.edges, func(e edge) bool { return e.kind == kind })
}

// data reports whether any edge is one of data.
func (g *graph) data() bool {
	return slices.ContainsFunc(g.edges, func(e edge) bool { return e.kind&(ww|wr|rw) != 0 })
}

// node makes a node that is no transaction.
func (g *graph) node() int32 {
	g.nodes++
	return int32(g.nodes - 1)
}

// pack orders the edges by where they begin.
func (g *graph) pack() {
	g.first = make([]int32, g.nodes+1)
	for i := range g.edges {
		g.first[g.edges[i].from+1]++
	}
	for i := range g.nodes {
		g.first[i+1] += g.first[i]
	}
	next := slices.Clone(g.first[:g.nodes])
	g.arrows = make([]arrow, len(g.edges))
	for i := range g.edges {
		e := &g.edges[i]
		g.arrows[next[e.from]] = arrow{to: e.to, key: e.key, kind: e.kind, why: e.why}
		next[e.from]++
	}
}

func (g *graph) out(node int32) []arrow {
	return g.arrows[g.first[node]:g.first[node+1]]
}

// addProcess chains the committed transactions of each process. After one of
// unknown outcome nothing is known to follow.
func (g *graph) addProcess(d *db) {
	before := make(map[int32]int32)
	for t := range d.txns {
		now := &d.txns[t]
		if !now.committed || !g.about(int32(t)) {
			continue
		}
		if p, ok := before[now.process]; ok && d.txns[p].done < now.invoked {
			g.add(p, int32(t), 0, process, because)
		}
		if now.outcome == history.OK {
			before[now.process] = int32(t)
		}
	}
}

// addRealtime adds that what completed before another began comes first. One
// node stands for all that completed so far, so it takes two edges for each
// transaction. That node does not include those of unknown outcome.
func (g *graph) addRealtime(d *db, events int) {
	// completed[i] is the transaction that completed at event i, plus 1.
	completed := make([]int32, events)
	for t := range d.txns {
		if d.txns[t].committed && d.txns[t].done != never && g.about(int32(t)) {
			completed[d.txns[t].done] = int32(t) + 1
		}
	}
	now, open, event := int32(-1), false, int32(0)
	for t := range d.txns {
		if !d.txns[t].committed || !g.about(int32(t)) {
			continue
		}
		for ; event < d.txns[t].invoked; event++ {
			if completed[event] == 0 {
				continue
			}
			if !open {
				then := now
				now, open = g.node(), true
				g.add(then, now, 0, realtime, because)
			}
			g.add(completed[event]-1, now, 0, realtime, because)
		}
		if now >= 0 {
			g.add(now, int32(t), 0, realtime, because)
			open = false
		}
	}
}

// leftover returns, by number, the nodes that are left when those without an
// edge into them are taken away, again and again: none, if there is no cycle.
func (g *graph) leftover(ctx context.Context) ([]int32, error) {
	into := make([]int32, g.nodes)
	for i := range g.arrows {
		into[g.arrows[i].to]++
	}
	queue := make([]int32, 0, g.nodes)
	for n := range into {
		if into[n] == 0 {
			queue = append(queue, int32(n))
		}
	}
	for done := 0; done < len(queue); done++ {
		if pulse(done) && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, a := range g.out(queue[done]) {
			if into[a.to]--; into[a.to] == 0 {
				queue = append(queue, a.to)
			}
		}
	}
	var left []int32
	for n := range into {
		if into[n] > 0 {
			left = append(left, int32(n))
		}
	}
	return left, nil
}

// A plain graph has nothing but numbers: a subgraph to look for cycles in.
// Node i of it stands for names[i] of the graph that it was made of.
type plain struct {
	names []int32
	first []int32
	to    []int32
	// which is for each of to the arrow of the graph that it stands for.
	which  []int32
	arrows []arrow
	// double says that node i stands for names[i/2], when the last edge that
	// was taken was no anti-dependency (even i), or was one (odd i).
	double bool
}

func (p *plain) size() int {
	return len(p.first) - 1
}

// arrow returns what edge e stands for.
func (p *plain) arrow(e int32) *arrow { return &p.arrows[p.which[e]] }

// filter returns the part of the graph that has only these nodes and kinds of
// edges. If double, no two anti-dependencies follow each other in it.
func (g *graph) filter(nodes []int32, kinds uint8, double bool) *plain {
	p := &plain{names: nodes, double: double, arrows: g.arrows}
	if len(g.at) < g.nodes {
		g.at = make([]int32, g.nodes)
	}
	for i, n := range nodes {
		g.at[n] = int32(i) + 1
	}
	states := 1
	if double {
		states = 2
	}
	// Room for all at once: growing would copy hundreds of megabytes.
	room := states * g.count(nodes, kinds|link)
	p.to, p.which = make([]int32, 0, room), make([]int32, 0, room)
	p.first = append(make([]int32, 0, states*len(nodes)+1), 0)
	for _, n := range nodes {
		for state := range states {
			p.take(g, n, kinds|link, state)
			p.first = append(p.first, int32(len(p.to)))
		}
	}
	for _, n := range nodes {
		g.at[n] = 0
	}
	return p
}

// count returns how many edges of these kinds lead between nodes, which are
// marked in g.at.
func (g *graph) count(nodes []int32, kinds uint8) int {
	n := 0
	for _, node := range nodes {
		for i := g.first[node]; i < g.first[node+1]; i++ {
			if a := &g.arrows[i]; a.kind&kinds != 0 && g.at[a.to] > 0 {
				n++
			}
		}
	}
	return n
}

func (p *plain) take(g *graph, node int32, kinds uint8, state int) {
	for i := g.first[node]; i < g.first[node+1]; i++ {
		a := &g.arrows[i]
		to := g.at[a.to] - 1
		if to < 0 || a.kind&kinds == 0 {
			continue
		}
		if p.double {
			next := 0
			switch {
			case a.kind == rw && state == 1:
				continue
			case a.kind == rw, a.kind == link && state == 1:
				next = 1
			}
			to = 2*to + int32(next)
		}
		p.to = append(p.to, to)
		p.which = append(p.which, i)
	}
}

// cyclic returns those of the nodes that are left when, of the edges of these
// kinds between them, those that lead to no cycle are taken away from where
// nothing leads in. Most questions are answered by there being none.
func (g *graph) cyclic(ctx context.Context, nodes []int32, kinds uint8) ([]int32, error) {
	kinds |= link
	into := make([]int32, g.nodes)
	for _, n := range nodes {
		into[n] = 1 // it is one of them
	}
	for _, n := range nodes {
		for i := g.first[n]; i < g.first[n+1]; i++ {
			if a := &g.arrows[i]; a.kind&kinds != 0 && into[a.to] > 0 {
				into[a.to]++
			}
		}
	}
	queue := make([]int32, 0, len(nodes))
	for _, n := range nodes {
		if into[n] == 1 {
			queue = append(queue, n)
		}
	}
	for done := 0; done < len(queue); done++ {
		if pulse(done) && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n := queue[done]
		into[n] = 0
		for i := g.first[n]; i < g.first[n+1]; i++ {
			if a := &g.arrows[i]; a.kind&kinds != 0 && into[a.to] > 1 {
				if into[a.to]--; into[a.to] == 1 {
					queue = append(queue, a.to)
				}
			}
		}
	}
	var left []int32
	for _, n := range nodes {
		if into[n] > 0 {
			left = append(left, n)
		}
	}
	return left, nil
}

// components numbers the strongly connected components: comp[i] is that of
// node i, or -1 if the node is in no cycle. sizes holds how many nodes each has.
func (p *plain) components(ctx context.Context) (comp []int32, sizes []int, err error) {
	n := p.size()
	comp = make([]int32, n)
	t := tarjan{p: p, low: make([]int32, n), comp: comp}
	for i := range comp {
		comp[i] = -1
	}
	for i := range n {
		if t.low[i] == 0 {
			if err := t.visit(ctx, int32(i)); err != nil {
				return nil, nil, err
			}
		}
	}
	return comp, t.sizes, nil
}

// tarjan is the algorithm of that name, with a stack of its own in place of
// recursion: a component may hold a million nodes.
type tarjan struct {
	p     *plain
	clock int32
	// low is 0 for a node that was not visited, and done for one whose
	// component is known.
	low   []int32
	comp  []int32
	stack []int32
	path  []frame
	sizes []int
	steps int
}

type frame struct {
	node, next, num int32
}

const done = 1<<31 - 1

func (t *tarjan) enter(node int32) {
	t.clock++
	t.low[node] = t.clock
	t.stack = append(t.stack, node)
	t.path = append(t.path, frame{node: node, next: t.p.first[node], num: t.clock})
}

func (t *tarjan) visit(ctx context.Context, root int32) error {
	t.enter(root)
	for len(t.path) > 0 {
		if t.steps++; pulse(t.steps) && ctx.Err() != nil {
			return ctx.Err()
		}
		f := &t.path[len(t.path)-1]
		if f.next < t.p.first[f.node+1] {
			to := t.p.to[f.next]
			f.next++
			if t.low[to] == 0 {
				t.enter(to)
			} else if t.low[to] != done {
				t.low[f.node] = min(t.low[f.node], t.low[to])
			}
			continue
		}
		left := *f
		t.path = t.path[:len(t.path)-1]
		if len(t.path) > 0 && t.low[left.node] != done {
			parent := t.path[len(t.path)-1].node
			t.low[parent] = min(t.low[parent], t.low[left.node])
		}
		if t.low[left.node] == left.num {
			t.close(left.node)
		}
	}
	return nil
}

// close takes a finished component off the stack. One node alone is in no
// cycle: there are no edges from a node to itself.
func (t *tarjan) close(root int32) {
	from := len(t.stack) - 1
	for t.stack[from] != root {
		from--
	}
	members := t.stack[from:]
	for _, m := range members {
		t.low[m] = done
		if len(members) > 1 {
			t.comp[m] = int32(len(t.sizes))
		}
	}
	if len(members) > 1 {
		t.sizes = append(t.sizes, len(members))
	}
	t.stack = t.stack[:from]
}

// core returns the nodes that are in any cycle at all.
func (g *graph) core(ctx context.Context) (nodes []int32, components int, err error) {
	left, err := g.leftover(ctx)
	if err != nil || len(left) == 0 {
		return nil, 0, err
	}
	p := g.filter(left, ^uint8(0), false)
	comp, sizes, err := p.components(ctx)
	if err != nil {
		return nil, 0, err
	}
	for i, c := range comp {
		if c >= 0 {
			nodes = append(nodes, left[i])
		}
	}
	slices.SortFunc(nodes, cmp.Compare[int32])
	return nodes, len(sizes), nil
}
