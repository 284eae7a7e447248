package txn

import (
	"cmp"
	"slices"
)

// known is the label of an edge that is there whatever is chosen.
const known int32 = -1

// A branch is an edge as one of its ends holds it; label tells which choice it
// follows from, or that it is known.
type branch struct {
	node, label int32
}

// An ordering keeps the nodes of a graph in an order in which every edge leads
// forward, while edges come and go. An edge that leads backward moves only the
// nodes between its ends that it concerns (Pearce and Kelly, 2006); one that
// is taken away moves none. The known edges are many and stay, and are held
// in two arrays; those of choices go in the order in which they came.
type ordering struct {
	base     *plain
	into     *plain
	out, in  [][]branch
	place    []int32
	trail    []edgeOf
	frontier []int32
	// seen marks the nodes of a search; by and label are how they were reached.
	seen, by, label []int32
	mark            int32
	ahead, behind   []int32
	// work counts the edges that were looked at.
	work int
}

// An edgeOf is an edge of a choice.
type edgeOf struct {
	from, to int32
}

// newOrdering begins with an order of the nodes of the graph in which all its
// edges lead forward.
func newOrdering(base *plain, order []int32) *ordering {
	n := base.size()
	o := &ordering{
		base: base, into: base.reversed(), out: make([][]branch, n), in: make([][]branch, n), place: make([]int32, n),
		seen: make([]int32, n), by: make([]int32, n), label: make([]int32, n),
	}
	for i, node := range order {
		o.place[node] = int32(i)
	}
	return o
}

// reversed returns the graph with every edge turned round, without what the
// edges stand for.
func (p *plain) reversed() *plain {
	n := p.size()
	r := &plain{first: make([]int32, n+1), to: make([]int32, len(p.to))}
	for _, to := range p.to {
		r.first[to+1]++
	}
	for i := range n {
		r.first[i+1] += r.first[i]
	}
	next := slices.Clone(r.first[:n])
	for i := range int32(n) {
		for _, to := range p.to[p.first[i]:p.first[i+1]] {
			r.to[next[to]] = i
			next[to]++
		}
	}
	return r
}

// add adds an edge; false if it would close a cycle. The cycle's other choices
// are then in closing.
func (o *ordering) add(from, to, label int32) bool {
	if o.place[from] > o.place[to] {
		if o.forward(to, from) {
			return false
		}
		o.backward(from, to)
		o.shift()
	}
	o.out[from] = append(o.out[from], branch{to, label})
	o.in[to] = append(o.in[to], branch{from, label})
	o.trail = append(o.trail, edgeOf{from, to})
	return true
}

// undo takes edges away until so many are left.
func (o *ordering) undo(left int) {
	for len(o.trail) > left {
		e := o.trail[len(o.trail)-1]
		o.trail = o.trail[:len(o.trail)-1]
		o.out[e.from] = o.out[e.from][:len(o.out[e.from])-1]
		o.in[e.to] = o.in[e.to][:len(o.in[e.to])-1]
	}
}

// forward marks what can be reached from a node and is not placed after the
// goal, by as few choices as possible; true if that includes the goal.
func (o *ordering) forward(from, goal int32) bool {
	o.mark++
	o.ahead = o.ahead[:0]
	now, next := append(o.frontier[:0], from), []int32(nil)
	o.seen[from], o.by[from], o.label[from] = o.mark, none, known
	limit := o.place[goal]
	for len(now) > 0 {
		for len(now) > 0 {
			node := now[len(now)-1]
			now = now[:len(now)-1]
			if node == goal {
				return true
			}
			o.ahead = append(o.ahead, node)
			for _, to := range o.base.to[o.base.first[node]:o.base.first[node+1]] {
				if o.work++; o.place[to] <= limit && o.seen[to] != o.mark {
					o.seen[to], o.by[to], o.label[to] = o.mark, node, known
					now = append(now, to)
				}
			}
			for _, b := range o.out[node] {
				if o.work++; o.place[b.node] <= limit && o.seen[b.node] != o.mark {
					o.seen[b.node], o.by[b.node], o.label[b.node] = o.mark, node, b.label
					next = append(next, b.node)
				}
			}
		}
		now, next = next, now
	}
	o.frontier = now
	return false
}

// closing returns the choices on the way that forward found to the goal.
func (o *ordering) closing(goal int32) []int32 {
	var labels []int32
	for node := goal; node != none; node = o.by[node] {
		if l := o.label[node]; l != known {
			labels = append(labels, l)
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// backward marks what leads to a node and is not placed before the goal.
func (o *ordering) backward(from, goal int32) {
	o.mark++
	o.behind = append(o.behind[:0], from)
	o.seen[from] = o.mark
	limit := o.place[goal]
	visit := func(node int32) {
		if o.work++; o.place[node] >= limit && o.seen[node] != o.mark {
			o.seen[node] = o.mark
			o.behind = append(o.behind, node)
		}
	}
	for i := 0; i < len(o.behind); i++ {
		node := o.behind[i]
		for _, before := range o.into.to[o.into.first[node]:o.into.first[node+1]] {
			visit(before)
		}
		for _, b := range o.in[node] {
			visit(b.node)
		}
	}
}

// shift puts what is behind before what is ahead, in the places that they have.
func (o *ordering) shift() {
	byPlace := func(a, b int32) int { return cmp.Compare(o.place[a], o.place[b]) }
	slices.SortFunc(o.behind, byPlace)
	slices.SortFunc(o.ahead, byPlace)
	moved := slices.Concat(o.behind, o.ahead)
	places := make([]int32, len(moved))
	for i, node := range moved {
		places[i] = o.place[node]
	}
	slices.Sort(places)
	for i, node := range moved {
		o.place[node] = places[i]
	}
	o.work += len(moved)
}
