package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSameAsABareDirectory does what databases do to files on a mount and on a
// bare directory, and wants the same to be seen. Each is done by a process of
// its own: one that waits for a page of mapped memory cannot serve the mount.
func TestSameAsABareDirectory(t *testing.T) {
	w := mounted(t)
	bare := filepath.Join(filepath.Dir(w.dir), "bare")
	w.must(os.Mkdir(bare, 0o755))
	cases := manners()
	for _, name := range sortedKeys(cases) {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.t = t
			w.must(os.Mkdir(w.path(name), 0o755))
			w.must(os.Mkdir(filepath.Join(bare, name), 0o755))
			got := w.child("manner", name, name)
			want := (&world{t: t, dir: bare}).child("manner", name, name)
			if got != want {
				t.Errorf("the mount says\n%s\na bare directory\n%s", got, want)
			}
			if strings.Contains(want, "unexpected") {
				t.Error(want)
			}
		})
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A diary is what a process saw of its files.
type diary struct {
	dir   string
	lines []string
}

func (d *diary) note(what string, v any, err error) {
	d.lines = append(d.lines, what+": "+said(v, err))
}

func (d *diary) path(name string) string { return filepath.Join(d.dir, name) }

// open opens a file for the rest of the process.
func (d *diary) open(name string, flags int) int {
	fd, err := unix.Open(d.path(name), flags|unix.O_CLOEXEC, 0o644)
	d.note("open "+name, 0, err)
	return fd
}

func (d *diary) contents(name string) {
	b, err := os.ReadFile(d.path(name))
	d.note("contents of "+name, fmt.Sprintf("%d bytes, %q", len(b), short(bytes.ReplaceAll(b, []byte{0}, nil))), err)
}

// useManner is the process of one case.
func useManner(dir, name string) (string, error) {
	d := &diary{dir: dir}
	do := manners()[name]
	if do == nil {
		return "", fmt.Errorf("there is no case %q", name)
	}
	do(d)
	return strings.Join(d.lines, "\n"), nil
}

// manners are what databases do, by name.
func manners() map[string]func(d *diary) {
	return map[string]func(d *diary){
		"mapped writes":      mappedWrites,
		"mapped and written": mappedAndWritten,
		"mapped beyond":      mappedBeyond,
		"direct":             direct,
		"sparse":             sparse,
		"allocated":          allocated,
		"two names":          twoNames,
		"renamed over":       renamedOver,
		"flock":              flocked,
		"fcntl locks":        recordLocked,
		"attributes":         attributes,
		"syncs":              syncs,
		"appends":            appends,
		"copied":             copied,
		"nameless":           nameless,
	}
}

func mapped(d *diary, fd, size int) []byte {
	m, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	d.note("mmap", len(m), err)
	return m
}

// mappedWrites is LMDB's way with MDB_WRITEMAP: two mappings, msync, and
// everybody sees it.
func mappedWrites(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	d.note("truncate", 0, unix.Ftruncate(fd, 1<<20))
	m, n := mapped(d, fd, 1<<20), mapped(d, fd, 1<<20)
	copy(m[4096:], "by the first mapping")
	d.note("seen by the second", string(n[4096:4116]), nil)
	d.note("msync", 0, unix.Msync(m, unix.MS_SYNC))
	d.note("msync async", 0, unix.Msync(n, unix.MS_ASYNC))
	copy(n[1<<20-5:], "last")
	d.note("munmap", 0, errors.Join(unix.Munmap(m), unix.Munmap(n)))
	d.contents("f")
}

// mappedAndWritten is bbolt's and LMDB's usual way: read by mapping, write by call.
func mappedAndWritten(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	d.note("truncate", 0, unix.Ftruncate(fd, 64<<10))
	m := mapped(d, fd, 64<<10)
	d.note("before", m[8192], nil)
	n, err := unix.Pwrite(fd, []byte("by a call"), 8192)
	d.note("pwrite", n, err)
	d.note("seen in the mapping", string(m[8192:8201]), nil)
	copy(m[8192:], "BY")
	b := make([]byte, 9)
	n, err = unix.Pread(fd, b, 8192)
	d.note("read back", fmt.Sprint(n, string(b)), err)
	d.note("fdatasync", 0, unix.Fdatasync(fd))
	d.contents("f")
}

// mappedBeyond maps more than there is, and lets the file grow into it.
func mappedBeyond(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	m := mapped(d, fd, 1<<20)
	d.note("truncate", 0, unix.Ftruncate(fd, 8192))
	copy(m[5000:], "grown")
	n, err := unix.Pwrite(fd, []byte("end"), 8189)
	d.note("pwrite", n, err)
	d.note("seen", string(m[8189:8192]), nil)
	d.contents("f")
}

