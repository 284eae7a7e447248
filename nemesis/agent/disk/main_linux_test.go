package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// world is a mounted file system and where it is.
type world struct {
	t    tester
	fs   *FS
	dir  string // the mount
	back string
}

// A tester is a test, or one check of a property.
type tester interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// mounted mounts a file system on directories of the test's own.
func mounted(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	if err := unix.Access("/dev/fuse", unix.W_OK); err != nil || os.Geteuid() != 0 {
		skip(t, "this test mounts a file system: it needs root and /dev/fuse")
	}
	root := t.TempDir()
	o := Options{Backing: filepath.Join(root, "data"), State: filepath.Join(root, "state"), Mount: filepath.Join(root, "mount")}
	for _, dir := range []string{o.Backing, o.Mount} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range change {
		c(&o)
	}
	f, err := Mount(o)
	if errors.Is(err, unix.EPERM) {
		skip(t, "this test mounts a file system, which is not allowed here: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, fs: f, dir: o.Mount, back: o.Backing}
}

// skip skips a test, unless it is asked for.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// wipe empties the mount, for good.
func (w *world) wipe() {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	w.must(err)
	for _, e := range entries {
		w.must(os.RemoveAll(w.path(e.Name())))
	}
	w.fs.settle()
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// open opens a file, which is closed at the end of the test.
func (w *world) open(name string, flags int) *os.File {
	w.t.Helper()
	f, err := os.OpenFile(w.path(name), flags, 0o644)
	w.must(err)
	w.t.Cleanup(func() { _ = f.Close() })
	return f
}

// write writes a file anew, syncs it and its directory if asked to, and
// closes it.
func (w *world) write(name string, data []byte, sync bool) {
	w.t.Helper()
	f, err := os.OpenFile(w.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	w.must(err)
	_, err = f.Write(data)
	w.must(err)
	if sync {
		w.must(f.Sync())
		w.syncDir(filepath.Dir(name))
	}
	w.must(f.Close())
}

func (w *world) syncDir(name string) {
	w.t.Helper()
	d, err := os.Open(w.path(name))
	w.must(err)
	w.must(d.Sync())
	w.must(d.Close())
}

func (w *world) powerFail(loss Loss) Evidence {
	w.t.Helper()
	ev, err := w.fs.PowerFail(1, loss)
	w.must(err)
	return ev
}

// has checks what a file holds, by the mount and in the backing directory.
func (w *world) has(name string, want []byte) {
	w.t.Helper()
	for _, dir := range []string{w.dir, w.back} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		w.must(err)
		if !bytes.Equal(got, want) {
			w.t.Errorf("%s has %s, want %s", filepath.Join(dir, name), short(got), short(want))
		}
	}
}

func (w *world) hasNot(name string) {
	w.t.Helper()
	for _, dir := range []string{w.dir, w.back} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			w.t.Errorf("%s: %v, want that it does not exist", filepath.Join(dir, name), err)
		}
	}
}

func short(b []byte) string {
	if len(b) > 40 {
		return string(b[:20]) + "…" + string(b[len(b)-20:])
	}
	return string(b)
}
