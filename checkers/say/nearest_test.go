package say

import (
	"testing"

	"pgregory.net/rapid"
)

// TestNearest: a slip of the finger is understood, another word is not.
func TestNearest(t *testing.T) {
	known := []string{"linearizable", "stats", "earned", "recovery", "logs"}
	for word, want := range map[string]string{
		"linearisable": "linearizable", "linearizible": "linearizable", "stat": "stats", "satts": "stats",
		"log": "logs", "recover": "recovery", "statistics": "stats", "elephant": "", "q": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}

// Without this the distance could be one that only fits the examples.
func TestDistance(t *testing.T) {
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		ab := distance(a, b)
		switch {
		case ab != distance(b, a):
			t.Fatalf("%q and %q are not as far apart as the other way round", a, b)
		case (ab == 0) != (a == b):
			t.Fatalf("%q and %q are %d apart", a, b, ab)
		case ab > max(len(a), len(b)):
			t.Fatalf("%q and %q are %d apart", a, b, ab)
		}
	})
}