func direct(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT|unix.O_DIRECT)
	page := aligned()
	n, err := unix.Pwrite(fd, page, 4096)
	d.note("pwrite", n, err)
	back := aligned()
	clear(back)
	n, err = unix.Pread(fd, back, 4096)
	d.note("pread", fmt.Sprint(n, bytes.Equal(page, back)), err)
	n, err = unix.Pread(fd, back, 1<<20)
	d.note("pread at the end", n, err)
	d.contents("f")
}

func sparse(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	n, err := unix.Pwrite(fd, []byte("far away"), 1<<20)
	d.note("pwrite", n, err)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	d.note("size, and whether it takes less", fmt.Sprint(st.Size, st.Blocks*512 < st.Size), err)
	b := make([]byte, 4)
	n, err = unix.Pread(fd, b, 5000)
	d.note("hole", fmt.Sprint(n, b), err)
	at, err := unix.Seek(fd, 0, unix.SEEK_DATA)
	d.note("seek data", at, err)
	at, err = unix.Seek(fd, 0, unix.SEEK_HOLE)
	d.note("seek hole", at, err)
	_, err = unix.Seek(fd, 2<<20, unix.SEEK_DATA)
	d.note("seek data beyond", 0, err)
}

func allocated(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	d.note("fallocate", 0, unix.Fallocate(fd, 0, 0, 16384))
	d.note("keep size", 0, unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 16384, 16384))
	n, err := unix.Pwrite(fd, bytes.Repeat([]byte("z"), 16384), 0)
	d.note("pwrite", n, err)
	d.note("punch", 0, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4096, 4096))
	d.note("zero", 0, unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 8192, 100))
	d.contents("f")
}

func twoNames(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	d.note("link", 0, unix.Link(d.path("f"), d.path("g")))
	n, err := unix.Write(fd, []byte("by one name"))
	d.note("write", n, err)
	d.contents("g")
	var f, g unix.Stat_t
	err = errors.Join(unix.Stat(d.path("f"), &f), unix.Stat(d.path("g"), &g))
	d.note("links, and whether it is one file", fmt.Sprint(f.Nlink, f.Ino == g.Ino), err)
	d.note("unlink", 0, unix.Unlink(d.path("f")))
	err = unix.Fstat(fd, &f)
	d.note("links", f.Nlink, err)
	d.contents("f")
	d.contents("g")
}

// renamedOver looks at the name all the time while it is renamed over.
func renamedOver(d *diary) {
	d.note("write", 0, os.WriteFile(d.path("f"), []byte("0"), 0o644))
	done := make(chan error)
	go func() {
		for i := range 200 {
			if err := os.WriteFile(d.path("new"), fmt.Appendf(nil, "%d", i%10), 0o644); err != nil {
				done <- err
				return
			}
			if err := os.Rename(d.path("new"), d.path("f")); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			d.note("renamed", 0, err)
			return
		default:
		}
		if b, err := os.ReadFile(d.path("f")); err != nil || len(b) != 1 {
			d.note("unexpected", string(b), err)
			<-done
			return
		}
	}
}

func flocked(d *diary) {
	a, b := d.open("f", unix.O_RDWR|unix.O_CREAT), d.open("f", unix.O_RDWR)
	d.note("shared", 0, unix.Flock(a, unix.LOCK_SH))
	d.note("shared too", 0, unix.Flock(b, unix.LOCK_SH|unix.LOCK_NB))
	d.note("exclusive", 0, unix.Flock(b, unix.LOCK_EX|unix.LOCK_NB))
	d.note("unlock", 0, unix.Flock(a, unix.LOCK_UN))
	d.note("exclusive now", 0, unix.Flock(b, unix.LOCK_EX|unix.LOCK_NB))
	d.note("close", 0, unix.Close(b))
	d.note("free by the close", 0, unix.Flock(a, unix.LOCK_EX|unix.LOCK_NB))
}

