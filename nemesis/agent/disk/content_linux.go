package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// changeCost is the memory of a change beside the bytes it keeps.
	changeCost = 160
	// inMemory is the longest run of old bytes that is kept in memory. What is
	// longer, a large file cut short, goes to a file in the state directory.
	inMemory = 1 << 20
)

// A changeKind is what a change does.
type changeKind int

const (
	writes  changeKind = iota // bytes in [off, end), maybe beyond the end
	resizes                   // to the size off, up or down
	extends                   // up to end, with nothing in it, if that is more than the size
)

// A change is one unsynced change of a file's bytes or size.
type change struct {
	seq  uint64
	kind changeKind
	// off and end are the range that was written or cut off.
	off, end int64
	size     int64 // of the file before
	after    int64 // and after
	old      saved // the bytes from off that the file had, up to size
}

// cuts says whether the change made the file shorter.
func (c *change) cuts() bool { return c.after < c.size }

func (c *change) cost() int64 {
	if c.kind != writes {
		return changeCost + int64(len(c.old.mem))
	}
	return changeCost + c.end - c.off
}

// saved are bytes of a file as they were.
type saved struct {
	mem  []byte
	file *os.File // has no name; nil if mem has them
	size int64
}

// save reads size bytes at off.
func (f *FS) save(fd int, off, size int64) (saved, error) {
	if size <= 0 {
		return saved{}, nil
	}
	if size <= inMemory {
		mem := make([]byte, size)
		n, err := preadFull(fd, mem, off)
		return saved{mem: mem[:n], size: int64(n)}, err
	}
	file, err := f.nameless()
	if err != nil {
		return saved{}, err
	}
	if err := copyRange(fd, off, size, file); err != nil {
		return saved{}, errors.Join(err, file.Close())
	}
	return saved{file: file, size: size}, nil
}

// nameless makes a file in the state directory that ends with its descriptor.
func (f *FS) nameless() (*os.File, error) {
	name := fmt.Sprintf("old-%d", f.seq.Add(1))
	fd, err := unix.Openat(f.grave, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), unix.Unlinkat(f.grave, name, 0)
}

// copyRange copies the data in [off, off+size) of fd to the beginning of file,
// which has no data yet. Holes stay holes, and long runs of zeros become some:
// a log has often been given far more space than it has used.
func copyRange(fd int, off, size int64, file *os.File) error {
	if err := file.Truncate(size); err != nil {
		return err
	}
	buf := make([]byte, inMemory)
	for at := off; at < off+size; {
		data, err := unix.Seek(fd, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) || data >= off+size {
			return nil
		}
		if err != nil {
			data = at // a file system that does not know its holes
		}
		n, err := preadFull(fd, buf[:min(int64(len(buf)), off+size-data)], data)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := writeSparse(file, buf[:n], data-off); err != nil {
			return err
		}
		at = data + int64(n)
	}
	return nil
}

// writeSparse writes what is not zero.
func writeSparse(file *os.File, p []byte, off int64) error {
	const piece = 64 << 10
	for at := 0; at < len(p); at += piece {
		q := p[at:min(at+piece, len(p))]
		if len(bytes.TrimLeft(q, "\x00")) == 0 {
			continue
		}
		if _, err := file.WriteAt(q, off+int64(at)); err != nil {
			return err
		}
	}
	return nil
}

// restore writes the bytes back to where they were.
func (s *saved) restore(fd int, off int64) error {
	if s.file == nil {
		return pwriteFull(fd, s.mem, off)
	}
	_, err := io.Copy(&offsetWriter{fd, off}, io.NewSectionReader(s.file, 0, s.size))
	return err
}

func (s *saved) close() {
	if s.file != nil {
		_ = s.file.Close() // of a file that nobody needs any more
	}
}

type offsetWriter struct {
	fd  int
	off int64
}

// Write writes at the offset and moves it on.
func (w *offsetWriter) Write(p []byte) (int, error) {
	if err := pwriteFull(w.fd, p, w.off); err != nil {
		return 0, err
	}
	w.off += int64(len(p))
	return len(p), nil
}

func preadFull(fd int, p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(fd, p[done:], off+int64(done))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return done, err
		}
		done += n
	}
	return done, nil
}

