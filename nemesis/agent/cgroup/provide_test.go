//go:build linux

package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tree of groups as version 2 has them: what each has, and passes on.
func TestProvide(t *testing.T) {
	for name, c := range map[string]struct {
		has, passOn string // of the top and of the slice, "-" between them
		version     int
		told        string // who was told to pass it on
	}{
		"nobody passes it on":      {"cpu memory-memory-memory", "memory-memory", 2, "/ /slice"},
		"the top passes it on":     {"cpu memory-cpu memory-memory", "cpu memory-memory", 2, "/slice"},
		"the group has it":         {"cpu memory-cpu memory-cpu", "cpu-cpu", 2, ""},
		"another's name is longer": {"cpuset cpu-cpuset-cpuset", "cpuset-cpuset", 2, "/ /slice"},
		"version 1":                {"--", "-", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dirs := []string{top, filepath.Join(top, "slice"), filepath.Join(top, "slice", "n1")}
			has, passOn := strings.Split(c.has, "-"), strings.Split(c.passOn, "-")
			for i, dir := range dirs {
				_ = os.Mkdir(dir, 0o755) // the first is there
				put(t, dir, "cgroup.controllers", has[i])
				if i < len(passOn) {
					put(t, dir, passesOn, passOn[i])
				}
			}
			g := Group{Version: c.version, Path: "/slice/n1", Dir: dirs[2], of: CPU, root: "/", point: top}
			told, err := g.Provide()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, above := range told {
				names = append(names, above.Path)
				if got := get(t, above.Dir, passesOn); !strings.HasPrefix(got, "+cpu") { // which a plain file keeps as it is
					t.Errorf("%s was told %q", above.Dir, got)
				}
			}
			if got := strings.Join(names, " "); got != c.told {
				t.Errorf("told are %q, want %q", got, c.told)
			}
			if err := g.Withhold(told); err != nil {
				t.Fatal(err)
			}
			for _, above := range told {
				if got := get(t, above.Dir, passesOn); !strings.HasPrefix(got, "-cpu") {
					t.Errorf("%s was told %q in the end", above.Dir, got)
				}
			}
		})
	}
	broken := Group{Version: 2, Path: "/slice/n1", Dir: filepath.Join(t.TempDir(), "slice", "n1"), of: CPU, root: "/"}
	broken.point = filepath.Dir(filepath.Dir(broken.Dir))
	if told, err := broken.Provide(); err == nil || told != nil || !strings.Contains(err.Error(), "pass the cpu controller on") {
		t.Errorf("where nothing can be written: %v, %v", told, err)
	}
}

func put(t *testing.T, dir, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
