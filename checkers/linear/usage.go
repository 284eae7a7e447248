package linear

import "encoding/binary"

// A usage holds multisets of classes of unknown operations as numbers; 0 is
// the empty one. A multiset is a list of classes, ascending, with how many.
type usage struct {
	sets [][]share
	// sizes are how many operations are in each multiset.
	sizes []int
	ids   map[string]int32
	plus  map[uint64]int32
	text  []byte
}

// A share is how many of a class are in a multiset.
type share struct {
	class int32
	count int32
}

func newUsage() *usage {
	u := &usage{}
	u.reset()
	return u
}

func (u *usage) reset() {
	u.sets, u.sizes = [][]share{nil}, []int{0}
	u.ids, u.plus = map[string]int32{"": 0}, map[uint64]int32{}
}

// number returns the number of a multiset, which it keeps.
func (u *usage) number(set []share) int32 {
	u.text = u.text[:0]
	size := 0
	for _, s := range set {
		u.text = binary.LittleEndian.AppendUint32(u.text, uint32(s.class))
		u.text = binary.LittleEndian.AppendUint32(u.text, uint32(s.count))
		size += int(s.count)
	}
	if id, ok := u.ids[string(u.text)]; ok {
		return id
	}
	id := int32(len(u.sets))
	u.sets, u.sizes = append(u.sets, set), append(u.sizes, size)
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
	set := make([]share, 0, len(old)+1)
	i := 0
	for ; i < len(old) && old[i].class < class; i++ {
		set = append(set, old[i])
	}
	one := share{class, 1}
	if i < len(old) && old[i].class == class {
		one.count += old[i].count
		i++
	}
	sum := u.number(append(append(set, one), old[i:]...))
	u.plus[key] = sum
	return sum
}

// count returns how many of class are in the multiset.
func (u *usage) count(id, class int32) int {
	for _, s := range u.sets[id] {
		if s.class == class {
			return int(s.count)
		}
	}
	return 0
}

// within reports whether a is part of b.
func (u *usage) within(a, b int32) bool {
	if a == b || a == 0 {
		return true
	}
	if u.sizes[a] > u.sizes[b] {
		return false
	}
	large := u.sets[b]
	for _, s := range u.sets[a] {
		for len(large) > 0 && large[0].class < s.class {
			large = large[1:]
		}
		if len(large) == 0 || large[0].class != s.class || large[0].count < s.count {
			return false
		}
	}
	return true
}
