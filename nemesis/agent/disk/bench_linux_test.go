package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// paired alternates runs on the mount and on a bare directory of the same file
// system, and reports the cost of the mount in percent. Each is a process of
// its own, as a database is, which says how long it took.
func paired(b *testing.B, what string) {
	w := mounted(b)
	bare := &world{t: b, dir: filepath.Join(filepath.Dir(w.dir), "bare")}
	w.must(os.Mkdir(bare.dir, 0o755))
	behind := filepath.Join(w.back, what)
	var costs []float64
	took := map[*world]time.Duration{}
	w.child(what, what, behind) // the first makes the file
	bare.child(what, what, "")
	b.ResetTimer()
	for i := range b.N {
		for _, at := range [][]*world{{w, bare}, {bare, w}}[i%2] {
			nanoseconds, err := strconv.ParseInt(at.child(what, what, map[bool]string{true: behind}[at == w]), 10, 64)
			w.must(err)
			took[at] = time.Duration(nanoseconds)
		}
		costs = append(costs, 100*(float64(took[w])/float64(took[bare])-1))
	}
	slices.Sort(costs)
	b.ReportMetric(costs[len(costs)/2], "%cost")
	b.ReportMetric(float64(took[bare].Microseconds())/1000, "ms-bare-last")
}

// BenchmarkSyncedAppends is a log: 100 records of 2 KiB, each synced.
func BenchmarkSyncedAppends(b *testing.B) { paired(b, "appends") }

// BenchmarkSequentialRead reads 64 MiB that are not in any cache.
func BenchmarkSequentialRead(b *testing.B) { paired(b, "reads") }

// timeAppends is the process that writes a log.
func timeAppends(name string) (int64, error) {
	record := make([]byte, 2048)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for range 100 {
		if _, err := f.Write(record); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
	}
	return time.Since(begin).Nanoseconds(), f.Close()
}

// timeReads is the process that reads a file, which is in no cache, neither of
// the mount nor behind it.
func timeReads(name, behind string) (int64, error) {
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(name, make([]byte, 64<<20), 0o644); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(uncache(name), uncache(behind)); err != nil {
		return 0, err
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 128<<10)
	begin := time.Now()
	for err == nil {
		_, err = f.Read(buf)
	}
	if err != io.EOF {
		return 0, err
	}
	return time.Since(begin).Nanoseconds(), f.Close()
}

// uncache saves a file, and drops its pages.
func uncache(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}
