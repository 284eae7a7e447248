package disk

import (
	"context"
	"strconv"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// empty is a disk with one file, which takes everything and does nothing.
type empty struct{ fs.Inode }

// OnAdd makes the file, of the name that [timeAppends] writes.
func (e *empty) OnAdd(ctx context.Context) {
	e.AddChild("appends", e.NewPersistentInode(ctx, &hole{}, fs.StableAttr{Mode: fuse.S_IFREG}), false)
}

// A hole knows how much was written to it.
type hole struct {
	fs.Inode
	size uint64
}

// Open lets anybody.
func (*hole) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) { return nil, 0, 0 }

// Getattr tells the size.
func (h *hole) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o644, h.size
	return 0
}

// Write keeps nothing.
func (h *hole) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	h.size = max(h.size, uint64(at)+uint64(len(data)))
	return uint32(len(data)), 0
}

// Fsync has nothing to save.
func (*hole) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno { return 0 }

// BenchmarkSyncedAppendsToNothing is what FUSE itself takes of a synced append, the
// way there and back twice, whatever the disk: no layer of this kind can do better.
func BenchmarkSyncedAppendsToNothing(b *testing.B) {
	w := &world{t: b, dir: b.TempDir()}
	server, err := fs.Mount(w.dir, &empty{}, &fs.Options{MountOptions: fuse.MountOptions{
		AllowOther: true, DirectMountStrict: true, ExplicitDataCacheControl: true, ExtraCapabilities: fuse.CAP_HANDLE_KILLPRIV_V2,
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.must(server.Unmount()) })
	var sum int64
	b.ResetTimer()
	for range b.N {
		nanoseconds, err := strconv.ParseInt(w.child("appends", "appends", ""), 10, 64)
		w.must(err)
		sum += nanoseconds
	}
	b.ReportMetric(float64(sum)/float64(b.N)/100/1000, "µs-an-append")
}
