package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// leftIDs are the faults left below root.
func leftIDs(t *testing.T, root string) (ids []string) {
	t.Helper()
	left, err := Left(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		for _, u := range l.Undo {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// While a run goes on nothing is left of it; when its program is gone, what it
// has not undone is, until somebody settles it.
func TestUndoJournal(t *testing.T) {
	if !locksTell {
		t.Skip("whether a process lives cannot be told here")
	}
	root := t.TempDir()
	f, err := Create(root, time.Unix(1e9, 0), "storm", func() uint64 { return 7 })
	if err != nil {
		t.Fatal(err)
	}
	j, err := f.CreateUndo()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"s/a#1", "s/b#1", "s/c#1"} {
		if err := j.Will(nemesis.Undo{ID: id, Fault: "pause", Injection: nemesis.Injection{ID: id, Nodes: []string{"n1"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Undone("s/b#1"); err != nil {
		t.Fatal(err)
	}
	if ids := leftIDs(t, root); ids != nil {
		t.Errorf("of a run that goes on %v are left", ids)
	}
	if err := j.Close(); err != nil { // as when its program is killed
		t.Fatal(err)
	}
	tear(t, filepath.Join(f.Path(), UndoFile))
	left, err := Left(root)
	if err != nil || len(left) != 1 || left[0].Folder.ID() != f.ID() || len(left[0].Undo) != 2 || left[0].Undo[1].Injection.Nodes[0] != "n1" {
		t.Fatalf("left %+v, %v", left, err)
	}
	if err := left[0].Settle("clean"); err != nil {
		t.Fatal(err)
	}
	if ids := leftIDs(t, root); ids != nil {
		t.Errorf("after it was settled %v are left", ids)
	}
}

// A run that ended and left its nodes is abandoned like one that was killed, until
// somebody cleans up; one that took them down is not.
func TestAbandoned(t *testing.T) {
	if !locksTell {
		t.Skip("whether a process lives cannot be told here")
	}
	root := t.TempDir()
	folders := map[string]*Folder{}
	for i, name := range []string{"down", "stays", "killed"} {
		f, err := Create(root, time.Unix(1e9, 0), name, func() uint64 { return uint64(i) })
		if err != nil {
			t.Fatal(err)
		}
		j, err := f.CreateUndo()
		if err != nil {
			t.Fatal(err)
		}
		if name == "stays" {
			err = j.Stays()
		}
		if name != "killed" {
			err = errors.Join(err, f.WriteFile(ResultFile, []byte("{}")))
		}
		if err := errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		folders[name] = f
	}
	ids := func() (ids []string) {
		all, err := Abandoned(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			ids = append(ids, f.ID())
		}
		slices.Sort(ids)
		return ids
	}
	want := []string{folders["stays"].ID(), folders["killed"].ID()}
	slices.Sort(want)
	if got := ids(); !slices.Equal(got, want) {
		t.Errorf("abandoned %v, want %v", got, want)
	}
	if err := (Leftovers{Folder: folders["stays"]}).Settle("clean"); err != nil {
		t.Fatal(err)
	}
	if got := ids(); !slices.Equal(got, []string{folders["killed"].ID()}) {
		t.Errorf("abandoned after a clean: %v", got)
	}
}

// tear appends half a line, as a program that is killed while it writes.
func tear(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"will": {"id": "s/d#1", "fau`); err != nil {
		t.Fatal(err)
	}
}
