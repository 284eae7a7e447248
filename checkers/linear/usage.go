package linear

import "encoding/binary"

// A usage holds multisets of classes of unknown operations as numbers; 0 is
// the empty one. A multiset is a list of classes, ascending.
type usage struct {
	sets [][]int32
	ids  map[string]int32
	plus map[uint64]int32
	text []byte
}

func newUsage() *usage {
	u := &usage{}
	u.reset()
	return u
}

func (u *usage) reset() {
	u.sets, u.ids, u.plus = [][]int32{nil}, map[string]int32{"": 0}, map[uint64]int32{}
}

// number returns the number of a multiset, which it keeps.
func (u *usage) number(set []int32) int32 {
	u.text = u.text[:0]
	for _, class := range set {
		u.text = binary.LittleEndian.AppendUint32(u.text, uint32(class))
	}
	if id, ok := u.ids[string(u.text)]; ok {
		return id
	}
	id := int32(len(u.sets))
	u.sets = append(u.sets, set)
	u.ids[string(u.text)] = id
	return id
}

// with returns the multiset with one more of class.
func (u *usage) with(id, class int32) int32 {
	key := uint64(id)<<32 | uint64(uint32(class))
	if sum, ok := u.plus[key]; ok {
		return sum
	}
	old := u.sets[id]
	set := make([]int32, 0, len(old)+1)
	i := 0
	for ; i < len(old) && old[i] <= class; i++ {
		set = append(set, old[i])
	}
	set = append(append(set, class), old[i:]...)
	sum := u.number(set)
	u.plus[key] = sum
	return sum
}

// count returns how many of class are in the multiset.
func (u *usage) count(id, class int32) int {
	n := 0
	for _, c := range u.sets[id] {
		if c == class {
			n++
		}
	}
	return n
}

// within reports whether a is part of b.
func (u *usage) within(a, b int32) bool {
	if a == b || a == 0 {
		return true
	}
	small, large := u.sets[a], u.sets[b]
	if len(small) > len(large) {
		return false
	}
	i := 0
	for _, c := range large {
		if i < len(small) && small[i] == c {
			i++
		}
	}
	return i == len(small)
}
