package disk

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// OpenDir opens a directory.
func (f *FS) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n, s := f.enter(cancel, Open, in.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	fd, err := n.reopen(unix.O_RDONLY | unix.O_DIRECTORY)
	if err != nil {
		return status(err)
	}
	f.opened(n, fd, in.Flags, out)
	out.OpenFlags = 0
	return fuse.OK
}

// ReadDir lists a directory, from the offset that an entry gave.
func (f *FS) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	h, s := f.use(cancel, Lookup, in.Fh)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	h.dir.Lock()
	defer h.dir.Unlock()
	if _, err := unix.Seek(h.fd, int64(in.Offset), unix.SEEK_SET); err != nil {
		return status(err)
	}
	buf := make([]byte, max(int(in.Size), 4096))
	size, err := unix.Getdents(h.fd, buf)
	if err != nil {
		return status(err)
	}
	for rest := buf[:size]; len(rest) > 0; {
		var d fuse.DirEntry
		rest = rest[d.Parse(rest):]
		if !out.AddDirEntry(d) {
			break // The kernel asks again from the last one that fitted.
		}
	}
	return fuse.OK
}

// ReleaseDir closes a directory.
func (f *FS) ReleaseDir(in *fuse.ReleaseIn) { f.closeHandle(in.Fh) }

// FsyncDir saves the names in a directory.
func (f *FS) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	h, s := f.use(cancel, Sync, in.Fh)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	return status(f.sync(h.node, unix.Fsync, h.fd))
}
