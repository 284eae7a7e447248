package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without this a folder of runs named like a scenario could be run in its place,
// or a folder's files be taken in any order.
func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"etcd-storm/x.yaml", "mine/b.yml", "mine/a.yaml", "mine/deeper/c.yaml", "mine/readme.md"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("version: 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for arg, want := range map[string]string{
		"etcd-storm":   "etcd-storm.yaml",
		"./etcd-storm": filepath.Join("etcd-storm", "x.yaml"),
		"mine":         filepath.Join("mine", "a.yaml") + " " + filepath.Join("mine", "b.yml"),
		"mine/a.yaml":  "mine/a.yaml",
	} {
		found, err := find([]string{arg})
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, s := range found {
			paths = append(paths, s.path)
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("find(%s) = %s, want %s", arg, got, want)
		}
	}
}

// Without this a history given by mistake could be read whole as a scenario.
func TestFindRefusesLargeFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(file, make([]byte, maxScenario+1), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := find([]string{file})
	if exitCode(err) != exitUsage || !strings.Contains(hintOf(err), "shakedown check") {
		t.Errorf("the error is %v with the hint %q", err, hintOf(err))
	}
}
