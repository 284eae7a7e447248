package disk

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// A fileKey tells the files of the backing directory apart. While a node holds
// its descriptor the number of the inode cannot be given to another file.
type fileKey struct{ dev, ino uint64 }

// A node is one file, directory or link of the backing directory.
type node struct {
	id   uint64 // never used again
	key  fileKey
	kind uint32 // S_IFMT bits
	fd   int    // O_PATH: names the file whatever becomes of its names

	// graves counts the names that it has in the state directory only.
	graves atomic.Int32
	// dirty is set when something may have been written since the last sync
	// of the backing file.
	dirty   atomic.Bool
	syncing sync.Mutex // held by a sync of it
	data    content

	// The rest is guarded by the table's lock.
	lookups uint64 // that the kernel will forget one day
	pins    int    // uses of our own
	names   []nameIn
}

// A nameIn is one name of a node. The kernel may remember any of them, and
// the latest comes last.
type nameIn struct {
	dir  *node
	name string
}

// procPath is a path by which calls that want one reach the node's file.
func (n *node) procPath() string { return "/proc/self/fd/" + strconv.Itoa(n.fd) }

// reopen opens the node's file for input and output.
func (n *node) reopen(flags int) (int, error) {
	return unix.Open(n.procPath(), flags|unix.O_CLOEXEC, 0)
}

// stat reads the attributes of the file, without names in the state directory.
func (n *node) stat(a *fuse.Attr) error {
	var st syscall.Stat_t
	if err := fstat(n.fd, &st); err != nil {
		return err
	}
	a.FromStat(&st)
	switch g := uint32(n.graves.Load()); {
	case n.kind == unix.S_IFDIR && g > 0:
		a.Nlink, a.Size = 0, 0
	case n.kind != unix.S_IFDIR && g <= a.Nlink:
		a.Nlink -= g
	}
	return nil
}

func fstat(fd int, st *syscall.Stat_t) error {
	for {
		if err := syscall.Fstat(fd, st); err != syscall.EINTR {
			return err
		}
	}
}

// A table holds the nodes that the kernel or we ourselves know.
type table struct {
	mu    sync.Mutex
	byID  map[uint64]*node
	byKey map[fileKey]*node
	last  uint64
}

// start makes the root, which has the number that FUSE wants.
func (t *table) start(fd int) error {
	t.byID, t.byKey = map[uint64]*node{}, map[fileKey]*node{}
	root, err := t.intern(fd, nil, "")
	if err == nil {
		root.pins++
	}
	return err
}

func (t *table) get(id uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// find looks a name up and returns its node, pinned.
func (t *table) find(dir *node, name string) (*node, error) {
	fd, err := unix.Openat(dir.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return t.intern(fd, dir, name)
}

// intern returns the pinned node of an open O_PATH descriptor, which it takes.
func (t *table) intern(fd int, parent *node, name string) (*node, error) {
	var st syscall.Stat_t
	if err := fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("stat: %w", err)
	}
	key := fileKey{uint64(st.Dev), st.Ino}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byKey[key]
	if n != nil {
		_ = unix.Close(fd)
	} else {
		t.last++
		n = &node{id: t.last, key: key, kind: st.Mode & unix.S_IFMT, fd: fd}
		t.byID[n.id], t.byKey[key] = n, n
	}
	n.pins++
	if parent != nil {
		n.called(parent, name)
	}
	return n, nil
}

// called notes the latest name of a node; the table is locked.
func (n *node) called(dir *node, name string) {
	n.uncalled(dir, name)
	n.names = append(n.names, nameIn{dir, name})
}

func (n *node) uncalled(dir *node, name string) {
	n.names = slices.DeleteFunc(n.names, func(l nameIn) bool { return l == nameIn{dir, name} })
}

// renamed notes that a node has one name less and one more.
func (t *table) renamed(n, from *node, oldName string, to *node, newName string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.uncalled(from, oldName)
	n.called(to, newName)
}

// called notes a name of a node.
func (t *table) called(n, dir *node, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.called(dir, name)
}

// uncalled notes that a node has lost a name, unless it is the last we know:
// it is still the best to call it by.
func (t *table) uncalled(n, dir *node, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(n.names) > 1 {
		n.uncalled(dir, name)
	}
}

// namesOf are the names that the kernel may know the node by.
func (t *table) namesOf(n *node) []nameIn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(n.names)
}

// known turns a pin into a lookup of the kernel's.
func (t *table) known(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.pins--
	n.lookups++
}

func (t *table) pin(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.pins++
}

func (t *table) unpin(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.pins--
	t.drop(n)
}

func (t *table) forget(id, lookups uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.byID[id]; n != nil {
		n.lookups -= min(lookups, n.lookups)
		t.drop(n)
	}
}

// drop closes a node that nobody needs any more.
func (t *table) drop(n *node) {
	if n.lookups > 0 || n.pins > 0 || t.byID[n.id] != n {
		return
	}
	delete(t.byID, n.id)
	delete(t.byKey, n.key)
	_ = unix.Close(n.fd) // O_PATH: nothing can be lost by it
}

// path is where the node is, below the root, by its latest name; and for a
// name in it, where that is.
func (t *table) path(n *node, name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	where := name
	for len(n.names) > 0 {
		latest := n.names[len(n.names)-1]
		n, where = latest.dir, path.Join(latest.name, where)
	}
	return where
}

// all returns the nodes of this moment.
func (t *table) all() []*node {
	t.mu.Lock()
	defer t.mu.Unlock()
	nodes := make([]*node, 0, len(t.byID))
	for _, n := range t.byID {
		nodes = append(nodes, n)
	}
	return nodes
}

func (t *table) closeAll() {
	for _, n := range t.all() {
		_ = unix.Close(n.fd)
	}
}
