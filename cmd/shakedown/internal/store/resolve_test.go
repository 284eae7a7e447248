package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Without this test a command could judge, show or remove another run than the
// one that was meant.
func TestResolve(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	first := create(t, "runs", "storm", tenFifteen, 0x7f3a91)
	second := create(t, "runs", "storm", tenFifteen.Add(time.Hour), 0x7fbb00)
	third := create(t, "runs", "calm", tenFifteen.Add(24*time.Hour), 0x0abc12)
	write(t, dir, "other/history.jsonl", "")
	write(t, dir, "0abc/notes", "a folder that only looks like a prefix")
	write(t, dir, "notes", "")
	write(t, dir, "folder/notes", "")
	for _, test := range []struct {
		ref  string
		want *Folder
		path string
		err  string
	}{
		{ref: "latest", want: third},
		{ref: "-1", want: third},
		{ref: "-2", want: second},
		{ref: "-3", want: first},
		{ref: "-4", err: "there is no run -4: there are 3 runs in runs, the latest is 20261123T101502Z-0abc12"},
		{ref: "20261122T101502Z-7f3a91", want: first},
		{ref: "20261122T10", want: first},
		{ref: "20261123", want: third},
		{ref: "7f3a91", want: first},
		{ref: "7f3", want: first},
		{ref: "7fb", want: second},
		{ref: "0abc", want: third},
		{ref: "7f", err: `"7f" is ambiguous, 2 runs match: 20261122T111502Z-7fbb00 (storm), 20261122T101502Z-7f3a91 (storm)`},
		{ref: "2026", err: `"2026" is ambiguous, 3 runs match: 20261123T101502Z-0abc12 (calm), `},
		{ref: "zz", err: `no run matches "zz": there are 3 runs in runs, the latest is 20261123T101502Z-0abc12`},
		{ref: "f3a91", err: `no run matches "f3a91"`}, // in the middle, not at the beginning
		{ref: "-0", err: `no run matches "-0"`},
		{ref: "", err: "which run?"},
		{ref: "runs/storm/20261122T101502Z-7f3a91", want: first},
		{ref: "storm/20261122T101502Z-7f3a91", want: first},
		{ref: "./runs/latest", want: third},
		{ref: "runs/storm", err: "is not the folder of a run"},
		{ref: "runs/absent", err: "open run: lstat runs/absent: no such file"},
		{ref: ".", err: "is not the folder of a run"},
		{ref: "other", path: "other"},
		{ref: "notes", err: "notes is a file, not the folder of a run"},
		{ref: "folder", err: "folder is not the folder of a run"},
		{ref: filepath.Join(dir, "runs", "latest"), path: filepath.Join(dir, "runs", "calm", third.ID())},
	} {
		got, err := Resolve("runs", test.ref)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: got error %v, want %q", test.ref, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.ref, err)
			continue
		}
		if test.want != nil {
			test.path = test.want.Path()
		}
		if got.Path() != test.path {
			t.Errorf("%q: got %s, want %s", test.ref, got.Path(), test.path)
		}
	}
}

func TestResolveWithFewOrManyRuns(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	for _, ref := range []string{"latest", "-1", "7f"} {
		if _, err := Resolve(root, ref); err == nil || !strings.Contains(err.Error(), "there are no runs in "+root) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	create(t, root, "s", tenFifteen, 0)
	if _, err := Resolve(root, "zz"); err == nil || !strings.Contains(err.Error(), "there is 1 run in "+root+", 20261122T101502Z-000000") {
		t.Errorf("got %v", err)
	}
	for i := range 7 {
		create(t, root, "s", tenFifteen.Add(time.Duration(i+1)*time.Second), uint64(i))
	}
	if _, err := Resolve(root, "20261122"); err == nil || !strings.HasSuffix(err.Error(), ", and 3 more") {
		t.Errorf("got %v", err)
	}
}
