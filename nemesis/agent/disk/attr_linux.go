package disk

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Lookup finds a name.
func (f *FS) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	dir, s := f.enter(cancel, Lookup, h.NodeId, name)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	n, err := f.nodes.find(dir, name)
	if err != nil {
		return status(err)
	}
	return f.tell(n, out)
}

// tell answers with a pinned node, whose pin becomes the kernel's.
func (f *FS) tell(n *node, out *fuse.EntryOut) fuse.Status {
	if err := n.stat(&out.Attr); err != nil {
		f.nodes.unpin(n)
		return status(err)
	}
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(longest)
	out.SetAttrTimeout(longest)
	f.nodes.known(n)
	return fuse.OK
}

// Forget takes back lookups.
func (f *FS) Forget(id, lookups uint64) { f.nodes.forget(id, lookups) }

// GetAttr reads attributes.
func (f *FS) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n, s := f.enter(cancel, Lookup, in.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	out.SetTimeout(longest)
	return status(n.stat(&out.Attr))
}

// Access is checked by the kernel, since the mount has default_permissions.
func (f *FS) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fuse.ENOSYS }

// SetAttr changes size, mode, owner and times.
func (f *FS) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	op := SetAttr
	size, resize := in.GetSize()
	if resize {
		op = Truncate
	}
	n, s := f.enter(cancel, op, in.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	if resize {
		if s := f.resize(n, int64(size)); !s.Ok() {
			return s
		}
	}
	if in.Valid&fuse.FATTR_KILL_SUIDGID != 0 {
		if err := f.dropPrivileges(n); err != nil {
			return status(err)
		}
	}
	if err := f.setMode(n, in); err != nil {
		return status(err)
	}
	if err := setTimes(n, in); err != nil {
		return status(err)
	}
	out.SetTimeout(longest)
	return status(n.stat(&out.Attr))
}

// dropPrivileges takes the setuid bit from a file that somebody else has
// written to, and the setgid bit if it is one.
func (f *FS) dropPrivileges(n *node) error {
	var st syscall.Stat_t
	if err := fstat(n.fd, &st); err != nil {
		return err
	}
	mode := st.Mode & 0o7777 &^ unix.S_ISUID
	if mode&unix.S_IXGRP != 0 {
		mode &^= unix.S_ISGID
	}
	if mode == st.Mode&0o7777 {
		return nil
	}
	return f.setOwner(n, mode, true, -1, -1)
}

// setMode changes mode and owner as asked.
func (f *FS) setMode(n *node, in *fuse.SetAttrIn) error {
	mode, hasMode := in.GetMode()
	uid, hasUID := in.GetUID()
	gid, hasGID := in.GetGID()
	if !hasMode && !hasUID && !hasGID {
		return nil
	}
	return f.setOwner(n, mode, hasMode, ifSet(uid, hasUID), ifSet(gid, hasGID))
}

// setOwner changes the mode, if it has one, and the owner and group that are
// not -1. A power failure takes it back.
func (f *FS) setOwner(n *node, mode uint32, hasMode bool, uid, gid int) error {
	var was syscall.Stat_t
	if err := fstat(n.fd, &was); err != nil {
		return err
	}
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	set := func(mode uint32, chmod bool, uid, gid int) error {
		if uid != -1 || gid != -1 {
			if err := unix.Fchownat(n.fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
				return err
			}
		}
		if !chmod {
			return nil
		}
		return unix.Chmod(n.procPath(), mode)
	}
	if err := set(mode, hasMode, uid, gid); err != nil {
		return err
	}
	link := n.kind == unix.S_IFLNK // has no mode to change
	f.names.add(f, &entry{about: n, undo: func() error {
		return set(was.Mode&0o7777, !link, int(was.Uid), int(was.Gid))
	}})
	return nil
}

func ifSet(id uint32, has bool) int {
	if !has {
		return -1
	}
	return int(id)
}

// setTimes changes the times; a power failure leaves them.
func setTimes(n *node, in *fuse.SetAttrIn) error {
	at, hasA := in.GetATime()
	mt, hasM := in.GetMTime()
	if !hasA && !hasM {
		return nil
	}
	ts := []unix.Timespec{timespec(at, hasA), timespec(mt, hasM)}
	return unix.UtimesNanoAt(unix.AT_FDCWD, n.procPath(), ts, 0)
}

func timespec(t time.Time, has bool) unix.Timespec {
	if !has {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.NsecToTimespec(t.UnixNano())
}

// StatFs tells the space of the backing file system, less what rules take.
func (f *FS) StatFs(cancel <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	n, s := f.enter(cancel, Lookup, h.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(n.fd, &st); err != nil {
		return status(err)
	}
	if room, limited := f.rules.room(); limited {
		blocks := uint64(room / st.Bsize)
		st.Bfree, st.Bavail = min(st.Bfree, blocks), min(st.Bavail, blocks)
	}
	out.FromStatfsT(&st)
	return fuse.OK
}

// Readlink reads a symbolic link.
func (f *FS) Readlink(cancel <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	n, s := f.enter(cancel, Lookup, h.NodeId, "")
	if !s.Ok() {
		return nil, s
	}
	defer f.gate.RUnlock()
	buf := make([]byte, unix.PathMax)
	size, err := unix.Readlinkat(n.fd, "", buf)
	if err != nil {
		return nil, status(err)
	}
	return buf[:size], fuse.OK
}
