package scenarios

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	words := []string{"partition", "kill", "pause", "clock", "majority-ring", "one-way"}
	for _, tt := range []struct{ word, want string }{
		{"kil", "kill"},
		{"kilss", ""},
		{"Kill", "kill"},
		{"lcock", "clock"},
		{"partitions", "partition"},
		{"majority_ring", "majority-ring"},
		{"Majority Ring", "majority-ring"},
		{"onewya", "one-way"},
		{"network", ""},
		{"", ""},
		{"x", ""},
		{"k", ""},
		{"partition" + strings.Repeat("n", maxSuggest), ""},
	} {
		if got := nearest(tt.word, words); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestSuggestion(t *testing.T) {
	for _, tt := range []struct {
		word  string
		known []string
		want  string
	}{
		{"sed", []string{"seed"}, `did you mean "seed"?`},
		{"x", []string{"alpha", "beta", "gamma"}, "it can be alpha, beta or gamma"},
		{"x", []string{"alpha"}, "it can be alpha"},
		{"x", nil, ""},
	} {
		if got := suggestion(tt.word, tt.known); got != tt.want {
			t.Errorf("%q of %v: %q, want %q", tt.word, tt.known, got, tt.want)
		}
	}
}

// The distance is a distance: none to itself, the same both ways, 1 for one
// slip, and never more than replacing everything.
func TestDistance(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcé")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if distance(a, a) != 0 || distance(a, b) != distance(b, a) {
			t.Fatalf("%d to itself, %d and %d to each other", distance(a, a), distance(a, b), distance(b, a))
		}
		r := []rune(a)
		if most := max(len(r), len([]rune(b))); distance(a, b) > most {
			t.Fatalf("%d, more than %d", distance(a, b), most)
		}
		i := rapid.IntRange(0, len(r)-1).Draw(t, "at")
		for _, slip := range []string{
			string(slices.Delete(slices.Clone(r), i, i+1)),
			string(slices.Insert(slices.Clone(r), i, 'x')),
			string(r[:i]) + "x" + string(r[i+1:]),
		} {
			if distance(a, slip) != 1 {
				t.Fatalf("%q to %q is %d", a, slip, distance(a, slip))
			}
		}
		if i > 0 && r[i] != r[i-1] {
			r[i], r[i-1] = r[i-1], r[i]
			if distance(a, string(r)) != 1 {
				t.Fatalf("%q to %q is %d", a, string(r), distance(a, string(r)))
			}
		}
	})
}
