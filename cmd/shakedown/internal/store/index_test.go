package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fillRuns makes runs as they are after an hour, with a result of the given verdict.
func fillRuns(t testing.TB, root string, n int, verdict string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf("storm-%d", i%10), fmt.Sprintf("20261122T%02d%02d%02dZ-%06x", i/3600%24, i/60%60, i%60, i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			RunFile:    `{"format": 1, "started": "2026-11-22T10:15:02Z", "seed": 7, "argv": ["shakedown", "run", "etcd-storm"]}`,
			ResultFile: `{"format": 1, "verdict": "` + verdict + `", "expect": "valid", "checks": [{"check": "linearizable", "verdict": "` + verdict + `", "says": ["a sentence or two"]}]}`,
			PlanFile:   "{}", HistoryFile: "",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func listed(t *testing.T, root string) []Info {
	t.Helper()
	infos, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

// With the index and without, with a good one and a damaged one, the list is
// the same; and what has changed since is seen.
func TestIndexNeverLies(t *testing.T) {
	root := t.TempDir()
	fillRuns(t, root, 40, "valid")
	first := listed(t, root)
	index := filepath.Join(root, indexFile)
	if _, err := os.Stat(index); err != nil {
		t.Fatalf("no index was written: %v", err)
	}
	if diff := cmp.Diff(first, listed(t, root)); diff != "" {
		t.Errorf("by the index (-before +after):\n%s", diff)
	}
	// A verdict that comes later, as check writes it: by renaming.
	f, err := Open(first[3].Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile(ResultFile, []byte(`{"format": 1, "verdict": "violation", "expect": "valid", "checks": []}`)); err != nil {
		t.Fatal(err)
	}
	// And as an editor may write it: in place, of the same length.
	text := []byte(`{"format": 1, "verdict": "other", "expect": "valid", "checks": [{"check": "linearizable", "verdict": "valid", "says": ["a sentence or two"]}]}`)
	if err := os.WriteFile(filepath.Join(first[5].Path, ResultFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	second := listed(t, root)
	if second[3].Verdict != "violation" || second[5].Problem == "" {
		t.Errorf("what changed was not seen: %+v, %+v", second[3], second[5])
	}
	if err := os.RemoveAll(first[7].Path); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, root); len(got) != 39 {
		t.Errorf("%d runs are listed after one was removed", len(got))
	}
	if err := os.WriteFile(index, []byte("{\"id\": \n\x00garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, root); len(got) != 39 || got[3].Verdict != "violation" {
		t.Errorf("with a damaged index %d runs are listed", len(got))
	}
}

// A run that was written a moment ago may change again in the same tick.
func TestIndexLeavesOutWhatIsFresh(t *testing.T) {
	now := time.Now()
	fresh := indexed{Folder: now.Add(-time.Second).UnixNano()}
	old := indexed{Folder: now.Add(-time.Minute).UnixNano()}
	late := indexed{Folder: now.Add(-time.Minute).UnixNano(), Result: now.UnixNano()}
	if fresh.settled(now) || !old.settled(now) || late.settled(now) {
		t.Error("what is fresh is taken for settled, or the other way round")
	}
}

// BenchmarkList lists 10 000 runs, by the index and without one.
func BenchmarkList(b *testing.B) {
	root := b.TempDir()
	fillRuns(b, root, 10_000, "valid")
	for _, indexedToo := range []bool{false, true} {
		b.Run(fmt.Sprintf("indexed=%v", indexedToo), func(b *testing.B) {
			for b.Loop() {
				if !indexedToo {
					_ = os.Remove(filepath.Join(root, indexFile))
				}
				if infos, err := List(root); err != nil || len(infos) != 10_000 {
					b.Fatalf("%d runs, %v", len(infos), err)
				}
			}
		})
	}
}
