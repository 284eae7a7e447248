package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// names lists all that is below the folder, also what is hidden.
func names(t *testing.T, f *Folder) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(f.Path(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(f.Path(), path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestWriteAndRead(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	for _, test := range []struct{ name, data string }{
		{"scenario.yaml", "version: 1\n"},
		{"checks/linearizable/result.json", "{}"},
		{"scenario.yaml", "version: 2\n"}, // replaced
		{"checks/./x/../empty", ""},
		{"nodes/n1/stdout.log", strings.Repeat("x", 1<<20)},
	} {
		if err := f.WriteFile(test.name, []byte(test.data)); err != nil {
			t.Fatal(err)
		}
		got, err := f.ReadFile(test.name)
		if err != nil || string(got) != test.data {
			t.Errorf("%s: %d bytes, %v", test.name, len(got), err)
		}
		info, err := os.Stat(filepath.Join(f.Path(), test.name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", test.name, info.Mode(), err)
		}
	}
	want := []string{"checks/empty", "checks/linearizable/result.json", "nodes/n1/stdout.log", "scenario.yaml"}
	if got := names(t, f); !slices.Equal(got, want) {
		t.Errorf("the folder has %q", got)
	}
}

// A counterexample's name may hold a key that a broken system made up.
func TestNamesThatLeadOutAreRefused(t *testing.T) {
	root := t.TempDir()
	f := create(t, root, "s", tenFifteen, 1)
	if err := os.Symlink(root, filepath.Join(f.Path(), "out")); err != nil {
		t.Fatal(err)
	}
	write(t, root, "secret", "{}")
	for _, name := range []string{"", ".", "..", "../x", "a/../../x", "/tmp/x", "out/secret", "out/../../x"} {
		if err := f.WriteFile(name, []byte("overwritten")); err == nil {
			t.Errorf("written: %q", name)
		}
		if err := f.ReadJSON(name, new(any)); err == nil {
			t.Errorf("read: %q", name)
		}
		if f.Has(name) {
			t.Errorf("has: %q", name)
		}
	}
	if got, err := os.ReadFile(filepath.Join(root, "secret")); err != nil || string(got) != "{}" {
		t.Errorf("%s %v", got, err)
	}
	if err := f.WriteFile("../x", nil); !strings.Contains(err.Error(), "the name leads out of the run's folder") {
		t.Error(err)
	}
}

func TestWriteErrorsNameTheFileAndLeaveNothing(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	if err := f.WriteFile("taken/inside", nil); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile("taken", nil); err == nil || !strings.Contains(err.Error(), filepath.Join(f.Path(), "taken")) {
		t.Errorf("a folder of that name: %v", err)
	}
	if err := f.WriteFile("taken/inside/deeper", nil); err == nil {
		t.Error("a file was taken for a folder")
	}
	if err := f.WriteJSON("x.json", func() {}); err == nil || !strings.Contains(err.Error(), "x.json") {
		t.Errorf("what is no JSON: %v", err)
	}
	if got := names(t, f); !slices.Equal(got, []string{"taken/inside"}) {
		t.Errorf("left behind: %q", got)
	}
	if err := os.RemoveAll(f.Path()); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile("x", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is gone: %v", err)
	}
	if _, err := f.CreateHistory(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is gone: %v", err)
	}
}

// Two processes writing into one history would make neither readable.
func TestHistoryIsMadeOnceAndGrowsAtItsEnd(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	if f.Has(HistoryFile) {
		t.Error("there is one before")
	}
	file, err := f.CreateHistory()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i, line := range []string{"one\n", "two\n"} {
		if _, err := file.WriteString(line); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := f.ReadFile(HistoryFile); err != nil || strings.Count(string(got), "\n") != i+1 {
			t.Errorf("%q %v", got, err)
		}
	}
	if _, err := f.CreateHistory(); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), f.Path()) {
		t.Errorf("a second history: %v", err)
	}
}

func TestReadJSONSaysWhichFile(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	if err := f.ReadJSON("absent.json", new(any)); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent.json") {
		t.Errorf("got %v", err)
	}
	write(t, f.Path(), "broken.json", `{"a":`)
	if err := f.ReadJSON("broken.json", new(any)); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("got %v", err)
	}
}

func TestWriteJSONIsForPeopleToRead(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	if err := f.WriteJSON("x.json", map[string]any{"b": "1 < 2 & 3", "a": []int{1}}); err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadFile("x.json")
	want := "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"1 < 2 & 3\"\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// Writers of different files must not get into each other's way, and what a
// reader sees is always whole.
func TestManyAtATime(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	old, fresh := strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<16)
	if err := f.WriteFile("shared", []byte(old)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 8 {
		go func() { done <- f.WriteFile(fmt.Sprintf("checks/%d/result.json", i), []byte("{}")) }()
	}
	go func() { done <- f.WriteFile("shared", []byte(fresh)) }()
	for range 9 {
		got, err := f.ReadFile("shared")
		if err != nil || string(got) != old && string(got) != fresh {
			t.Errorf("half a file: %d bytes, %v", len(got), err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := names(t, f); len(got) != 9 {
		t.Errorf("%q", got)
	}
}
