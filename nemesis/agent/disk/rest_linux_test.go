package disk

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bitsBetween counts the bits in which two files differ.
func bitsBetween(a, b []byte) int {
	n := 0
	for i := range a {
		for x := a[i] ^ b[i]; x != 0; x &= x - 1 {
			n++
		}
	}
	return n
}

func (w *world) damage(d Damage) Damaged {
	w.t.Helper()
	got, err := w.fs.Damage(d)
	w.must(err)
	return got
}

func (w *world) read(name string) []byte {
	w.t.Helper()
	got, err := os.ReadFile(w.path(name))
	w.must(err)
	return got
}

// TestBitsFlip looks at the files through the mount: exactly as many bits as
// asked for differ, of the files that the pattern is about, and what is said
// of them is true.
func TestBitsFlip(t *testing.T) {
	w := mounted(t)
	data := bytes.Repeat([]byte("x"), 5000)
	w.write("a.db", data, true)
	w.write("b.log", data, true)
	w.write("c.log", data, false)
	w.read("b.log") // so that it is in the page cache
	got := w.damage(Damage{Harm: FlipBits, Path: "*.log", Bits: 3, Files: 2, Seed: 7})
	for _, name := range []string{"b.log", "c.log"} {
		if flipped := bitsBetween(w.read(name), data); flipped != 3 {
			t.Errorf("%s: %d bits differ, want 3 (%v)", name, flipped, got)
		}
	}
	w.has("a.db", data)
	if got.Files != 2 || got.Bytes < 4 || got.Bytes > 6 || !strings.Contains(got.String(), "b.log: bit ") {
		t.Errorf("said %q", got)
	}
}

// TestBitsFlipWhereSomethingWasWritten would find flips in space that a log was
// given in advance, which no program reads.
func TestBitsFlipWhereSomethingWasWritten(t *testing.T) {
	w := mounted(t)
	f := w.open("log", os.O_RDWR|os.O_CREATE)
	_, err := f.Write(bytes.Repeat([]byte("x"), 8192))
	w.must(err)
	w.must(unix.Fallocate(int(f.Fd()), 0, 0, 8<<20))
	w.must(f.Sync())
	before := w.read("log")
	w.damage(Damage{Harm: FlipBits, Bits: 20, Seed: 1})
	if flipped := bitsBetween(w.read("log")[:8192], before[:8192]); flipped != 20 {
		t.Errorf("%d of 20 flipped bits are where something was written", flipped)
	}
}

func TestFilesAreCutShort(t *testing.T) {
	w := mounted(t)
	data := bytes.Repeat([]byte("x"), 5000)
	w.write("a.db", data, true)
	if got := w.damage(Damage{Harm: CutShort, Path: "*.db", Bytes: 4000}); got.Bytes != 4000 {
		t.Errorf("said %q", got)
	}
	w.has("a.db", data[:1000])
	got := w.damage(Damage{Harm: CutShort, Seed: 3})
	if left := len(w.read("a.db")); got.Bytes != int64(1000-left) || left == 1000 {
		t.Errorf("%d bytes are left, and said was %q", left, got)
	}
}

// TestOldCopyAndBack goes back to an old copy and then to what was there
// before: what came later is gone and comes back, with its mode.
func TestOldCopyAndBack(t *testing.T) {
	w := mounted(t)
	w.must(os.Mkdir(w.path("dir"), 0o700))
	w.write("dir/a.db", []byte("old"), true)
	w.write("b.db", []byte("the same"), true)
	w.write("c.txt", []byte("text"), true)
	if n, err := w.fs.Keep("old", "**/*.db"); n != 2 || err != nil {
		t.Fatalf("kept %d, %v", n, err)
	}
	w.write("dir/a.db", []byte("newer"), true)
	w.write("dir/later.db", []byte("later"), true)
	w.must(os.Chmod(w.path("dir/later.db"), 0o600))
	w.write("c.txt", []byte("newer text"), true)

	got := w.damage(Damage{Harm: OldCopy, Kept: "old", Save: "before"})
	w.has("dir/a.db", []byte("old"))
	w.hasNot("dir/later.db")
	w.has("c.txt", []byte("newer text"))
	if got.Files != 2 || got.Bytes != 10 {
		t.Errorf("said %q, want 5 bytes of a.db and 5 of later.db", got)
	}

	back, err := w.fs.PutBack("before")
	w.must(err)
	w.has("dir/a.db", []byte("newer"))
	w.has("dir/later.db", []byte("later"))
	info, err := os.Stat(w.path("dir/later.db"))
	w.must(err)
	if info.Mode().Perm() != 0o600 || back.Files != 2 {
		t.Errorf("mode %v, said %q", info.Mode(), back)
	}
}

// TestOldCopyOfTheSame is how a scenario learns that it tested nothing.
func TestOldCopyOfTheSame(t *testing.T) {
	w := mounted(t)
	w.write("a.db", []byte("old"), true)
	_, err := w.fs.Keep("old", "")
	w.must(err)
	if got := w.damage(Damage{Harm: OldCopy, Kept: "old"}); got.Files != 0 || got.Bytes != 0 {
		t.Errorf("nothing has changed, and said was %q", got)
	}
}

func TestDamageThatCannotBe(t *testing.T) {
	w := mounted(t)
	w.write("a.db", []byte("a"), true)
	for _, d := range []Damage{
		{Harm: "burn"}, {Harm: FlipBits, Path: "*.txt"}, {Harm: CutShort, Path: "a/[b"}, {Harm: CutShort, Bytes: -1},
		{Harm: OldCopy}, {Harm: OldCopy, Kept: "never"},
	} {
		if got, err := w.fs.Damage(d); err == nil {
			t.Errorf("%+v was done: %v", d, got)
		}
	}
	if _, err := w.fs.PutBack("never"); err == nil {
		t.Error("what was never kept was put back")
	}
	w.has("a.db", []byte("a"))
	if left, err := os.ReadDir(filepath.Join(filepath.Dir(w.back), "state")); err != nil || len(left) > 0 {
		t.Errorf("in the state directory is left: %v, %v", left, err)
	}
}
