package linear

// lifo decides a stack whose values are put once, by peeling it from the bottom
// (after Lee and Mathur, Efficient decrease-and-conquer linearizability
// monitoring, 2025, whose histories are complete).
//
// A value that need not have been there for any time can be put and taken at
// one moment, whatever the stack holds: it does not matter. Every other value
// was surely there between the end of its put and the call of its take. A value
// that is not taken is taken as being taken after everything else.
//
// At a moment at which no value is surely there, the stack can be empty, so
// all operations that are open then can take place there in some order, and
// the history falls apart into what is before and what is after. At a moment
// at which just one value v is surely there, v can be the bottom with nothing on
// it: then v's own operations, if they are open, can take place there. An
// operation for which a moment was found is done with; a value both of whose
// operations are done with is peeled off, and what lay on it lies lower. If
// nothing more can be peeled while something is left, then no order exists: in
// a linearization of what is left consider the lowest value; the moments of its
// operations would be such.
//
// Cost: O(n log n): each moment is looked at once with one value covering it,
// and once with none.
func (b *box) lifo() *Result {
	p := newPeeling(b)
	if p == nil || p.peel() {
		return nil
	}
	return p.blame()
}

// A peeling is the state of lifo.
type peeling struct {
	box *box
	// items are those that matter, by position in box.
	items  []int32
	m      moments
	layers *layers
	// from and to are the moments between which an operation can take place,
	// puts at 2*i, takes at 2*i+1; found tells that it has its moment.
	from, to []int32
	found    []bool
	left     int
	// parked are, by item, the moments that only it covers.
	parked [][]int32
	open   *stabber
}

func newPeeling(b *box) *peeling {
	p := &peeling{box: b}
	var times []int
	last := never
	for i := range b.items {
		if it := &b.items[i]; it.surely() {
			p.items = append(p.items, int32(i))
			times = append(times, it.putCall, it.putEnd)
			if it.take != none {
				times = append(times, it.takeCall, it.takeEnd)
			}
		}
	}
	if len(p.items) == 0 {
		return nil
	}
	for _, t := range times {
		last = max(last, t)
	}
	p.m = newMoments(append(times, last+1, last+2))
	p.layers = newLayers(len(p.m.sorted))
	p.from, p.to = make([]int32, 2*len(p.items)), make([]int32, 2*len(p.items))
	p.found, p.parked = make([]bool, 2*len(p.items)), make([][]int32, len(p.items))
	p.left = 2 * len(p.items)
	for n, i := range p.items {
		it := &b.items[i]
		taken, end := it.takeCall, it.takeEnd
		if it.take == none {
			taken, end = last+1, last+2
		}
		p.from[2*n], p.to[2*n] = int32(p.m.of(it.putCall)), int32(p.m.of(it.putEnd))
		p.from[2*n+1], p.to[2*n+1] = int32(p.m.of(taken)), int32(p.m.of(end))
		p.cover(n, 1)
	}
	p.open = newStabber(p.from, p.to)
	return p
}

// cover adds item n as often as count says to the moments that it surely covers.
func (p *peeling) cover(n int, count int32) {
	p.layers.add(int(p.to[2*n])+1, int(p.from[2*n+1]), count, int64(count)*int64(n))
}

// peel reports whether everything could be peeled.
func (p *peeling) peel() bool {
	for p.left > 0 {
		moment, count, owner := p.layers.least()
		if count > 1 {
			return false
		}
		p.layers.add(moment, moment+1, gone, 0)
		if count == 0 {
			for o := p.open.next(int32(moment)); o != none; o = p.open.next(int32(moment)) {
				p.done(int(o))
			}
			continue
		}
		n := int(owner)
		p.parked[n] = append(p.parked[n], int32(moment))
		for _, o := range [2]int{2 * n, 2*n + 1} {
			if p.from[o] <= int32(moment) && int32(moment) <= p.to[o] {
				p.open.remove(int32(o))
				p.done(o)
			}
		}
	}
	return true
}

// done notes that operation o has its moment.
func (p *peeling) done(o int) {
	if p.found[o] {
		return
	}
	p.found[o] = true
	p.left--
	if n := o / 2; p.found[2*n] && p.found[2*n+1] {
		p.cover(n, -1)
		for _, moment := range p.parked[n] {
			p.layers.add(int(moment), int(moment)+1, -gone, 0)
		}
		p.parked[n] = nil
	}
}

// mostStriking is how many values a smaller witness is looked for among.
const mostStriking = 3000

// blame names the values that are stuck, as few as it finds: if some values
// alone cannot be stacked, then all cannot.
func (p *peeling) blame() *Result {
	var stuck []item
	for n, i := range p.items {
		if !p.found[2*n] || !p.found[2*n+1] {
			stuck = append(stuck, p.box.items[i])
		}
	}
	if len(stuck) <= mostStriking {
		stuck = strike(stuck, func(some []item) bool {
			q := newPeeling(&box{ops: p.box.ops, items: some})
			return q != nil && !q.peel()
		})
	}
	var ops []int32
	for _, it := range stuck {
		ops = append(ops, it.put, it.take)
	}
	return violation("", "these values cannot have lain on one another", ops...)
}

// A stabber holds intervals and gives back those that contain a point.
type stabber struct {
	// byFrom are the intervals by where they begin; at is the inverse.
	byFrom, at []int32
	from, to   []int32
	// farthest is a segment tree over byFrom with the greatest end; -1 for an
	// interval that was removed.
	farthest []int32
	size     int
}

func newStabber(from, to []int32) *stabber {
	s := &stabber{byFrom: order(len(from), func(i int) int { return int(from[i]) }), at: make([]int32, len(from)), from: from, to: to, size: 1}
	for s.size < len(from) {
		s.size *= 2
	}
	s.farthest = make([]int32, 2*s.size)
	for i := range s.farthest {
		s.farthest[i] = -1
	}
	for i, o := range s.byFrom {
		s.at[o] = int32(i)
		s.farthest[s.size+i] = to[o]
	}
	for i := s.size - 1; i > 0; i-- {
		s.farthest[i] = max(s.farthest[2*i], s.farthest[2*i+1])
	}
	return s
}

func (s *stabber) remove(o int32) {
	i := s.size + int(s.at[o])
	s.farthest[i] = -1
	for i /= 2; i > 0; i /= 2 {
		s.farthest[i] = max(s.farthest[2*i], s.farthest[2*i+1])
	}
}

// next removes and returns an interval that contains the point; none if none does.
func (s *stabber) next(point int32) int32 {
	node, low, high := 1, 0, s.size
	if s.farthest[1] < point {
		return none
	}
	// The intervals that reach the point and begin earliest: if the first of
	// them begins after the point, none contains it.
	for node < s.size {
		middle := (low + high) / 2
		if node *= 2; s.farthest[node] >= point {
			high = middle
		} else {
			node, low = node+1, middle
		}
	}
	o := s.byFrom[node-s.size]
	if s.from[o] > point {
		return none
	}
	s.remove(o)
	return o
}
