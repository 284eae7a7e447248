package linear

import "fmt"

// largest decides a priority queue whose values are put once: a take of v needs
// a moment, between its call (or that of v's put) and its return, at which no
// larger value was surely there. If every take has one, the queue can be
// arranged: of the largest value put and take can be at any moments; take it
// away, and what is left is a smaller queue, whose operations avoid the times
// at which the larger one is there, as short as possible.
//
// Cost: O(n log n), going from large values to small, counting at each moment
// the larger ones that are surely there.
func (b *box) largest() *Result {
	times := make([]int, 0, 4*len(b.items))
	for i := range b.items {
		it := &b.items[i]
		times = append(times, it.putEnd, it.takeCall, it.takeEnd)
	}
	m := newMoments(times)
	l := newLayers(len(m.sorted))
	down := order(len(b.items), func(i int) int { return -b.items[i].value })
	for n, i := range down {
		it := &b.items[i]
		if it.take != none && l.leastIn(m.of(it.takeCall), m.of(it.takeEnd)+1) > 0 {
			return b.blameLarger(it, down[:n])
		}
		if it.surely() {
			l.add(m.of(it.putEnd)+1, m.of(it.takeCall), 1, 0)
		}
	}
	return nil
}

func (b *box) blameLarger(it *item, larger []int32) *Result {
	var spans []span
	for _, i := range larger {
		if big := &b.items[i]; big.surely() {
			spans = append(spans, span{big.putEnd, big.takeCall, i})
		}
	}
	union(spans) // sorts them
	return violation("", fmt.Sprintf("%d was taken while something larger was surely there", it.value),
		append(b.witnesses(covering(spans, it.takeCall, it.takeEnd)), it.put, it.take)...)
}
