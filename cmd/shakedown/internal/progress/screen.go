package progress

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// A Screen keeps a block of lines at the bottom of a terminal, and lets
// everything else that is written scroll by above it. Its methods may be
// called by many goroutines.
//
// It asks for the terminal's size each time it draws, so that a change of the
// size needs no signal. It never writes into the last column, where terminals
// disagree about what comes next.
type Screen struct {
	w    io.Writer
	size func() (columns, rows int)

	mu    sync.Mutex
	block []string
	drawn []string // what of the block is on the terminal
	begun []byte   // of a line that is to scroll by, what has come so far
}

// NewScreen draws on w, whose size is told by size. A size of 0 is not known,
// and taken for 80 columns and 24 rows.
func NewScreen(w io.Writer, size func() (columns, rows int)) *Screen {
	return &Screen{w: w, size: size}
}

// Write lets whole lines scroll by above the block. What comes after the last
// newline waits for the rest.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = append(s.begun, p...)
	end := bytes.LastIndexByte(s.begun, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	text := string(s.begun[:end])
	s.begun = append([]byte(nil), s.begun[end:]...)
	return len(p), s.draw(text)
}

// Show replaces the block. Lines that are too wide are cut, and those for which
// the terminal has no room left out.
func (s *Screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block = lines
	_ = s.draw("") // a picture that cannot be drawn is lost; the run goes on
}

// Clear takes the block away, and prints what waits for the rest of its line.
func (s *Screen) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block = nil
	text := string(s.begun)
	if text != "" {
		text += "\n"
	}
	s.begun = nil
	_ = s.draw(text)
}

// draw writes, in one go: back to the first line of the old block, the text
// that scrolls by, the new block.
func (s *Screen) draw(text string) error {
	columns, rows := s.dimensions()
	if text == "" && len(s.block) == 0 && len(s.drawn) == 0 {
		return nil
	}
	var b strings.Builder
	if up := heightOf(s.drawn, columns); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteString("\r")
	for _, l := range strings.SplitAfter(text, "\n") {
		if l != "" {
			b.WriteString(strings.TrimSuffix(l, "\n") + "\x1b[K\n")
		}
	}
	s.drawn = nil
	for _, l := range s.block[:min(len(s.block), max(rows-1, 0))] {
		l = fit(l, columns-1)
		s.drawn = append(s.drawn, l)
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (s *Screen) dimensions() (columns, rows int) {
	columns, rows = s.size()
	if columns <= 0 {
		columns = 80
	}
	if rows <= 0 {
		rows = 24
	}
	return columns, rows
}

// heightOf is how many rows lines take that were drawn when the terminal may
// have been wider: one that has become narrower wraps them.
func heightOf(lines []string, columns int) int {
	n := 0
	for _, l := range lines {
		n += max(1, (lengthOf(l)+columns-1)/columns)
	}
	return n
}
