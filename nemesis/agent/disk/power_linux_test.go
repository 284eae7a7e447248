package disk

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPowerFailLosesWhatWasNotSynced is one table over every way in which
// something is saved or not.
func TestPowerFailLosesWhatWasNotSynced(t *testing.T) {
	for _, c := range append(waysOfBytes(), waysOfNames()...) {
		t.Run(c.name, func(t *testing.T) {
			w := mounted(t)
			w.write("f", []byte("old"), true)
			c.do(w)
			w.powerFail(LoseAll)
			if c.want == nil {
				w.hasNot("f")
				return
			}
			w.has("f", c.want)
		})
	}
}

// A way is something that happens to a synced file "f", which holds "old", and
// what a power failure then leaves of it.
type way struct {
	name string
	do   func(w *world)
	want []byte // nil: the file is gone
}

func waysOfBytes() []way {
	old, long := []byte("old"), bytes.Repeat([]byte("x"), 3<<20)
	return []way{
		{"nothing", func(*world) {}, old},
		{"overwritten", func(w *world) { w.write("f", []byte("new contents"), false) }, old},
		{"overwritten and synced", func(w *world) { w.write("f", []byte("new"), true) }, []byte("new")},
		{"cut long and restored", func(w *world) {
			w.write("f", long, true)
			w.must(os.Truncate(w.path("f"), 5))
		}, long},
		{"extended", func(w *world) { w.must(os.Truncate(w.path("f"), 10)) }, old},
		{"fdatasync", func(w *world) {
			f := w.open("f", os.O_WRONLY|os.O_APPEND)
			must2(w)(f.WriteString("+more"))
			w.must(unix.Fdatasync(int(f.Fd())))
		}, []byte("old+more")},
		{"O_DSYNC", func(w *world) { must2(w)(w.open("f", os.O_WRONLY|unix.O_DSYNC).WriteString("dsy")) }, []byte("dsy")},
		{"O_SYNC", func(w *world) { must2(w)(w.open("f", os.O_WRONLY|os.O_SYNC).WriteString("syn")) }, []byte("syn")},
		{"RWF_DSYNC", func(w *world) {
			f := w.open("f", os.O_WRONLY)
			must2(w)(unix.Pwritev2(int(f.Fd()), [][]byte{[]byte("rwf")}, 0, unix.RWF_DSYNC))
		}, []byte("rwf")},
		{"sync_file_range", func(w *world) {
			f := w.open("f", os.O_WRONLY)
			must2(w)(f.WriteString("new"))
			w.must(unix.SyncFileRange(int(f.Fd()), 0, 3, unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER))
		}, old},
		{"synced by another handle", func(w *world) {
			must2(w)(w.open("f", os.O_WRONLY).WriteString("new"))
			w.must(w.open("f", os.O_RDONLY).Sync())
		}, []byte("new")},
	}
}

func waysOfNames() []way {
	old := []byte("old")
	return []way{
		{"removed", func(w *world) { w.must(os.Remove(w.path("f"))) }, old},
		{"removed and saved", func(w *world) { w.must(os.Remove(w.path("f"))); w.syncDir(".") }, nil},
		{"removed and made anew", func(w *world) {
			w.must(os.Remove(w.path("f")))
			w.write("f", []byte("another"), false)
		}, old},
		{"renamed over", func(w *world) {
			w.write("g", []byte("gee"), true)
			w.must(os.Rename(w.path("g"), w.path("f")))
		}, old},
		{"renamed over and saved", func(w *world) {
			w.write("g", []byte("gee"), true)
			w.must(os.Rename(w.path("g"), w.path("f")))
			w.syncDir(".")
		}, []byte("gee")},
		{"renamed away", func(w *world) { w.must(os.Rename(w.path("f"), w.path("g"))) }, old},
		{"exchanged", func(w *world) {
			w.write("g", []byte("gee"), true)
			w.must(unix.Renameat2(unix.AT_FDCWD, w.path("f"), unix.AT_FDCWD, w.path("g"), unix.RENAME_EXCHANGE))
		}, old},
		{"O_DIRECT", func(w *world) {
			must2(w)(w.open("f", os.O_RDWR|unix.O_DIRECT).WriteAt(aligned(), 0))
		}, old},
		{"O_DIRECT and O_DSYNC", func(w *world) {
			must2(w)(w.open("f", os.O_RDWR|unix.O_DIRECT|unix.O_DSYNC).WriteAt(aligned(), 0))
		}, aligned()},
		{"hole punched", func(w *world) {
			w.must(unix.Fallocate(int(w.open("f", os.O_RDWR).Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 2))
		}, old},
		{"allocated", func(w *world) { w.must(unix.Fallocate(int(w.open("f", os.O_RDWR).Fd()), 0, 0, 9000)) }, old},
		{"unlinked while open", func(w *world) {
			f := w.open("f", os.O_RDWR)
			w.must(os.Remove(w.path("f")))
			must2(w)(f.WriteString("zzz"))
		}, old},
		{"second name", func(w *world) {
			w.must(os.Link(w.path("f"), w.path("g")))
			w.must(os.Remove(w.path("f")))
		}, old},
	}
}

// aligned is a page at an address that O_DIRECT accepts.
func aligned() []byte {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil // the test wants a page, and will say so
	}
	copy(page, "direct")
	return page
}

