package txn

import (
	"cmp"
	"slices"
	"sort"
)

// byTime is what real time tells: of two versions of a key, the one that
// somebody met who had completed before somebody who met the other began is
// older. Only pairs with no third one between them are returned, which are as
// many as there are versions, times how many were there at a time.
//
// A version's zone is from where it was first known to be there (met) to where
// somebody last began who would meet it (gone); it may run backwards. Two
// versions contradict each other if two forward zones overlap, or a backward
// one lies within a forward one (Gibbons and Korach, 1997); then the two are
// all that is returned for the key.
func (r *registers) byTime() []relation {
	var relations []relation
	for key, ids := range r.byKey {
		zones := make([]int32, 0, len(ids))
		for _, id := range ids {
			if id != r.initial[key] || len(r.versions[id].readers) > 0 {
				zones = append(zones, id)
			}
		}
		if a, b := r.conflict(zones); a != none {
			relations = append(relations, relation{older: a, newer: b, why: fromRealtime}, relation{older: b, newer: a, why: fromRealtime})
			continue
		}
		relations = r.succession(relations, zones)
	}
	return relations
}

// conflict returns two versions that are each older than the other, or none.
func (r *registers) conflict(zones []int32) (a, b int32) {
	var forward []int32
	for _, id := range zones {
		if r.versions[id].met < r.versions[id].gone {
			forward = append(forward, id)
		}
	}
	slices.SortFunc(forward, func(a, b int32) int { return cmp.Compare(r.versions[a].met, r.versions[b].met) })
	for i := 1; i < len(forward); i++ {
		if r.versions[forward[i]].met < r.versions[forward[i-1]].gone {
			return forward[i-1], forward[i]
		}
	}
	for _, id := range zones {
		v := &r.versions[id]
		if v.met < v.gone {
			continue
		}
		at := sort.Search(len(forward), func(i int) bool { return r.versions[forward[i]].met >= v.gone }) - 1
		if at >= 0 && r.versions[forward[at]].gone > v.met {
			return forward[at], id
		}
	}
	return none, none
}

// succession returns the pairs of which one comes right after the other. There
// must be no conflict.
func (r *registers) succession(relations []relation, zones []int32) []relation {
	slices.SortFunc(zones, func(a, b int32) int { return cmp.Compare(r.versions[a].gone, r.versions[b].gone) })
	// least[i] are the three from i on that were met first: with three of them,
	// one is neither of the pair in question.
	least := make([][3]int32, len(zones)+1)
	least[len(zones)] = [3]int32{none, none, none}
	for i := len(zones) - 1; i >= 0; i-- {
		least[i] = r.insert(least[i+1], zones[i])
	}
	for _, id := range zones {
		from := sort.Search(len(zones), func(i int) bool { return r.versions[zones[i]].gone > r.versions[id].met })
		for _, newer := range zones[from:] {
			gone := r.versions[newer].gone
			if third := least[from][2]; third != none && r.versions[third].met < gone {
				break
			}
			between := func(u int32) bool { return u != none && u != id && u != newer && r.versions[u].met < gone }
			if newer != id && !slices.ContainsFunc(least[from][:], between) {
				relations = append(relations, relation{older: id, newer: newer, why: fromRealtime})
			}
		}
	}
	return relations
}

// insert puts a version among the three that were met first.
func (r *registers) insert(least [3]int32, id int32) [3]int32 {
	for i := range least {
		if least[i] == none || r.versions[id].met < r.versions[least[i]].met {
			least[i], id = id, least[i]
		}
		if id == none {
			break
		}
	}
	return least
}
