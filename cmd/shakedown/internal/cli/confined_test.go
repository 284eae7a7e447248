package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// Without this a program in a container would take the machine's memory for its
// own, and be killed by the kernel in the middle of a run.
func TestConfined(t *testing.T) {
	for name, test := range map[string]struct {
		groups string
		files  map[string]string
		want   uint64 // 0: no limit
	}{
		"no groups":           {"", nil, 0},
		"version 1":           {"9:memory:/a/b\n3:cpu:/x\n", map[string]string{"memory/a/b/memory.limit_in_bytes": "512\n", "memory/a/b/memory.usage_in_bytes": "12"}, 512},
		"version 1, no limit": {"9:memory:/a\n", map[string]string{"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"version 2":           {"0::/a\n", map[string]string{"a/memory.max": "512\n", "a/memory.current": "12"}, 512},
		"version 2, no limit": {"0::/a\n", map[string]string{"a/memory.max": "max\n"}, 0},
		"the group above":     {"0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "512\n"}, 512},
		"the tighter of two":  {"0::/a/b\n", map[string]string{"a/b/memory.max": "900\n", "a/memory.max": "512\n"}, 512},
		"in a container":      {"0::/docker/of-the-host\n", map[string]string{"memory.max": "512\n"}, 512},
		"another controller":  {"3:cpu:/a\n", map[string]string{"memory/a/memory.limit_in_bytes": "512\n"}, 0},
		"not a number":        {"0::/a\n", map[string]string{"a/memory.max": "lots\n"}, 0},
	} {
		dir := t.TempDir()
		groups := filepath.Join(dir, "groups")
		writeText(t, groups, test.groups)
		for file, text := range test.files {
			writeText(t, filepath.Join(dir, "sys", file), text)
		}
		got, ok := confined(groups, filepath.Join(dir, "sys"))
		if got.limit != test.want || ok != (test.want > 0) {
			t.Errorf("%s: %d %v, want %d", name, got.limit, ok, test.want)
		}
	}
	if _, ok := confined(filepath.Join(t.TempDir(), "none"), "/"); ok {
		t.Error("confined where groups cannot be told")
	}
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Pages of files are not in use, each of them once.
func TestCachedIsNotUsed(t *testing.T) {
	const own, total = "inactive_file 10\nactive_file 20\nanon 500\n", "total_inactive_file 11\ntotal_active_file 22\ntotal_rss 500\n"
	for name, test := range map[string]struct {
		groups, at, usage, stat string
		used                    uint64
	}{
		"version 1": {"9:memory:/a\n", "memory/a/memory.limit_in_bytes", "memory/a/memory.usage_in_bytes", own + total, 567},
		"version 2": {"0::/a\n", "a/memory.max", "a/memory.current", own, 570},
		"no stat":   {"0::/a\n", "a/memory.max", "a/memory.current", "", 600},
	} {
		dir := t.TempDir()
		writeText(t, filepath.Join(dir, "groups"), test.groups)
		writeText(t, filepath.Join(dir, test.at), "1000")
		writeText(t, filepath.Join(dir, test.usage), "600")
		writeText(t, filepath.Join(dir, filepath.Dir(test.at), "memory.stat"), test.stat)
		if got, _ := confined(filepath.Join(dir, "groups"), dir); got != (confinement{limit: 1000, used: test.used}) {
			t.Errorf("%s: %+v, want %d used", name, got, test.used)
		}
	}
}

// A limit that is nearly used up leaves little, whatever the machine has.
func TestLeast(t *testing.T) {
	for _, test := range []struct {
		machine uint64
		c       confinement
		any     bool
		want    uint64
	}{
		{1000, confinement{}, false, 1000},
		{1000, confinement{limit: 512, used: 12}, true, 500},
		{100, confinement{limit: 512, used: 12}, true, 100},
		{1000, confinement{limit: 512, used: 600}, true, 0},
	} {
		if got := least(test.machine, test.c, test.any); got != test.want {
			t.Errorf("least(%d, %+v) is %d, want %d", test.machine, test.c, got, test.want)
		}
	}
}
