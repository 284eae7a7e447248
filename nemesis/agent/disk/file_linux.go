package disk

import (
	"errors"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// A handle is one open file or directory.
type handle struct {
	node  *node
	fd    int
	flags uint32 // as the caller opened it
	life  uint64 // the FS's at that time
	dir   sync.Mutex
}

// handles are the open ones by number.
type handles struct {
	mu   sync.RWMutex
	all  map[uint64]*handle
	last uint64
}

func (s *handles) add(h *handle) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[uint64]*handle{}
	}
	s.last++
	s.all[s.last] = h
	return s.last
}

func (s *handles) get(id uint64) *handle {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[id]
}

func (s *handles) take(id uint64) *handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.all[id]
	delete(s.all, id)
	return h
}

func (s *handles) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.all {
		_ = unix.Close(h.fd) // its file system is gone
		delete(s.all, id)
	}
}

// backingFlags are the flags to open the backing file with: readable, because
// what is overwritten is read first; without O_APPEND, because the kernel says
// where to write; without O_DIRECT, because our buffers are not aligned; and
// without O_SYNC, because the sync is done here.
func backingFlags(flags uint32) int {
	mode := flags & unix.O_ACCMODE
	if mode == unix.O_WRONLY {
		mode = unix.O_RDWR
	}
	return int(mode) | unix.O_CLOEXEC
}

// Open opens a file.
func (f *FS) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	op := Open
	if in.Flags&unix.O_ACCMODE != unix.O_RDONLY {
		op = OpenWrite
	}
	n, s := f.enter(cancel, op, in.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	fd, err := n.reopen(backingFlags(in.Flags))
	if err != nil {
		return status(err)
	}
	if in.Flags&unix.O_TRUNC != 0 {
		if err := f.resizeAt(n, fd, 0); err != nil {
			_ = unix.Close(fd) // nothing was written through it
			return status(err)
		}
	}
	f.opened(n, fd, in.Flags, out)
	return fuse.OK
}

func (f *FS) opened(n *node, fd int, flags uint32, out *fuse.OpenOut) {
	f.nodes.pin(n)
	out.Fh = f.handles.add(&handle{node: n, fd: fd, flags: flags, life: f.life})
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
}

// Release closes a handle. It saves nothing.
func (f *FS) Release(_ <-chan struct{}, in *fuse.ReleaseIn) { f.closeHandle(in.Fh) }

func (f *FS) closeHandle(id uint64) {
	if h := f.handles.take(id); h != nil {
		_ = unix.Close(h.fd) // errors of writes were told by the writes
		f.nodes.unpin(h.node)
	}
}

// Flush has nothing to do: nothing is buffered here.
func (f *FS) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

// use begins an operation on an open handle; see enter.
func (f *FS) use(cancel <-chan struct{}, op Op, id uint64) (*handle, fuse.Status) {
	h := f.handles.get(id)
	if h == nil {
		return nil, fuse.EBADF
	}
	if s := f.rules.apply(cancel, op, h.node, ""); !s.Ok() {
		return nil, s
	}
	f.gate.RLock()
	if f.off || h.life != f.life {
		f.gate.RUnlock()
		return nil, fuse.EIO
	}
	return h, fuse.OK
}

// Read reads from a file.
func (f *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	h, s := f.use(cancel, Read, in.Fh)
	if !s.Ok() {
		return nil, s
	}
	defer f.gate.RUnlock()
	return fuse.ReadResultFd(uintptr(h.fd), int64(in.Offset), min(int(in.Size), len(buf))), fuse.OK
}

// Write writes to a file.
func (f *FS) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	return f.Writev(cancel, in, [][]byte{data})
}

