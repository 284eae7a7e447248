package say

import "testing"

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
