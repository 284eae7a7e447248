package disk

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// paired alternates runs on the mount and on a bare directory of the same file
// system, and reports the cost of the mount in percent.
func paired(b *testing.B, run func(dir string)) {
	w := mounted(b)
	bare := filepath.Join(filepath.Dir(w.dir), "bare")
	w.must(os.Mkdir(bare, 0o755))
	var costs []float64
	b.ResetTimer()
	for i := range b.N {
		took := map[string]time.Duration{}
		for _, dir := range [][]string{{w.dir, bare}, {bare, w.dir}}[i%2] {
			start := time.Now()
			run(dir)
			took[dir] = time.Since(start)
		}
		costs = append(costs, 100*(float64(took[w.dir])/float64(took[bare])-1))
	}
	slices.Sort(costs)
	b.ReportMetric(costs[len(costs)/2], "%cost")
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSyncedAppends is a log: 100 records of 2 KiB, each synced.
func BenchmarkSyncedAppends(b *testing.B) {
	record := make([]byte, 2048)
	paired(b, func(dir string) {
		f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		check(b, err)
		for range 100 {
			_, err := f.Write(record)
			check(b, err)
			check(b, unix.Fdatasync(int(f.Fd())))
		}
		check(b, f.Close())
	})
}

// uncache drops the clean pages of a file, if there is one.
func uncache(b *testing.B, name string) {
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return
	}
	check(b, err)
	check(b, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	check(b, f.Close())
}

// BenchmarkSequentialRead reads 64 MiB that are not in any cache.
func BenchmarkSequentialRead(b *testing.B) {
	made := map[string]bool{}
	buf := make([]byte, 128<<10)
	paired(b, func(dir string) {
		name := filepath.Join(dir, "big")
		if !made[dir] {
			b.StopTimer()
			check(b, os.WriteFile(name, make([]byte, 64<<20), 0o644))
			made[dir] = true
			b.StartTimer()
		}
		f, err := os.Open(name)
		check(b, err)
		check(b, f.Sync())
		uncache(b, name)
		uncache(b, filepath.Join(filepath.Dir(dir), "data", "big")) // behind the mount
		for err == nil {
			_, err = f.Read(buf)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		check(b, f.Close())
	})
}
