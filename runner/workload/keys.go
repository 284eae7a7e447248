package workload

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Keys returns every key that occurs in ops, once, in natural order: r2.9
// before r2.10 before r10.1.
func Keys(ops [][]Operation) []string {
	seen := map[string]bool{}
	for _, client := range ops {
		for _, op := range client {
			seen[op.Key] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), natural)
}

// natural compares names so that the numbers within them count as numbers.
// Names that differ in leading zeros alone are in order of their bytes.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		var p, q string
		p, x = chunk(x)
		q, y = chunk(y)
		if c := compareChunks(p, q); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// compareChunks compares two numbers, or what is not a pair of numbers as text.
func compareChunks(p, q string) int {
	if !digit(p[0]) || !digit(q[0]) {
		return cmp.Compare(p, q)
	}
	p, q = strings.TrimLeft(p, "0"), strings.TrimLeft(q, "0")
	return cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q))
}

// chunk splits s, which is not empty, after its first run of digits or of
// anything else.
func chunk(s string) (first, rest string) {
	n := 1
	for n < len(s) && digit(s[n]) == digit(s[0]) {
		n++
	}
	return s[:n], s[n:]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
