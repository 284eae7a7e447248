package fold

import (
	"testing"

	"pgregory.net/rapid"
)

// Clocks must be what maps of counts are, and never change once they are made.
func TestClocksAreCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		members := rapid.SampledFrom([]int{1, 3, 16, 17, 256, 257, 5000}).Draw(rt, "members")
		c := newClocks(members)
		trees, counts := []*clock{nil}, []map[int32]int32{{}}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			a, b := rapid.IntRange(0, len(trees)-1).Draw(rt, "a"), rapid.IntRange(0, len(trees)-1).Draw(rt, "b")
			both := make(map[int32]int32)
			for m, n := range counts[a] {
				both[m] = n
			}
			if rapid.Bool().Draw(rt, "join") {
				for m, n := range counts[b] {
					both[m] = max(both[m], n)
				}
				trees = append(trees, c.join(trees[a], trees[b]))
			} else {
				m := int32(rapid.IntRange(0, members-1).Draw(rt, "member"))
				both[m]++
				trees = append(trees, c.with(trees[a], m, both[m]))
			}
			counts = append(counts, both)
		}
		for i := range trees {
			for m := range int32(members) {
				if c.of(trees[i], m) != counts[i][m] {
					rt.Fatalf("clock %d: member %d has %d, not %d", i, m, c.of(trees[i], m), counts[i][m])
				}
			}
		}
	})
}

// Without this test clocks could grow with the number of members.
func TestClocksOfOneMindAreShared(t *testing.T) {
	c := newClocks(1000)
	var a, b *clock
	for m := range int32(1000) {
		a, b = c.with(a, m, 1), c.with(b, m, 1)
	}
	made := c.made
	if c.join(a, b) != b || c.join(b, nil) != b || c.join(nil, a) != a || c.join(c.with(a, 7, 2), b) == b {
		t.Error("what is the same is not shared")
	}
	if c.made > made+5 {
		t.Errorf("%d vertices were made", c.made-made)
	}
}
