package disk

import (
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// GetXAttr reads an extended attribute.
func (f *FS) GetXAttr(cancel <-chan struct{}, h *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	n, s := f.enter(cancel, Lookup, h.NodeId, "")
	if !s.Ok() {
		return 0, s
	}
	defer f.gate.RUnlock()
	size, err := unix.Getxattr(n.procPath(), attr, dest)
	return uint32(max(size, 0)), status(err)
}

// ListXAttr lists the extended attributes.
func (f *FS) ListXAttr(cancel <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	n, s := f.enter(cancel, Lookup, h.NodeId, "")
	if !s.Ok() {
		return 0, s
	}
	defer f.gate.RUnlock()
	size, err := unix.Listxattr(n.procPath(), dest)
	return uint32(max(size, 0)), status(err)
}

// SetXAttr writes an extended attribute.
func (f *FS) SetXAttr(cancel <-chan struct{}, in *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	n, s := f.enter(cancel, SetAttr, in.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	return status(f.changeXAttr(n, attr, func() error {
		return unix.Setxattr(n.procPath(), attr, data, int(in.Flags))
	}))
}

// RemoveXAttr removes an extended attribute.
func (f *FS) RemoveXAttr(cancel <-chan struct{}, h *fuse.InHeader, attr string) fuse.Status {
	n, s := f.enter(cancel, SetAttr, h.NodeId, "")
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	return status(f.changeXAttr(n, attr, func() error { return unix.Removexattr(n.procPath(), attr) }))
}

// changeXAttr makes a change that a power failure takes back.
func (f *FS) changeXAttr(n *node, attr string, change func() error) error {
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	was, had, err := getXAttr(n, attr)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	f.names.add(f, &entry{about: n, undo: func() error {
		if had {
			return unix.Setxattr(n.procPath(), attr, was, 0)
		}
		return unix.Removexattr(n.procPath(), attr)
	}})
	return nil
}

func getXAttr(n *node, attr string) (value []byte, has bool, err error) {
	buf := make([]byte, 64<<10) // the most that Linux allows
	size, err := unix.Getxattr(n.procPath(), attr, buf)
	if errors.Is(err, unix.ENODATA) {
		return nil, false, nil
	}
	return buf[:max(size, 0)], err == nil, err
}
