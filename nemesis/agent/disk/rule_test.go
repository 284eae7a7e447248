package disk

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"", "a/b", true}, {"*.wal", "member/wal/0.wal", true}, {"*.wal", "member/wal/0.tmp", false},
		{"member/*/0.wal", "member/wal/0.wal", true}, {"member/*", "member/wal/0.wal", false},
		{"member/**", "member/wal/0.wal", true}, {"**/0.wal", "member/wal/0.wal", true}, {"**", "a/b", true},
		{"**/wal/**", "member/wal/0.wal", true}, {"**/snap/**", "member/wal/0.wal", false},
		{"/member/wal/0.wal", "member/wal/0.wal", true}, {"a/b", "a", false}, {"a/**", "a", true},
	} {
		if got := Match(c.pattern, c.path); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}
