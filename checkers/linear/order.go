package linear

import (
	"cmp"
	"slices"
)

// dense is how many times larger than their number keys may be for a table to
// be worth its memory.
const dense = 8

// order returns 0 … n-1 sorted by key. Times are mostly indexes of events, in
// order or at least dense, so that n steps are enough; else it sorts. Equal
// keys keep their order.
func order(n int, key func(int) int) []int32 {
	sorted := make([]int32, n)
	lowest, highest, ascending := 0, 0, true
	for i := range n {
		sorted[i] = int32(i)
		k := key(i)
		if i == 0 {
			lowest, highest = k, k
		} else if k < key(i-1) {
			ascending = false
		}
		lowest, highest = min(lowest, k), max(highest, k)
	}
	switch {
	case ascending:
	case uint(highest-lowest) < dense*uint(n):
		count(sorted, highest-lowest+1, func(i int) int { return key(i) - lowest })
	default:
		slices.SortStableFunc(sorted, func(a, b int32) int { return cmp.Compare(key(int(a)), key(int(b))) })
	}
	return sorted
}

// count sorts by counting; keys are 0 … size-1.
func count(sorted []int32, size int, key func(int) int) {
	starts := make([]int32, size+1)
	for i := range sorted {
		starts[key(i)+1]++
	}
	for k := range size {
		starts[k+1] += starts[k]
	}
	for i := range sorted {
		k := key(i)
		sorted[starts[k]] = int32(i)
		starts[k]++
	}
}

// A numbering gives values small numbers, in order of first use.
type numbering struct {
	table  []int32 // by value, 1 more than its number; 0: none
	others map[int]int32
	values []int
}

// newNumbering expects about n values.
func newNumbering(n int) *numbering {
	return &numbering{table: make([]int32, 4*n+64), others: map[int]int32{}}
}

// of returns the number of a value and whether it is new.
func (n *numbering) of(value int) (int32, bool) {
	if i, ok := n.find(value); ok {
		return i, false
	}
	i := int32(len(n.values))
	n.values = append(n.values, value)
	if value >= 0 && value < len(n.table) {
		n.table[value] = i + 1
	} else {
		n.others[value] = i
	}
	return i, true
}

func (n *numbering) find(value int) (int32, bool) {
	if value >= 0 && value < len(n.table) {
		return n.table[value] - 1, n.table[value] > 0
	}
	i, ok := n.others[value]
	return i, ok
}
