package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// twin does the same calls on a mount and on a bare directory, and compares
// what they return.
type twin struct {
	*rapid.T
	dirs  [2]string
	files [2][]int // descriptors that are open
}

// both does a call on both sides; it returns what there is to compare.
func (w *twin) both(what string, do func(side int, dir string) string) {
	a, b := do(0, w.dirs[0]), do(1, w.dirs[1])
	if a != b {
		w.Fatalf("%s: the mount says %q, a bare directory %q", what, a, b)
	}
}

func said(v any, err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	if err != nil {
		return "another error" // of os or fs
	}
	return fmt.Sprint(v)
}

// path draws a path; some go through files, links or nothing.
func (w *twin) path() string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "d/a", "d/b", "d/c", "c/a", "nothing/a"}).Draw(w.T, "path")
}

// onPath is a call on one path.
func (w *twin) onPath(what string, do func(path string) (any, error)) func() {
	return func() {
		p := w.path()
		w.both(what+" "+p, func(_ int, dir string) string { return said(do(filepath.Join(dir, p))) })
	}
}

// onPaths is a call on two paths.
func (w *twin) onPaths(what string, do func(from, to string) error) func() {
	return func() {
		p, q := w.path(), w.path()
		w.both(what+" "+p+" "+q, func(_ int, dir string) string {
			return said(0, do(filepath.Join(dir, p), filepath.Join(dir, q)))
		})
	}
}

// onFile is a call on a file that is open, whatever has become of its name.
func (w *twin) onFile(what string, do func(fd int) (any, error)) func() {
	return func() {
		if len(w.files[0]) == 0 {
			return
		}
		i := rapid.IntRange(0, len(w.files[0])-1).Draw(w.T, "file")
		w.both(what, func(side int, _ string) string { return said(do(w.files[side][i])) })
	}
}

func (w *twin) open() {
	p := w.path()
	flags := rapid.SampledFrom([]int{os.O_RDONLY, os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_APPEND}).Draw(w.T, "mode") |
		rapid.SampledFrom([]int{0, os.O_CREATE, os.O_CREATE | os.O_EXCL, os.O_TRUNC, os.O_CREATE | os.O_TRUNC}).Draw(w.T, "flags")
	w.both(fmt.Sprintf("open %s %x", p, flags), func(side int, dir string) string {
		fd, err := unix.Open(filepath.Join(dir, p), flags|unix.O_CLOEXEC, 0o640)
		if err == nil {
			w.files[side] = append(w.files[side], fd)
		}
		return said(0, err)
	})
}

func (w *twin) calls() []func() {
	off := func() int64 { return rapid.Int64Range(0, 10000).Draw(w.T, "offset") }
	at := int64(0)
	data := []byte(strings.Repeat("data", 700))
	paths := []func(){
		w.onPath("mkdir", func(p string) (any, error) { return 0, unix.Mkdir(p, 0o750) }),
		w.onPath("unlink", func(p string) (any, error) { return 0, unix.Unlink(p) }),
		w.onPath("rmdir", func(p string) (any, error) { return 0, unix.Rmdir(p) }),
		w.onPath("truncate", func(p string) (any, error) { return 0, unix.Truncate(p, 777) }),
		w.onPath("chmod", func(p string) (any, error) { return 0, unix.Chmod(p, 0o604) }),
		w.onPath("chown", func(p string) (any, error) { return 0, unix.Chown(p, 5, 6) }),
		w.onPath("readlink", func(p string) (any, error) { return os.Readlink(p) }),
		w.onPath("mkfifo", func(p string) (any, error) { return 0, unix.Mknod(p+".fifo", unix.S_IFIFO|0o600, 0) }),
		w.onPath("setxattr", func(p string) (any, error) { return 0, unix.Setxattr(p, "user.x", []byte("y"), 0) }),
		w.onPath("getxattr", func(p string) (any, error) { return unix.Getxattr(p, "user.x", make([]byte, 9)) }),
		w.onPath("removexattr", func(p string) (any, error) { return 0, unix.Removexattr(p, "user.x") }),
		w.onPath("utimes", func(p string) (any, error) { return 0, unix.Utimes(p, make([]unix.Timeval, 2)) }),
		w.onPaths("rename", unix.Rename), w.onPaths("rename", unix.Rename),
		w.onPaths("link", unix.Link),
		w.onPaths("symlink", func(from, to string) error { return unix.Symlink(filepath.Base(from), to) }),
		w.onPaths("exchange", func(from, to string) error {
			return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)
		}),
		w.onPaths("noreplace", func(from, to string) error {
			return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		}),
		w.open, w.open, w.open,
	}
	return append(paths,
		func() {
			at = off()
			w.onFile("pwrite", func(fd int) (any, error) { return unix.Pwrite(fd, data, at) })()
		},
		func() { w.onFile("write", func(fd int) (any, error) { return unix.Write(fd, data[:1234]) })() },
		func() { at = off(); w.onFile("pread", func(fd int) (any, error) { return readAt(fd, at) })() },
		func() {
			at = off()
			w.onFile("ftruncate", func(fd int) (any, error) { return 0, unix.Ftruncate(fd, at) })()
		},
		w.onFile("fsync", func(fd int) (any, error) { return 0, unix.Fsync(fd) }),
		w.onFile("fallocate", func(fd int) (any, error) { return 0, unix.Fallocate(fd, 0, 0, 9000) }),
		w.onFile("punch", func(fd int) (any, error) {
			return 0, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 100, 900)
		}),
		w.onFile("seek end", func(fd int) (any, error) {
			if _, err := unix.Pread(fd, nil, 0); err != nil {
				return 0, err // a directory, which ends as its file system likes
			}
			return unix.Seek(fd, 0, unix.SEEK_END)
		}),
		w.onFile("fstat", func(fd int) (any, error) {
			var st unix.Stat_t
			err := unix.Fstat(fd, &st)
			return fmt.Sprint(st.Size, st.Mode, st.Nlink, st.Uid, st.Gid), err
		}),
	)
}

