package fold

// A graph has vertices from 0 and edges without weight, a few for each vertex.
type graph struct {
	// first is the index of a vertex's first edge in the lists below, or -1.
	first    []int32
	to, next []int32
	label    []int32
}

// vertex adds a vertex and returns its number.
func (g *graph) vertex() int32 {
	g.first = append(g.first, -1)
	return int32(len(g.first) - 1)
}

// edge adds an edge with a label, which is the caller's.
func (g *graph) edge(from, to, label int32) {
	g.to = append(g.to, to)
	g.label = append(g.label, label)
	g.next = append(g.next, g.first[from])
	g.first[from] = int32(len(g.to) - 1)
}

// components returns for each vertex the number of its strongly connected
// component: Tarjan, Depth-First Search and Linear Graph Algorithms, 1972, with
// a stack of its own, since histories are longer than ours.
func (g *graph) components() []int32 {
	t := &tarjan{g: g, order: make([]int32, len(g.first)), low: make([]int32, len(g.first)), of: make([]int32, len(g.first))}
	for v := range t.of {
		t.of[v] = -1
	}
	for v := range g.first {
		if t.order[v] == 0 {
			t.visit(int32(v))
		}
	}
	return t.of
}

type tarjan struct {
	g          *graph
	order, low []int32 // from 1; 0: not seen yet
	of         []int32
	stack      []int32
	seen, n    int32
}

// A frame is a vertex whose edges are being followed, from edge on.
type frame struct{ v, edge int32 }

func (t *tarjan) enter(v int32) frame {
	t.seen++
	t.order[v], t.low[v] = t.seen, t.seen
	t.stack = append(t.stack, v)
	return frame{v, t.g.first[v]}
}

func (t *tarjan) visit(root int32) {
	path := []frame{t.enter(root)}
	for len(path) > 0 {
		top := &path[len(path)-1]
		if top.edge < 0 {
			t.leave(top.v)
			path = path[:len(path)-1]
			if len(path) > 0 {
				above := path[len(path)-1].v
				t.low[above] = min(t.low[above], t.low[top.v])
			}
			continue
		}
		w := t.g.to[top.edge]
		top.edge = t.g.next[top.edge]
		switch {
		case t.order[w] == 0:
			path = append(path, t.enter(w))
		case t.of[w] < 0:
			t.low[top.v] = min(t.low[top.v], t.order[w])
		}
	}
}

// leave closes the component of which v was seen first, if it was.
func (t *tarjan) leave(v int32) {
	if t.low[v] != t.order[v] {
		return
	}
	for {
		w := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.of[w] = t.n
		if w == v {
			break
		}
	}
	t.n++
}

// cycle returns a shortest cycle through v within its component, as edges, or
// nil if there is none.
func (g *graph) cycle(v int32, of []int32) []int32 { return g.path(v, v, of) }

// path returns a shortest way from v to goal within their component, as edges,
// or nil if there is none. It has an edge at least.
func (g *graph) path(v, goal int32, of []int32) []int32 {
	reached := map[int32]int32{} // vertex → the edge that led to it
	from := map[int32]int32{}    // edge → the vertex it came from
	queue := []int32{v}
	for len(queue) > 0 {
		u := queue[0]
		queue = queue[1:]
		for e := g.first[u]; e >= 0; e = g.next[e] {
			w := g.to[e]
			if _, seen := reached[w]; seen || of[w] != of[v] {
				continue
			}
			reached[w], from[e] = e, u
			if w == goal {
				return g.trace(v, goal, reached, from)
			}
			queue = append(queue, w)
		}
	}
	return nil
}

// trace goes back from goal to v.
func (g *graph) trace(v, goal int32, reached, from map[int32]int32) []int32 {
	var edges []int32
	for e := reached[goal]; ; e = reached[from[e]] {
		edges = append([]int32{e}, edges...)
		if from[e] == v {
			return edges
		}
	}
}
