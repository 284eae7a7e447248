package disk

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// made finishes the making of a name: it gives the new file its mode and
// owner, notes how to take the name back, and returns its pinned node. The
// journal is locked.
func (f *FS) made(dir *node, name string, h *fuse.InHeader, mode uint32, undo func() error) (*node, error) {
	n, err := f.nodes.find(dir, name)
	if err != nil {
		return nil, err
	}
	if err := f.own(dir, n, h, mode); err != nil {
		f.nodes.unpin(n)
		return nil, errors.Join(err, undo())
	}
	f.names.add(f, &entry{about: n, dirs: []*node{dir}, name: name, undo: undo})
	return n, nil
}

// own gives a new file to the caller, or to the group of a setgid directory.
func (f *FS) own(dir, n *node, h *fuse.InHeader, mode uint32) error {
	var d syscall.Stat_t
	if err := fstat(dir.fd, &d); err != nil {
		return err
	}
	gid := int(h.Gid)
	if d.Mode&unix.S_ISGID != 0 {
		gid = int(d.Gid)
		if n.kind == unix.S_IFDIR {
			mode |= unix.S_ISGID
		}
	}
	if err := unix.Fchownat(n.fd, "", int(h.Uid), gid, unix.AT_EMPTY_PATH); err != nil {
		return err
	}
	if n.kind == unix.S_IFLNK {
		return nil
	}
	return unix.Chmod(n.procPath(), mode&0o7777) // past the umask of this process
}

// make makes a name by do and answers with it.
func (f *FS) make(cancel <-chan struct{}, h *fuse.InHeader, name string, mode uint32, out *fuse.EntryOut, do func(dir *node) error) fuse.Status {
	dir, s := f.enter(cancel, Create, h.NodeId, name)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	if err := do(dir); err != nil {
		return status(err)
	}
	flags := 0
	if mode&unix.S_IFMT == unix.S_IFDIR {
		flags = unix.AT_REMOVEDIR
	}
	n, err := f.made(dir, name, h, mode, func() error { return unix.Unlinkat(dir.fd, name, flags) })
	if err != nil {
		return status(err)
	}
	return f.tell(n, out)
}

// Mknod makes a file, a pipe, a socket or a device.
func (f *FS) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.make(cancel, &in.InHeader, name, in.Mode, out, func(dir *node) error {
		return unix.Mknodat(dir.fd, name, in.Mode, int(in.Rdev))
	})
}

// Mkdir makes a directory.
func (f *FS) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.make(cancel, &in.InHeader, name, in.Mode&0o7777|unix.S_IFDIR, out, func(dir *node) error {
		return unix.Mkdirat(dir.fd, name, in.Mode)
	})
}

// Symlink makes a symbolic link.
func (f *FS) Symlink(cancel <-chan struct{}, h *fuse.InHeader, to, name string, out *fuse.EntryOut) fuse.Status {
	return f.make(cancel, h, name, unix.S_IFLNK, out, func(dir *node) error {
		return unix.Symlinkat(to, dir.fd, name)
	})
}

// Create makes a file and opens it.
func (f *FS) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	fd := -1
	s := f.make(cancel, &in.InHeader, name, in.Mode&0o7777|unix.S_IFREG, &out.EntryOut, func(dir *node) (err error) {
		fd, err = unix.Openat(dir.fd, name, backingFlags(in.Flags)|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, in.Mode&0o7777)
		return err
	})
	if !s.Ok() {
		if fd >= 0 {
			_ = unix.Close(fd) // of an empty file that was removed again
		}
		return s
	}
	f.gate.RLock()
	defer f.gate.RUnlock()
	f.opened(f.nodes.get(out.NodeId), fd, in.Flags, &out.OpenOut)
	return fuse.OK
}

// Link gives a file one more name.
func (f *FS) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	dir, s := f.enter(cancel, Create, in.NodeId, name)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	n := f.nodes.get(in.Oldnodeid)
	if n == nil {
		return fuse.Status(unix.ESTALE)
	}
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	if err := unix.Linkat(unix.AT_FDCWD, n.procPath(), dir.fd, name, unix.AT_SYMLINK_FOLLOW); err != nil {
		return status(err)
	}
	f.nodes.pin(n)
	f.nodes.called(n, dir, name)
	f.names.add(f, &entry{about: n, dirs: []*node{dir}, name: name,
		undo: func() error { return unix.Unlinkat(dir.fd, name, 0) }})
	return f.tell(n, out)
}

// Unlink removes a name.
func (f *FS) Unlink(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.remove(cancel, h, name, 0)
}

// Rmdir removes an empty directory.
func (f *FS) Rmdir(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.remove(cancel, h, name, unix.AT_REMOVEDIR)
}

// remove moves a name to the state directory, from where a power failure
// brings it back.
func (f *FS) remove(cancel <-chan struct{}, h *fuse.InHeader, name string, flags int) fuse.Status {
	dir, s := f.enter(cancel, Remove, h.NodeId, name)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	n, err := f.nodes.find(dir, name)
	if err != nil {
		return status(err)
	}
	defer f.nodes.unpin(n)
	if err := removable(n, flags); err != nil {
		return status(err)
	}
	e := f.bury(n, flags)
	grave := e.name
	if err := unix.Renameat(dir.fd, name, f.grave, grave); err != nil {
		return status(err)
	}
	n.graves.Add(1)
	f.nodes.uncalled(n, dir, name)
	f.rules.freed(e.bytes)
	e.name, e.dirs = name, []*node{dir}
	e.undo = func() error {
		n.graves.Add(-1)
		f.nodes.called(n, dir, name)
		return unix.Renameat(f.grave, grave, dir.fd, name)
	}
	f.names.add(f, e)
	return fuse.OK
}

// removable checks what the kernel does not, for a rename is used instead.
func removable(n *node, flags int) error {
	isDir, wantDir := n.kind == unix.S_IFDIR, flags == unix.AT_REMOVEDIR
	switch {
	case isDir && !wantDir:
		return unix.EISDIR
	case !isDir && wantDir:
		return unix.ENOTDIR
	case isDir:
		return emptyOrError(n)
	}
	return nil
}

// emptyOrError returns ENOTEMPTY for a directory that has entries.
func emptyOrError(n *node) error {
	fd, err := n.reopen(unix.O_RDONLY | unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // only read from
	buf := make([]byte, 4096)
	for {
		size, err := unix.Getdents(fd, buf)
		if err != nil || size == 0 {
			return err
		}
		for rest := buf[:size]; len(rest) > 0; {
			var d fuse.DirEntry
			rest = rest[d.Parse(rest):]
			if d.Name != "." && d.Name != ".." {
				return unix.ENOTEMPTY
			}
		}
	}
}

// bury makes the entry for a name that is about to go to the state directory,
// under the name in the entry.
func (f *FS) bury(n *node, flags int) *entry {
	grave := fmt.Sprintf("removed-%d", f.seq.Add(1))
	e := &entry{about: n, name: grave, save: func() {
		n.graves.Add(-1)
		_ = unix.Unlinkat(f.grave, grave, flags) // Mount empties the directory if this fails
	}}
	var st syscall.Stat_t
	if n.kind == unix.S_IFREG && fstat(n.fd, &st) == nil && int32(st.Nlink)-n.graves.Load() == 1 {
		e.bytes = st.Size
	}
	return e
}