// must2 checks the error of a call that returns a count too.
func must2(w *world) func(int, error) {
	return func(_ int, err error) {
		w.t.Helper()
		w.must(err)
	}
}

func TestPowerFailTakesBackNewNames(t *testing.T) {
	w := mounted(t)
	w.must(os.MkdirAll(w.path("a/b"), 0o755))
	w.write("a/b/f", []byte("new"), false)
	w.must(os.Symlink("f", w.path("a/b/l")))
	ev := w.powerFail(LoseAll)
	w.hasNot("a")
	if ev.Names != 4 || ev.Bytes != 3 {
		t.Errorf("evidence is %v, want 4 names and 3 bytes lost", ev)
	}
	w.write("a", []byte("a file now"), true)
	w.powerFail(LoseAll)
	w.has("a", []byte("a file now"))
}

// TestSyncOfAFileSavesItsNames holds for Ordered, and not for Strict.
func TestSyncOfAFileSavesItsNames(t *testing.T) {
	for names, want := range map[Durability]bool{Ordered: true, Strict: false} {
		w := mounted(t, func(o *Options) { o.Names = names })
		w.must(os.Mkdir(w.path("d"), 0o755))
		f := w.open("d/f", os.O_RDWR|os.O_CREATE)
		must2(w)(f.WriteString("data"))
		w.must(f.Sync())
		w.powerFail(LoseAll)
		if want {
			w.has("d/f", []byte("data"))
		} else {
			w.hasNot("d")
		}
	}
}

// TestStrictSavesWhatADirectoryNeeds syncs only the target of a rename between
// directories.
func TestStrictSavesWhatADirectoryNeeds(t *testing.T) {
	w := mounted(t, func(o *Options) { o.Names = Strict })
	w.must(os.MkdirAll(w.path("d/e"), 0o755))
	f := w.open("f", os.O_RDWR|os.O_CREATE)
	must2(w)(f.WriteString("data"))
	w.must(f.Sync())
	w.must(os.Rename(w.path("f"), w.path("d/e/f")))
	w.write("later", nil, false)
	w.syncDir("d/e")
	w.powerFail(LoseAll)
	w.has("d/e/f", []byte("data"))
	w.hasNot("f")
	w.hasNot("later")
}

// TestMappedMemoryIsLostToo maps in a process of its own; see boltRound.
func TestMappedMemoryIsLostToo(t *testing.T) {
	w := mounted(t)
	w.write("f", bytes.Repeat([]byte("a"), 8192), true)
	w.child("map", "f")
	w.powerFail(LoseAll)
	want := bytes.Repeat([]byte("a"), 8192)
	want[0] = 'b'
	w.has("f", want)
}

