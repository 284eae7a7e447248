package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var tenFifteen = time.Date(2026, 11, 22, 10, 15, 2, 999, time.FixedZone("east", 0))

// fixed returns the draws in turn, then zeros.
func fixed(draws ...uint64) func() uint64 {
	return func() uint64 {
		if len(draws) == 0 {
			return 0
		}
		draw := draws[0]
		draws = draws[1:]
		return draw
	}
}

func create(t *testing.T, root, scenario string, now time.Time, chance uint64) *Folder {
	t.Helper()
	f, err := Create(root, now, scenario, fixed(chance))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Without this test runs could be named otherwise than the design says, be
// open to other users, or lose the link to the latest.
func TestCreate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	east := time.FixedZone("east", 3600)
	f := create(t, root, "etcd-storm", tenFifteen.In(east), 0xaa7f3a91)
	if f.ID() != "20261122T101502Z-7f3a91" || f.Path() != filepath.Join(root, "etcd-storm", f.ID()) || f.Scenario() != "etcd-storm" {
		t.Errorf("id %s, scenario %s, path %s", f.ID(), f.Scenario(), f.Path())
	}
	info, err := os.Stat(f.Path())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	second := create(t, root, "other", tenFifteen.Add(time.Second), 1)
	link, err := os.Readlink(filepath.Join(root, "latest"))
	if err != nil || link != filepath.Join("other", second.ID()) {
		t.Errorf("latest is %s, %v", link, err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 3 {
		t.Errorf("left in the root: %v, %v", entries, err)
	}
}

// Two runs in one second and with one draw must not share a folder.
func TestCreateNeverTakesAFolderThatExists(t *testing.T) {
	root := t.TempDir()
	first := create(t, root, "s", tenFifteen, 7)
	second, err := Create(root, tenFifteen, "s", fixed(7, 7, 8))
	if err != nil {
		t.Fatal(err)
	}
	if second.ID() == first.ID() || !strings.HasSuffix(second.ID(), "-000008") {
		t.Errorf("%s and %s", first.ID(), second.ID())
	}
	always := func() uint64 { return 7 }
	if _, err := Create(root, tenFifteen, "s", always); err == nil || !strings.Contains(err.Error(), "100 ids in a row are taken") {
		t.Errorf("got %v", err)
	}
}

func TestCreateRefusesNamesThatLeaveTheRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	for _, scenario := range []string{"", ".", "..", "../x", "a/b", "/etc", ".hidden", "latest", "a b", "a\x00"} {
		if _, err := Create(root, tenFifteen, scenario, fixed(1)); err == nil || !strings.Contains(err.Error(), "cannot be the name of a folder") {
			t.Errorf("%q: %v", scenario, err)
		}
	}
	if _, err := os.Stat(root); err == nil {
		t.Error("something was made all the same")
	}
}

// A root that cannot be written is an error, a link that cannot be set is none.
func TestCreateWhereItCannot(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, tenFifteen, "s", fixed(1)); err == nil || !strings.Contains(err.Error(), "create run: ") {
		t.Errorf("a file as root: %v", err)
	}
	root := filepath.Join(dir, "runs")
	if err := os.MkdirAll(filepath.Join(root, "latest", "mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	f := create(t, root, "s", tenFifteen, 1)
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 2 {
		t.Errorf("left in the root: %v, %v", entries, err)
	}
	if found, err := Resolve(root, "latest"); err != nil || found.ID() != f.ID() {
		t.Errorf("without the link: %v", err)
	}
}

func TestOpen(t *testing.T) {
	root := t.TempDir()
	f := create(t, root, "s", tenFifteen, 1)
	renamed := filepath.Join(root, "mine")
	write(t, renamed, HistoryFile, "")
	stranger := filepath.Join(root, "stranger")
	write(t, stranger, "notes.txt", "")
	for _, test := range []struct{ path, id, err string }{
		{path: f.Path(), id: f.ID()},
		{path: f.Path() + "/", id: f.ID()},
		{path: filepath.Join(root, "latest"), id: f.ID()},
		{path: renamed, id: "mine"},
		{path: stranger, err: "is not the folder of a run: it has neither run.json nor history.jsonl"},
		{path: filepath.Join(stranger, "notes.txt"), err: "is a file, not the folder of a run"},
		{path: filepath.Join(root, "absent"), err: "no such file"},
	} {
		opened, err := Open(test.path)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got error %v, want %q", test.path, err, test.err)
			}
		case err != nil:
			t.Error(err)
		case opened.ID() != test.id:
			t.Errorf("%s: id %s", test.path, opened.ID())
		}
	}
	t.Chdir(f.Path())
	if here, err := Open("."); err != nil || here.ID() != f.ID() || here.Scenario() != "s" {
		t.Errorf("from inside: %v %v", here, err)
	}
}

// write puts a file where no method of Folder would.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
