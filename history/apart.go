package history

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"unsafe"
)

// ErrNotApart is why a history cannot be kept outside of memory: the system has
// no such files, or the disk no room.
var ErrNotApart = errors.New("it cannot be kept in a file that stands for memory")

// ReadFileApart reads the history in the named file as [ReadFile] does, but keeps
// the events and all that they hold outside of the program's memory: in a file
// without a name in the folder dir, which is mapped. The kernel takes pages of it
// back where memory is short, and brings them again when they are asked for, so
// that a history may be several times as large as memory; the collector of
// garbage never looks at it. It takes about twice the file's size of disk, and
// it takes them until the program ends: nobody could tell whether some string
// of it is still in use. Nothing may be put into its events, whose memory the
// collector does not know. Where there is no room for it, or no such files (other
// systems than Linux), the error is [ErrNotApart].
func ReadFileApart(path, dir string) (*History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	s, err := newStorage(dir, info.Size())
	if err != nil {
		return nil, fmt.Errorf("read history %s: %w: %w", path, ErrNotApart, err)
	}
	h, err := read(file, info.Size(), s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read history %s: %w", path, err), s.drop())
	}
	return h, s.finish()
}

// shortestLine is what an event takes at least in a file: the five fields that
// must be there, of one character each.
const shortestLine = len(`{"index":0,"time_ns":0,"process":0,"type":"ok","f":""}` + "\n")

// storage is memory that is a file: room for as many events as a history of a
// size can have, and behind them for the bytes of their values and names. Only
// what is used takes room on the disk.
//
// The collector of garbage neither frees nor moves it and does not follow
// pointers in it, so nothing in it may point to the program's own memory.
type storage struct {
	events, bytes region
	// Once all is there, finish closes the file, whose mapping stays; drop ends
	// the mapping, too, of which nothing may be in use.
	finish, drop func() error
}

// A region is a part of the file that is filled from its begin.
type region struct {
	all  []byte
	used int
	// ready is how much of it the disk is known to have room for: to write
	// behind that could end the program, rather than fail.
	ready   int
	reserve func(from, to int) error
}

// reserveStep is how much more of the disk is reserved at a time.
const reserveStep = 16 << 20

// take returns the next n bytes.
func (r *region) take(n int) ([]byte, error) {
	to := r.used + n
	if to > len(r.all) {
		return nil, fmt.Errorf("%w: it holds more than its length allows", ErrNotApart)
	}
	if to > r.ready {
		ready := min(len(r.all), to+reserveStep)
		if err := r.reserve(r.ready, ready); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotApart, err)
		}
		r.ready = ready
	}
	b := r.all[r.used:to:to]
	r.used = to
	return b, nil
}

// newStorage makes room for a history of size bytes.
func newStorage(dir string, size int64) (*storage, error) {
	if size > math.MaxInt/16 {
		return nil, errors.New("it is larger than any memory")
	}
	events := (int(size)/shortestLine + 1) * int(unsafe.Sizeof(Op{}))
	bytes := 4*int(size) + reserveStep // A byte that is no UTF-8 becomes three.
	m, err := mapNameless(filepath.Clean(dir), events+bytes)
	if err != nil {
		return nil, err
	}
	return &storage{
		events: region{all: m.all[:events], reserve: m.reserve},
		bytes:  region{all: m.all[events:], reserve: func(from, to int) error { return m.reserve(events+from, events+to) }},
		finish: m.close, drop: m.drop,
	}, nil
}

// add puts an event behind the others. What it holds must be in the storage.
func (s *storage) add(op Op) error {
	b, err := s.events.take(int(unsafe.Sizeof(op)))
	if err != nil {
		return err
	}
	*(*Op)(unsafe.Pointer(&b[0])) = op
	return nil
}

// ops are the events so far.
func (s *storage) ops() []Op {
	n := s.events.used / int(unsafe.Sizeof(Op{}))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*Op)(unsafe.Pointer(&s.events.all[0])), n)
}
