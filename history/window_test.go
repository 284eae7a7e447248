package history

import "testing"

// What is said at each step is kept once, also if it has several parts.
func TestRemarksAreKeptOnce(t *testing.T) {
	for _, c := range []struct{ said, more, want string }{
		{"", "slow", "slow"},
		{"slow", "", "slow"},
		{"slow", "slow", "slow"},
		{"slow", "slower", "slow; slower"},
		{"slower", "slow", "slower; slow"},
		{"n1 → n3; n3 → n1", "n1 → n3; n3 → n1", "n1 → n3; n3 → n1"},
		{"n1 → n3; n3 → n1", "n3 → n1", "n1 → n3; n3 → n1"},
		{"n1 → n3; n3 → n1", "n1 → n3; n3 → n2", "n1 → n3; n3 → n1; n1 → n3; n3 → n2"},
	} {
		if got := also(c.said, c.more); got != c.want {
			t.Errorf("%q and then %q: %q, want %q", c.said, c.more, got, c.want)
		}
	}
}