func readAt(fd int, off int64) (any, error) {
	buf := make([]byte, 3000)
	n, err := unix.Pread(fd, buf, off)
	return string(buf[:max(n, 0)]), err
}

// tree describes everything that can be seen of a directory.
func tree(dir string) string {
	var lines []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p) // always below it
		line := fmt.Sprintf("%s mode %o, %d links, of %d:%d", rel, st.Mode, st.Nlink, st.Uid, st.Gid)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			data, err := os.ReadFile(p)
			line += fmt.Sprintf(", %d: %x %v", st.Size, data, err)
		}
		lines = append(lines, line)
		return nil
	})
	return strings.Join(append(lines, fmt.Sprint(err)), "\n")
}

// TestPassThrough does random calls, sensible or not, on a mount and on a bare
// directory, and wants the same answers and the same files.
func TestPassThrough(t *testing.T) {
	w := mounted(t)
	bare := filepath.Join(filepath.Dir(w.dir), "bare")
	w.must(os.Mkdir(bare, 0o755))
	rapid.Check(t, func(rt *rapid.T) {
		w.wipe()
		w.must(os.RemoveAll(bare))
		w.must(os.Mkdir(bare, 0o755))
		two := &twin{T: rt, dirs: [2]string{w.dir, bare}}
		defer func() {
			for _, fd := range slices.Concat(two.files[0], two.files[1]) {
				_ = unix.Close(fd)
			}
		}()
		calls := two.calls()
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			calls[rapid.IntRange(0, len(calls)-1).Draw(rt, "call")]()
		}
		two.both("tree", func(_ int, dir string) string { return tree(dir) })
	})
}

// TestLocks checks that a second handle waits its turn.
func TestLocks(t *testing.T) {
	w := mounted(t)
	a, b := w.open("f", os.O_RDWR|os.O_CREATE), w.open("f", os.O_RDWR)
	w.must(unix.Flock(int(a.Fd()), unix.LOCK_EX))
	if err := unix.Flock(int(b.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second flock gave %v", err)
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	w.must(unix.FcntlFlock(a.Fd(), unix.F_OFD_SETLK, &lock))
	if err := unix.FcntlFlock(b.Fd(), unix.F_OFD_SETLK, &lock); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("a second fcntl lock gave %v", err)
	}
}

// TestBolt runs a database in mapped memory, which keeps every transaction
// through power failures. Without its syncs it loses some.
func TestBolt(t *testing.T) {
	w := mounted(t)
	for round := range 6 {
		loss := []Loss{LoseAll, Torn, Reordered}[round%3]
		if got := w.boltRound(round, loss, false); got != 50*round {
			t.Fatalf("after %d rounds there are %d keys", round, got)
		}
	}
	w.wipe()
	w.boltRound(0, LoseAll, true)
	if got := w.boltRound(1, LoseAll, true); got == 50 {
		t.Error("a database that never syncs lost nothing")
	}
}

// boltRound counts the keys that are there, adds 50, and fails the power. A
// process of its own does it: one that waits for a page of mapped memory cannot
// serve the file system that has it.
func (w *world) boltRound(round int, loss Loss, noSync bool) int {
	w.t.Helper()
	out := w.child("bolt", "db", strconv.Itoa(round), strconv.FormatBool(noSync))
	had, err := strconv.Atoi(out)
	w.must(err)
	_, err = w.fs.PowerFail(uint64(round), loss)
	w.must(err)
	return had
}

// useBolt is the process of boltRound; it ends without closing the database.
func useBolt(path, round string, noSync bool) (had int, err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: noSync, NoGrowSync: noSync, NoFreelistSync: true})
	if err != nil {
		return 0, err
	}
	if had, err = keys(db); err != nil {
		return 0, err
	}
	for i := range 50 {
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			return b.Put(fmt.Appendf(nil, "%s-%d", round, i), make([]byte, 300))
		})
		if err != nil {
			return 0, err
		}
	}
	return had, nil
}

// keys counts the keys, and checks the database.
func keys(db *bbolt.DB) (n int, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		if b := tx.Bucket([]byte("b")); b != nil {
			n = b.Stats().KeyN
		}
		return nil
	})
	return n, err
}
