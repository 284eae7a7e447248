package disk

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	// defaultPending is the limit of unsynced bytes unless told otherwise.
	defaultPending = 128 << 20
	// longest is how long the kernel may keep names and attributes: all
	// changes come through it, and a power failure tells it.
	longest = time.Hour
	// requestSize is the largest read or write in one request. With its header
	// it must fit into a pipe, which may have a MiB, or the answer to a read is
	// copied instead of spliced.
	requestSize = 512 << 10
	// unmountTries and unmountPause bound the wait for a busy mount.
	unmountTries, unmountPause = 20, 50 * time.Millisecond
	// unmountPatience is how long the kernel may take to let go of it.
	unmountPatience = 2 * time.Second
)

// Durability says which changes of names a sync saves.
type Durability int

const (
	// Ordered is what ext4 and XFS do: a sync saves the journal of names up to
	// the last change that concerns what is synced.
	Ordered Durability = iota
	// Strict is what POSIX promises: names are saved by a sync of their
	// directory alone.
	Strict
)

// Options say what is mounted where.
type Options struct {
	// Backing is the directory whose files are shown.
	Backing string
	// State is a directory for what was removed and not yet synced. It must
	// be on the file system of Backing and outside of it; it is made if need
	// be, and what an earlier mount left in it is removed.
	State string
	// Mount is the directory to mount on.
	Mount string
	// Names says which names a sync saves; zero is [Ordered].
	Names Durability
	// Pending limits the unsynced bytes that can be lost, and with it the
	// memory used; zero is 128 MiB.
	Pending int64
}

// An FS is one mounted file system. Its methods may be called from any
// goroutine.
type FS struct {
	fuse.RawFileSystem // answers ENOSYS to what is not here

	// ReadsAhead is why programs that read large files may have to wait longer
	// than they need; nil if they don't.
	ReadsAhead error

	options Options
	server  *fuse.Server
	grave   int // descriptor of State

	// gate is held shared by every operation, and exclusively by those that
	// change the whole: a power failure, damage.
	gate sync.RWMutex
	off  bool   // guarded by gate: the power is off
	life uint64 // guarded by gate: counts power failures; older handles are stale

	closing sync.Once
	closed  error

	seq     atomic.Uint64 // orders all changes
	nodes   table
	handles handles
	names   journal
	pending pool
	rules   rules
	kept    keeper
}

// Mount mounts the file system and serves it until [FS.Close]. It needs
// /dev/fuse, CAP_SYS_ADMIN to mount, /proc, and the capabilities to act for
// the owners of the files. The error says which step failed.
func Mount(o Options) (*FS, error) {
	f, err := open(o)
	if err != nil {
		return nil, err
	}
	f.server, err = fuse.NewServer(f, o.Mount, &fuse.MountOptions{
		AllowOther: true, DirectMountStrict: true, Options: []string{"default_permissions"},
		FsName: "shakedown", Name: "shakedown", MaxWrite: requestSize, MaxReadAhead: requestSize,
		ExplicitDataCacheControl: true, DisableReadDirPlus: true,
		// Without it the kernel asks for an attribute before every write.
		ExtraCapabilities: fuse.CAP_HANDLE_KILLPRIV_V2,
		Logger:            log.New(io.Discard, "", 0),
	})
	if err != nil {
		f.release()
		return nil, fmt.Errorf("mount %s: %w", o.Mount, err)
	}
	go f.server.Serve() // ends when unmounted; Close waits for it
	if err := f.server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount %s: %w", o.Mount, err), f.Close())
	}
	f.ReadsAhead = widenReadAhead(o.Mount, o.State)
	return f, nil
}

// open prepares everything but the mount.
func open(o Options) (*FS, error) {
	if o.Pending == 0 {
		o.Pending = defaultPending
	}
	if err := emptyDir(o.State); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	f := &FS{RawFileSystem: fuse.NewDefaultRawFileSystem(), options: o}
	root, err := unix.Open(o.Backing, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the backing directory %s: %w", o.Backing, err)
	}
	if err := f.nodes.start(root); err != nil {
		return nil, errors.Join(err, unix.Close(root))
	}
	f.grave, err = unix.Open(o.State, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		f.nodes.closeAll()
		return nil, fmt.Errorf("open the state directory %s: %w", o.State, err)
	}
	return f, nil
}

// emptyDir makes a directory, or empties the one that is there.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// Close heals every rule and unmounts. What was not synced stays written: it
// is lost by a power failure only. A mount that is still in use is detached.
// Closing twice is no error.
func (f *FS) Close() error {
	f.closing.Do(func() { f.closed = f.unmount() })
	return f.closed
}

func (f *FS) unmount() error {
	f.rules.clear()
	var err error
	for range unmountTries {
		if err = unix.Unmount(f.options.Mount, 0); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(unmountPause)
	}
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(f.options.Mount, unix.MNT_DETACH)
		if err == nil {
			return nil // Served until its last user has gone.
		}
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", f.options.Mount, err)
	}
	served := make(chan struct{})
	go func() {
		f.server.Wait()
		close(served)
	}()
	select {
	case <-served:
	case <-time.After(unmountPatience): // Another mount namespace has it, such as a node's: served until that has gone.
		f.settle()
		return nil
	}
	f.settle()
	f.release()
	return nil
}

// settle saves everything, so that nothing stays in the state directory.
func (f *FS) settle() {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.names.saveAll(f)
	f.forgetChanges()
}

func (f *FS) release() {
	f.kept.clear()
	f.handles.closeAll()
	f.nodes.closeAll()
	_ = unix.Close(f.grave) // a descriptor that names a directory only
}

// String names the file system.
func (f *FS) String() string { return "shakedown disk of " + f.options.Backing }

// enter begins an operation on the node, or on the name in it: it applies the
// rules, and then keeps power failures out until f.gate is unlocked, which the
// caller does if the status is OK.
func (f *FS) enter(cancel <-chan struct{}, op Op, id uint64, name string) (*node, fuse.Status) {
	n := f.nodes.get(id)
	if n == nil {
		return nil, fuse.Status(unix.ESTALE)
	}
	if s := f.rules.apply(cancel, op, n, name); !s.Ok() {
		return nil, s
	}
	f.gate.RLock()
	if f.off {
		f.gate.RUnlock()
		return nil, fuse.EIO
	}
	return n, fuse.OK
}

func status(err error) fuse.Status { return fuse.ToStatus(err) }