// Writev writes to a file what comes in pieces. What comes while the power is
// off was in the page cache of the kernel, and is lost.
func (f *FS) Writev(cancel <-chan struct{}, in *fuse.WriteIn, data [][]byte) (uint32, fuse.Status) {
	h := f.handles.get(in.Fh)
	if h == nil {
		return 0, fuse.EBADF
	}
	off := int64(in.Offset)
	size, s := f.rules.write(cancel, h.node, off, length(data))
	if !s.Ok() {
		return 0, s
	}
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.off {
		return uint32(size), fuse.OK
	}
	if h.life != f.life {
		return 0, fuse.EIO
	}
	err := f.change(h.node, h.fd, writes, off, off+size, func() error {
		return pwritePieces(h.fd, data, off, size)
	})
	if in.WriteFlags&fuse.WRITE_KILL_SUIDGID != 0 {
		err = errors.Join(err, f.dropPrivileges(h.node))
	}
	if err == nil && (in.Flags|h.flags)&unix.O_DSYNC != 0 {
		err = f.sync(h.node, unix.Fdatasync, h.fd)
	}
	return uint32(size), status(err)
}

func length(pieces [][]byte) int64 {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	return int64(size)
}

// pwritePieces writes the first size bytes of the pieces.
func pwritePieces(fd int, pieces [][]byte, off, size int64) error {
	for _, p := range pieces {
		p = p[:min(int64(len(p)), size)]
		if err := pwriteFull(fd, p, off); err != nil {
			return err
		}
		off, size = off+int64(len(p)), size-int64(len(p))
	}
	return nil
}

// dataOnly is the flag of a request to sync that comes from fdatasync.
const dataOnly = 1

// Fsync saves a file, or of it what fdatasync does.
func (f *FS) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	h, s := f.use(cancel, Sync, in.Fh)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	call := unix.Fsync
	if in.FsyncFlags&dataOnly != 0 {
		call = unix.Fdatasync
	}
	return status(f.sync(h.node, call, h.fd))
}

// sync saves what was there when it began: the backing file first, so that
// nothing is called saved that may not be.
func (f *FS) sync(n *node, call func(int) error, fd int) error {
	n.syncing.Lock() // or a second sync would not wait for the first
	defer n.syncing.Unlock()
	seq := f.seq.Load()
	if n.dirty.Swap(false) || n.kind == unix.S_IFDIR {
		if err := call(fd); err != nil {
			n.dirty.Store(true)
			return err
		}
	}
	n.synced(f, seq)
	f.names.synced(f, n, seq)
	return nil
}

// resize changes the size of a file that need not be open.
func (f *FS) resize(n *node, size int64) fuse.Status {
	fd, err := n.reopen(unix.O_RDWR)
	if err != nil {
		return status(err)
	}
	defer func() { _ = unix.Close(fd) }() // an error would have been one of ftruncate
	return status(f.resizeAt(n, fd, size))
}

func (f *FS) resizeAt(n *node, fd int, size int64) error {
	was, err := sizeOf(fd)
	if err != nil {
		return err
	}
	err = f.change(n, fd, resizes, size, size, func() error { return unix.Ftruncate(fd, size) })
	f.rules.freed(was - size)
	return err
}

// Lseek finds data and holes.
func (f *FS) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	h, s := f.use(cancel, Lookup, in.Fh)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	off, err := unix.Seek(h.fd, int64(in.Offset), int(in.Whence))
	out.Offset = uint64(max(off, 0))
	return status(err)
}

// Fallocate reserves space, punches holes and writes zeros.
func (f *FS) Fallocate(cancel <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	h := f.handles.get(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	off, end := int64(in.Offset), int64(in.Offset+in.Length)
	if in.Mode&unix.FALLOC_FL_PUNCH_HOLE == 0 {
		room, s := f.rules.allocate(cancel, h.node, off, end-off)
		if !s.Ok() {
			return s
		}
		if room < end-off {
			return fuse.Status(unix.ENOSPC)
		}
	}
	h, s := f.use(cancel, Allocate, in.Fh)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	kind := writes
	if in.Mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) == 0 {
		kind = extends
	}
	return status(f.change(h.node, h.fd, kind, off, end, func() error {
		return unix.Fallocate(h.fd, in.Mode, off, end-off)
	}))
}