func pwriteFull(fd int, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(fd, p, off)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

func sizeOf(fd int) (int64, error) {
	var st syscall.Stat_t
	err := fstat(fd, &st)
	return st.Size, err
}

// content holds the unsynced changes of one file, oldest first. Its lock is
// held through each change.
type content struct {
	mu      sync.Mutex
	changes []*change
}

// change makes one change by do, on a readable descriptor, and notes how to
// take it back.
func (f *FS) change(n *node, fd int, kind changeKind, off, end int64, do func() error) error {
	n.data.mu.Lock()
	defer n.data.mu.Unlock()
	size, err := sizeOf(fd)
	if err != nil {
		return err
	}
	switch kind {
	case resizes:
		end = max(size, off)
	case extends: // keeps every byte that there is
		off = max(size, off)
		end = max(off, end)
	}
	old, err := f.save(fd, off, min(end, size)-off)
	if err != nil {
		return err
	}
	n.dirty.Store(true)
	failed := do()
	after, err := sizeOf(fd) // Even what failed may have changed something.
	if err != nil || kind != writes && after == size {
		old.close()
		return errors.Join(failed, err)
	}
	c := &change{seq: f.seq.Add(1), kind: kind, off: off, end: end, size: size, after: after, old: old}
	n.data.changes = append(n.data.changes, c)
	f.pending.add(f, n, c)
	return failed
}

// synced forgets the changes up to seq: they are saved.
func (n *node) synced(f *FS, seq uint64) {
	n.data.mu.Lock()
	defer n.data.mu.Unlock()
	n.forget(f, seq)
}

// forget is synced with the lock held.
func (n *node) forget(f *FS, seq uint64) {
	i := 0
	for ; i < len(n.data.changes) && n.data.changes[i].seq <= seq; i++ {
		n.data.changes[i].old.close()
		f.pending.bytes.Add(-n.data.changes[i].cost())
		n.data.changes[i] = nil
	}
	n.data.changes = n.data.changes[i:]
	if len(n.data.changes) == 0 {
		n.data.changes = nil
		f.pending.clean(f, n)
	}
}

// A pool knows the files with unsynced changes, and bounds their size.
type pool struct {
	bytes atomic.Int64
	mu    sync.Mutex
	files map[*node]uint64 // by the sequence number of the first change
	given atomic.Int64     // bytes given up as written back
}

// add counts a change of n, whose lock is held, and gives up the oldest
// changes of n or of another file when there are too many.
func (p *pool) add(f *FS, n *node, c *change) {
	p.mu.Lock()
	if p.files == nil {
		p.files = map[*node]uint64{}
	}
	if _, known := p.files[n]; !known {
		p.files[n] = c.seq
		f.nodes.pin(n)
	}
	p.mu.Unlock()
	p.bytes.Add(c.cost())
	for p.bytes.Load() > f.options.Pending && p.giveUp(f, n) {
	}
}

// giveUp forgets the changes of the file that has waited longest; of the
// current file, whose lock is held, the older half if that is the one or the
// other is busy. It returns false if there was nothing to forget.
func (p *pool) giveUp(f *FS, current *node) bool {
	oldest, first := current, f.seq.Load()
	p.mu.Lock()
	for n, seq := range p.files {
		if seq < first {
			oldest, first = n, seq
		}
	}
	p.mu.Unlock()
	before := p.bytes.Load()
	if oldest != current && oldest.data.mu.TryLock() {
		oldest.forget(f, f.seq.Load())
		oldest.data.mu.Unlock()
	} else if have := current.data.changes; len(have) > 0 {
		current.forget(f, have[len(have)/2].seq)
	}
	given := before - p.bytes.Load()
	p.given.Add(max(0, given))
	return given > 0
}

// clean notes that a file has no changes any more.
func (p *pool) clean(f *FS, n *node) {
	p.mu.Lock()
	_, known := p.files[n]
	delete(p.files, n)
	p.mu.Unlock()
	if known {
		f.nodes.unpin(n)
	}
}

// list returns the files with unsynced changes.
func (p *pool) list() []*node {
	p.mu.Lock()
	defer p.mu.Unlock()
	var nodes []*node
	for n := range p.files {
		nodes = append(nodes, n)
	}
	return nodes
}
