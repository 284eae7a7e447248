package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Without this test a run that never began could leave folders or a link into
// nowhere behind, or take another run with it.
func TestDiscard(t *testing.T) {
	root := t.TempDir()
	first := create(t, root, "storm", tenFifteen, 1)
	second := create(t, root, "storm", tenFifteen.Add(time.Second), 2)
	third := create(t, root, "calm", tenFifteen.Add(2*time.Second), 3)
	if err := third.WriteFile("nodes/n1/stdout.log", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		discard *Folder
		latest  string
		gone    string
	}{
		{third, filepath.Join("storm", second.ID()), filepath.Join(root, "calm")},
		{first, filepath.Join("storm", second.ID()), first.Path()},
		{second, "", filepath.Join(root, "storm")},
	}
	for _, step := range steps {
		if err := step.discard.Discard(); err != nil {
			t.Fatal(err)
		}
		if latest, _ := os.Readlink(filepath.Join(root, latestLink)); latest != step.latest {
			t.Errorf("after discarding %s, latest is %q, want %q", step.discard.ID(), latest, step.latest)
		}
		if _, err := os.Stat(step.gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", step.gone, err)
		}
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 0 {
		t.Errorf("left in the root: %v, %v", entries, err)
	}
}
