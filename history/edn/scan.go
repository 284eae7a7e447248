package edn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// window is how much is read at a time.
	window = 1 << 18
	// maxToken bounds the memory that one string or name can take.
	maxToken = 64 << 20
	// maxDepth bounds how deep forms may stand in each other, so that a
	// hostile file cannot exhaust the stack.
	maxDepth = 1000
)

// A scanner walks over EDN text through a window that holds at least the token
// at hand.
type scanner struct {
	// tupled says that a tuple of independent keys was met.
	tupled bool
	r      io.Reader
	// buf[at:] has been read and not yet been scanned.
	buf  []byte
	at   int
	line int
	// read counts all bytes that ever came into buf.
	read int64
	// err ended the input, io.EOF if all is well.
	err error
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 0, window), line: 1}
}

// fill reads more behind buf[at:], which moves to the front. It returns false
// when there is no more.
func (s *scanner) fill() bool {
	if s.err != nil {
		return false
	}
	rest := copy(s.buf, s.buf[s.at:])
	s.buf, s.at = s.buf[:rest], 0
	if rest == cap(s.buf) {
		if rest > maxToken {
			s.err = fmt.Errorf("a form longer than %d bytes, this is not a history", maxToken)
			return false
		}
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[rest:cap(s.buf)])
		s.buf, s.read = s.buf[:rest+n], s.read+int64(n)
		if err != nil {
			s.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// next returns the first byte of the next form or the bracket that closes the
// one around, and leaves it to be scanned; io.EOF after the last. Blanks,
// commas, comments and discarded forms are passed over.
func (s *scanner) next(depth int) (byte, error) {
	for {
		for s.at < len(s.buf) {
			switch c := s.buf[s.at]; c {
			case ' ', ',', '\t', '\r', '\f', '\v':
				s.at++
			case '\n':
				s.line++
				s.at++
			case ';':
				s.comment()
			case '#':
				discard, err := s.discard(depth)
				if err != nil || !discard {
					return c, err
				}
			default:
				return c, nil
			}
		}
		if !s.fill() {
			return 0, s.err
		}
	}
}

// comment goes to the end of the line.
func (s *scanner) comment() {
	for {
		if end := bytes.IndexByte(s.buf[s.at:], '\n'); end >= 0 {
			s.at += end
			return
		}
		s.at = len(s.buf)
		if !s.fill() {
			return
		}
	}
}

// discard passes over #_ and the form that follows it, and reports whether it
// stood there.
func (s *scanner) discard(depth int) (bool, error) {
	if c, ok := s.after(1); !ok || c != '_' {
		return false, nil
	}
	if err := depthError(depth); err != nil {
		return true, err
	}
	s.at += 2
	_, err := s.value(nil, depth+1)
	return true, unexpected(err)
}

// after returns the byte that stands n after the current one.
func (s *scanner) after(n int) (byte, bool) {
	for s.at+n >= len(s.buf) {
		if !s.fill() {
			return 0, false
		}
	}
	return s.buf[s.at+n], true
}

// token takes the bytes up to the next delimiter, at least one; they are valid
// until the next call of any method.
func (s *scanner) token() []byte {
	end := 1
	for {
		for buf := s.buf[s.at:]; end < len(buf); end++ {
			if delimits(buf[end]) {
				return s.take(end)
			}
		}
		if !s.fill() {
			return s.take(len(s.buf) - s.at)
		}
	}
}

func (s *scanner) take(n int) []byte {
	token := s.buf[s.at : s.at+n]
	s.at += n
	return token
}

// delimits reports whether c ends a number, a name or a keyword.
func delimits(c byte) bool {
	switch c {
	case ' ', ',', '\t', '\n', '\r', '\f', '\v', '[', ']', '(', ')', '{', '}', '"', ';':
		return true
	}
	return false
}

// quoted takes a string with its quotes, as it is written, and says whether
// all of it can stand in JSON so.
func (s *scanner) quoted() (text []byte, plain bool, err error) {
	plain = true
	end := 1
	for {
		for buf := s.buf[s.at:]; end < len(buf); end++ {
			switch c := buf[end]; {
			case c == '"':
				return s.take(end + 1), plain, nil
			case c == '\\':
				plain = false
				end++
			case c == '\n':
				plain = false
				s.line++
			case c < ' ' || c >= 0x7f:
				plain = false
			}
		}
		if !s.fill() {
			return nil, false, fmt.Errorf("a string without an end: %w", s.ended())
		}
	}
}

func depthError(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("forms stand more than %d deep in each other", maxDepth)
	}
	return nil
}

// ended is why there is nothing left to read, where something is missing.
func (s *scanner) ended() error {
	return unexpected(s.err)
}

// unexpected makes an end of the input an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