func recordLocked(d *diary) {
	a, b := d.open("f", unix.O_RDWR|unix.O_CREAT), d.open("f", unix.O_RDWR)
	lock := func(what string, fd int, kind int16, from, size int64) {
		l := unix.Flock_t{Type: kind, Start: from, Len: size}
		d.note(what, 0, unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l))
	}
	lock("a range", a, unix.F_WRLCK, 100, 50)
	lock("beside it", b, unix.F_WRLCK, 150, 50)
	lock("within it", b, unix.F_RDLCK, 120, 1)
	asked := unix.Flock_t{Type: unix.F_WRLCK, Start: 110, Len: 1}
	err := unix.FcntlFlock(uintptr(b), unix.F_OFD_GETLK, &asked)
	d.note("who has it", fmt.Sprint(asked.Type == unix.F_WRLCK, asked.Start, asked.Len), err)
	lock("freed", a, unix.F_UNLCK, 100, 50)
	lock("within it now", b, unix.F_RDLCK, 120, 1)
	own := unix.Flock_t{Type: unix.F_WRLCK}
	d.note("of the process", 0, unix.FcntlFlock(uintptr(a), unix.F_SETLK, &own))
}

func attributes(d *diary) {
	d.open("f", unix.O_RDWR|unix.O_CREAT)
	f := d.path("f")
	d.note("set", 0, unix.Setxattr(f, "user.one", []byte("1"), unix.XATTR_CREATE))
	d.note("create again", 0, unix.Setxattr(f, "user.one", []byte("2"), unix.XATTR_CREATE))
	d.note("replace none", 0, unix.Setxattr(f, "user.two", []byte("2"), unix.XATTR_REPLACE))
	d.note("set an empty one", 0, unix.Setxattr(f, "user.empty", nil, 0))
	b := make([]byte, 100)
	n, err := unix.Getxattr(f, "user.one", b)
	d.note("get", string(b[:max(n, 0)]), err)
	n, err = unix.Getxattr(f, "user.one", nil)
	d.note("size", n, err)
	n, err = unix.Listxattr(f, b)
	d.note("list", string(bytes.ReplaceAll(b[:max(n, 0)], []byte{0}, []byte(" "))), err)
	d.note("remove", 0, unix.Removexattr(f, "user.one"))
	_, err = unix.Getxattr(f, "user.one", b)
	d.note("get", 0, err)
}

func syncs(d *diary) {
	for name, flags := range map[string]int{"O_SYNC": unix.O_SYNC, "O_DSYNC": unix.O_DSYNC} {
		fd := d.open(name, unix.O_RDWR|unix.O_CREAT|flags)
		n, err := unix.Write(fd, []byte("data"))
		if n != 4 || err != nil {
			d.note("unexpected, "+name, n, err)
		}
	}
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	n, err := unix.Pwritev2(fd, [][]byte{[]byte("one "), []byte("two")}, 0, unix.RWF_DSYNC|unix.RWF_SYNC)
	d.note("pwritev2", n, err)
	d.note("fsync", 0, unix.Fsync(fd))
	d.note("fdatasync", 0, unix.Fdatasync(fd))
	d.note("sync_file_range", 0, unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE))
	d.note("syncfs", 0, unix.Syncfs(fd))
	dir := d.open(".", unix.O_RDONLY|unix.O_DIRECTORY)
	d.note("fsync of the directory", 0, unix.Fsync(dir))
	slices.Sort(d.lines)
}

// appends has two handles append in turns.
func appends(d *diary) {
	a, b := d.open("f", unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND), d.open("f", unix.O_RDWR|unix.O_APPEND)
	for i := range 6 {
		n, err := unix.Write([]int{a, b}[i%2], fmt.Appendf(nil, "%d,", i))
		d.note("append", n, err)
	}
	n, err := unix.Pwrite(b, []byte("at the end all the same"), 0)
	d.note("pwrite", n, err)
	d.contents("f")
}

func copied(d *diary) {
	d.note("write", 0, os.WriteFile(d.path("f"), bytes.Repeat([]byte("copy "), 2000), 0o644))
	from, to := d.open("f", unix.O_RDONLY), d.open("g", unix.O_WRONLY|unix.O_CREAT)
	for total := 0; total < 10000; {
		n, err := unix.CopyFileRange(from, nil, to, nil, 10000-total, 0)
		if n <= 0 || err != nil {
			d.note("unexpected", n, err)
			return
		}
		total += n
	}
	d.contents("g")
	n, err := unix.Sendfile(to, from, new(int64), 100)
	d.note("sendfile", n, err)
	d.contents("g")
}

// nameless uses a file whose name is removed while it is open.
func nameless(d *diary) {
	fd := d.open("f", unix.O_RDWR|unix.O_CREAT)
	d.note("unlink", 0, unix.Unlink(d.path("f")))
	n, err := unix.Write(fd, []byte("still there"))
	d.note("write", n, err)
	v, err := readAt(fd, 0)
	d.note("read", v, err)
	d.note("truncate", 0, unix.Ftruncate(fd, 5))
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	d.note("stat", fmt.Sprint(st.Size, st.Nlink), err)
	d.contents("f")
}
