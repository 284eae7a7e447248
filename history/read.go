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
	h, err := read(file, size)
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
	return read(r, 0)
}

// read reads a history of about size bytes; 0 if that is not known.
func read(r io.Reader, size int64) (*History, error) {
	h := &History{}
	var d decoder
	lines := lineReader{r: bufio.NewReaderSize(r, readBuffer)}
	for {
		line, err := lines.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", lines.number, err)
		}
		if len(line) == 0 || isSpace(line[0]) && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var op Op
		if err := d.decode(line, &op); err != nil {
			return nil, fmt.Errorf("line %d: %w", lines.number, err)
		}
		h.Ops = append(h.Ops, op)
		if len(h.Ops) == sampled && size > 0 {
			h.Ops = slices.Grow(h.Ops, int(size/max(1, lines.bytes/sampled))*9/8)
		}
	}
	h.Truncated, h.pairs = lines.cut, &pairs{of: h.Ops}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
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
