package disk

import (
	"errors"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Rename changes a name, over another one if there is one.
func (f *FS) Rename(cancel <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	if s := f.rules.apply(cancel, Rename, f.nodes.get(in.Newdir), newName); !s.Ok() {
		return s
	}
	from, s := f.enter(cancel, Rename, in.NodeId, oldName)
	if !s.Ok() {
		return s
	}
	defer f.gate.RUnlock()
	to := f.nodes.get(in.Newdir)
	if to == nil {
		return fuse.Status(unix.ESTALE)
	}
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	m := move{from: from, to: to, oldName: oldName, newName: newName}
	switch in.Flags {
	case 0:
		return status(f.move(m))
	case unix.RENAME_NOREPLACE:
		return status(f.moveAway(m, in.Flags))
	case unix.RENAME_EXCHANGE:
		return status(f.exchange(m))
	}
	return fuse.EINVAL
}

// A move is one rename.
type move struct {
	from, to         *node
	oldName, newName string
}

func (m move) dirs() []*node {
	if m.from == m.to {
		return []*node{m.from}
	}
	return []*node{m.from, m.to}
}

// move renames, over what is there.
func (f *FS) move(m move) error {
	over, err := f.nodes.find(m.to, m.newName)
	if errors.Is(err, unix.ENOENT) {
		return f.moveAway(m, 0)
	}
	if err != nil {
		return err
	}
	defer f.nodes.unpin(over)
	return f.moveOver(m, over)
}

// moveAway renames to a name that is free.
func (f *FS) moveAway(m move, flags uint32) error {
	n, err := f.nodes.find(m.from, m.oldName)
	if err != nil {
		return err
	}
	defer f.nodes.unpin(n)
	if err := unix.Renameat2(m.from.fd, m.oldName, m.to.fd, m.newName, uint(flags)); err != nil {
		return err
	}
	f.nodes.renamed(n, m.from, m.oldName, m.to, m.newName)
	f.names.add(f, &entry{about: n, dirs: m.dirs(), name: m.newName, undo: func() error {
		f.nodes.renamed(n, m.to, m.newName, m.from, m.oldName)
		return unix.Renameat(m.to.fd, m.newName, m.from.fd, m.oldName)
	}})
	return nil
}

// moveOver renames over another file, which is kept in the state directory
// until the rename is saved. A file is linked there before it is renamed over,
// so that its name is never free; a directory can only be exchanged first.
func (f *FS) moveOver(m move, over *node) error {
	n, err := f.nodes.find(m.from, m.oldName)
	if err != nil {
		return err
	}
	defer f.nodes.unpin(n)
	if n == over { // Two names of one file: rename does nothing.
		return nil
	}
	flags := 0
	if n.kind == unix.S_IFDIR {
		flags = unix.AT_REMOVEDIR
	}
	if err := removable(over, flags); err != nil {
		return err
	}
	e := f.bury(over, flags)
	grave := e.name
	if err := f.replace(m, n, grave); err != nil {
		return err
	}
	over.graves.Add(1)
	f.nodes.uncalled(over, m.to, m.newName)
	f.rules.freed(e.bytes)
	f.nodes.renamed(n, m.from, m.oldName, m.to, m.newName)
	e.about, e.extra, e.dirs, e.name = n, []*node{over}, m.dirs(), m.newName
	e.undo = func() error {
		over.graves.Add(-1)
		f.nodes.renamed(n, m.to, m.newName, m.from, m.oldName)
		f.nodes.called(over, m.to, m.newName)
		back := unix.Renameat(m.to.fd, m.newName, m.from.fd, m.oldName)
		return errors.Join(back, unix.Renameat(f.grave, grave, m.to.fd, m.newName))
	}
	f.names.add(f, e)
	return nil
}

// replace renames n over what is there, which gets the name grave.
func (f *FS) replace(m move, n *node, grave string) error {
	if n.kind != unix.S_IFDIR {
		if err := unix.Linkat(m.to.fd, m.newName, f.grave, grave, 0); err != nil {
			return err
		}
		err := unix.Renameat(m.from.fd, m.oldName, m.to.fd, m.newName)
		if err != nil {
			err = errors.Join(err, unix.Unlinkat(f.grave, grave, 0))
		}
		return err
	}
	if err := unix.Renameat2(m.from.fd, m.oldName, m.to.fd, m.newName, unix.RENAME_EXCHANGE); err != nil {
		return err
	}
	return unix.Renameat(m.from.fd, m.oldName, f.grave, grave)
}

// exchange swaps two names.
func (f *FS) exchange(m move) error {
	a, err := f.nodes.find(m.from, m.oldName)
	if err != nil {
		return err
	}
	defer f.nodes.unpin(a)
	b, err := f.nodes.find(m.to, m.newName)
	if err != nil {
		return err
	}
	defer f.nodes.unpin(b)
	swap := func() error {
		return unix.Renameat2(m.from.fd, m.oldName, m.to.fd, m.newName, unix.RENAME_EXCHANGE)
	}
	if err := swap(); err != nil {
		return err
	}
	f.nodes.renamed(a, m.from, m.oldName, m.to, m.newName)
	f.nodes.renamed(b, m.to, m.newName, m.from, m.oldName)
	f.names.add(f, &entry{about: a, extra: []*node{b}, dirs: m.dirs(), name: m.newName, undo: func() error {
		f.nodes.renamed(a, m.to, m.newName, m.from, m.oldName)
		f.nodes.renamed(b, m.from, m.oldName, m.to, m.newName)
		return swap()
	}})
	return nil
}
