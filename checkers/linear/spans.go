package linear

import (
	"cmp"
	"slices"
)

// A span is the time in which item was surely there, without its ends.
type span struct {
	from, to int
	item     int32
}

// union joins spans that overlap, in order of time. Two that only touch leave a
// moment between them.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var joined []span
	for _, s := range spans {
		if n := len(joined) - 1; n >= 0 && s.from < joined[n].to {
			joined[n].to = max(joined[n].to, s.to)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// inside reports whether from … to lies strictly inside one of the joined spans.
func inside(joined []span, from, to int) bool {
	n, _ := slices.BinarySearchFunc(joined, from, func(s span, from int) int {
		if s.from < from {
			return -1
		}
		return 1
	})
	return n > 0 && to < joined[n-1].to
}

// covering returns the items of few spans that together cover from … to, which
// lies strictly inside the union of spans, sorted by from. It always takes, of
// the spans that go on from where it is, the one that leads farthest.
func covering(spans []span, from, to int) []int32 {
	var items []int32
	at, i := from, 0
	for {
		best := none
		for ; i < len(spans) && spans[i].from < at; i++ {
			if best == none || spans[i].to > spans[best].to {
				best = i
			}
		}
		if best == none || spans[best].to <= at && at != from {
			return items
		}
		items = append(items, spans[best].item)
		if at = spans[best].to; at > to {
			return items
		}
	}
}

// moments numbers the times at which something begins or ends, from 0 on.
type moments struct {
	sorted []int
}

func newMoments(times []int) moments {
	slices.Sort(times)
	return moments{sorted: slices.Compact(times)}
}

func (m moments) of(time int) int {
	i, _ := slices.BinarySearch(m.sorted, time)
	return i
}

// layers counts, for each moment, spans that cover it, and knows where there are
// fewest. It is a segment tree; each step is O(log n).
type layers struct {
	size int
	// lowest is the least count below a node with what was added at the node
	// and below it; added what was added to all below; owners the sum of the
	// marks added to all below.
	lowest, added []int32
	owners        []int64
}

func newLayers(n int) *layers {
	size := 1
	for size < n {
		size *= 2
	}
	l := &layers{size: size, lowest: make([]int32, 2*size), added: make([]int32, 2*size), owners: make([]int64, 2*size)}
	for i := n; i < size; i++ {
		l.add(i, i+1, gone, 0)
	}
	return l
}

// gone is added to a moment that is not to be found any more.
const gone = 1 << 28

// add adds count and mark to the moments from … to-1.
func (l *layers) add(from, to int, count int32, mark int64) {
	if from < to {
		l.addBelow(1, 0, l.size, from, to, count, mark)
	}
}

func (l *layers) addBelow(node, low, high, from, to int, count int32, mark int64) {
	if from <= low && high <= to {
		l.lowest[node] += count
		l.added[node] += count
		l.owners[node] += mark
		return
	}
	middle := (low + high) / 2
	if from < middle {
		l.addBelow(2*node, low, middle, from, to, count, mark)
	}
	if to > middle {
		l.addBelow(2*node+1, middle, high, from, to, count, mark)
	}
	l.lowest[node] = min(l.lowest[2*node], l.lowest[2*node+1]) + l.added[node]
}

// least returns the moment with the least count, the count, and the sum of the
// marks there.
func (l *layers) least() (moment int, count int32, marks int64) {
	node := 1
	for {
		marks += l.owners[node]
		if node >= l.size {
			return node - l.size, l.lowest[1], marks
		}
		if node *= 2; l.lowest[node] > l.lowest[node+1] {
			node++
		}
	}
}

// leastIn returns the least count among the moments from … to-1.
func (l *layers) leastIn(from, to int) int32 {
	return l.leastBelow(1, 0, l.size, from, to)
}

func (l *layers) leastBelow(node, low, high, from, to int) int32 {
	if to <= low || high <= from {
		return gone
	}
	if from <= low && high <= to {
		return l.lowest[node]
	}
	middle := (low + high) / 2
	return l.added[node] + min(l.leastBelow(2*node, low, middle, from, to), l.leastBelow(2*node+1, middle, high, from, to))
}
