package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	// readBuffer is how much is read at a time.
	readBuffer = 1 << 20
	// maxLine bounds the memory that a file which is no history can take.
	maxLine = 64 << 20
	// sampled is how many lines tell how long lines are. To make room for all
	// at once is worth it: growing costs more than reading.
	sampled = 256
)

// ReadFile reads the history in the named file; see [Read].
func ReadFile(path string) (*History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer file.Close()
	size := int64(0)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	h, err := read(file, size, nil)
	if err != nil {
		return nil, fmt.Errorf("read history %s: %w", path, err)
	}
	return h, nil
}

// Read reads a history, one event a line. A last line without a newline (the
// writer was killed in the middle of it, or the machine's power failed and
// left zeros) is dropped and sets Truncated: its invocation had not been sent,
// or its completion is now unknown, so what is left is still true. Any other
// line that is not an event is an error that names the line, and a history
// that does not [History.Validate] is an error too.
func Read(r io.Reader) (*History, error) {
	return read(r, 0, nil)
}

// read reads a history of about size bytes; 0 if that is not known. It is kept in
// s, or where that is nil in memory.
func read(r io.Reader, size int64, s *storage) (*History, error) {
	h := &History{}
	l := lineReader{r: bufio.NewReaderSize(r, readBuffer)}
	err := l.events(&decoder{apart: s}, func(op *Op) error {
		if s != nil {
			return s.add(*op)
		}
		h.Ops = append(h.Ops, *op)
		if len(h.Ops) == sampled && size > 0 {
			h.Ops = slices.Grow(h.Ops, int(size/max(1, l.bytes/sampled))*9/8)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s != nil {
		h.Ops = s.ops()
	}
	h.Truncated, h.pairs = l.cut, &pairs{of: h.Ops}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// Each reads a history as [Read] does, of which it keeps nothing: each event is
// given to do as it is read, which gets it for the time of the call and may end
// the reading by an error. That the events fit together is not looked at.
func Each(r io.Reader, do func(*Op) error) error {
	l := lineReader{r: bufio.NewReaderSize(r, readBuffer)}
	return l.events(&decoder{}, do)
}

// events decodes all lines, and gives each event to do.
func (l *lineReader) events(d *decoder, do func(*Op) error) error {
	var op Op
	for {
		line, err := l.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", l.number, err)
		}
		if len(line) == 0 || isSpace(line[0]) && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := d.decode(line, &op); err != nil {
			return fmt.Errorf("line %d: %w", l.number, err)
		}
		if err := do(&op); err != nil {
			return err
		}
	}
}

// A lineReader returns complete lines.
type lineReader struct {
	r      *bufio.Reader
	long   []byte
	number int
	bytes  int64 // of the lines so far
	// cut is set when the input ended in a line without a newline.
	cut bool
}

// next returns the next line without its newline, valid until the next call,
// and io.EOF after the last complete one.
func (l *lineReader) next() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.rest(line)
	}
	if err == io.EOF {
		l.cut = len(bytes.TrimSpace(line)) > 0
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	l.bytes += int64(len(line))
	return line[:len(line)-1], nil
}

// rest gathers a line that is longer than the buffer.
func (l *lineReader) rest(line []byte) ([]byte, error) {
	l.long = append(l.long[:0], line...)
	for {
		more, err := l.r.ReadSlice('\n')
		l.long = append(l.long, more...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.long, err
		}
		if len(l.long) > maxLine {
			return nil, fmt.Errorf("longer than %d bytes, this is not a history", maxLine)
		}
	}
}