// useMap saves one byte of a file in mapped memory, and changes two more.
func useMap(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	m, err := unix.Mmap(int(f.Fd()), 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	m[0] = 'b'
	if err := unix.Msync(m[:4096], unix.MS_SYNC); err != nil {
		return err
	}
	m[1], m[5000] = 'c', 'c'
	return nil
}

func TestHandlesOfBeforeAreStale(t *testing.T) {
	w := mounted(t)
	w.write("f", []byte("old"), true)
	f := w.open("f", os.O_RDWR)
	w.powerFail(LoseAll)
	if _, err := f.WriteString("new"); err == nil {
		t.Error("a handle from before the power failure could be written to")
	}
	if err := f.Sync(); err == nil {
		t.Error("a handle from before the power failure could be synced")
	}
	w.has("f", []byte("old"))
}

// TestModesAndAttributesAreLost checks what is not names nor bytes.
func TestModesAndAttributesAreLost(t *testing.T) {
	w := mounted(t)
	w.write("f", []byte("old"), true)
	w.must(unix.Setxattr(w.path("f"), "user.kept", []byte("1"), 0))
	w.must(w.open("f", os.O_RDWR).Sync())
	w.must(os.Chmod(w.path("f"), 0o400))
	w.must(os.Chown(w.path("f"), 12, 34))
	w.must(unix.Setxattr(w.path("f"), "user.kept", []byte("2"), 0))
	w.must(unix.Setxattr(w.path("f"), "user.lost", []byte("3"), 0))
	w.powerFail(LoseAll)
	var st unix.Stat_t
	w.must(unix.Stat(w.path("f"), &st))
	if st.Mode&0o777 != 0o644 || st.Uid != 0 || st.Gid != 0 {
		t.Errorf("mode %o, owner %d:%d after the power failure", st.Mode, st.Uid, st.Gid)
	}
	buf := make([]byte, 10)
	n, err := unix.Getxattr(w.path("f"), "user.kept", buf)
	if err != nil || string(buf[:n]) != "1" {
		t.Errorf("user.kept is %q, %v", buf[:max(n, 0)], err)
	}
	if _, err := unix.Getxattr(w.path("f"), "user.lost", buf); err != unix.ENODATA {
		t.Errorf("user.lost: %v", err)
	}
}

// TestPendingIsBounded gives up old writes as written back.
func TestPendingIsBounded(t *testing.T) {
	w := mounted(t, func(o *Options) { o.Pending = 1 << 20 })
	w.write("f", bytes.Repeat([]byte("a"), 4<<20), true)
	f := w.open("f", os.O_RDWR)
	page := bytes.Repeat([]byte("b"), 4096)
	for i := range 1024 {
		must2(w)(f.WriteAt(page, int64(i)*4096))
	}
	if got := w.fs.pending.bytes.Load(); got > 1<<20 {
		t.Errorf("%d bytes are pending, more than the limit", got)
	}
	w.powerFail(LoseAll)
	got, err := os.ReadFile(w.path("f"))
	w.must(err)
	lost := bytes.Count(got, []byte("a"))
	if lost == 0 || lost > 1<<20 {
		t.Errorf("%d bytes were lost, want some, and at most the limit", lost)
	}
	if end := got[len(got)-1]; end != 'a' {
		t.Errorf("the last write was given up, before older ones")
	}
}

// TestNothingFollowsALostCut checks that a file that was cut and written anew
// is never half of the old and half of the new.
func TestNothingFollowsALostCut(t *testing.T) {
	outcomes := map[string]bool{}
	for seed := range uint64(40) {
		for _, loss := range []Loss{Torn, Reordered} {
			w := mounted(t)
			old, fresh := bytes.Repeat([]byte("o"), 2*sector), bytes.Repeat([]byte("n"), sector)
			w.write("f", old, true)
			w.write("f", fresh, false)
			if _, err := w.fs.PowerFail(seed, loss); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(w.path("f"))
			w.must(err)
			switch {
			case bytes.Equal(got, old), bytes.Equal(got, fresh), len(got) == 0:
				outcomes[string(loss)+" "+string(append(got, '-')[:1])] = true
			default:
				t.Errorf("seed %d, %s: %d bytes %s", seed, loss, len(got), short(got))
			}
			w.must(w.fs.Close())
		}
	}
	if len(outcomes) < 5 {
		t.Errorf("40 seeds only gave %v", outcomes)
	}
}

// TestSameSeedSameLoss does the same twice.
func TestSameSeedSameLoss(t *testing.T) {
	lose := func(seed uint64) string {
		w := mounted(t)
		w.write("f", bytes.Repeat([]byte("o"), 20*sector), true)
		f := w.open("f", os.O_RDWR)
		for i := range 10 {
			must2(w)(f.WriteAt(bytes.Repeat([]byte{'A' + byte(i)}, 2*sector), int64(i*2*sector)))
		}
		if _, err := w.fs.PowerFail(seed, Reordered); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(w.path("f"))
		w.must(err)
		return string(got)
	}
	a, b, c := lose(1), lose(1), lose(2)
	if a != b || a == c {
		t.Error("the seed does not decide what is lost")
	}
}
