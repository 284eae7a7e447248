package redact

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// mask stands for a word of a log that was taken out.
const mask = "·"

// longestLogLine bounds a line of a log; what is longer is cut.
const longestLogLine = 1 << 20

// stampPattern is a time at the beginning of a word, which says nothing about
// anybody.
var stampPattern = regexp.MustCompile(`^"?\d{4}[-/]\d{2}[-/]\d{2}|^"?\d{2}:\d{2}:\d{2}`)

// Log copies a log with every word masked, but for times and for the texts to
// keep, which are those that a check looks for. Each line stays a line.
func Log(w io.Writer, r io.Reader, keep []string) error {
	in := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriter(w)
	for {
		line, err := readLine(in)
		if line != "" {
			if _, err := out.WriteString(logLine(line, keep)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads a line with its newline, and drops what is too much of it.
func readLine(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		piece, err := r.ReadSlice('\n')
		if b.Len() < longestLogLine {
			b.Write(piece)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return b.String(), err
		}
	}
}

// logLine masks a line around the texts to keep.
func logLine(line string, keep []string) string {
	at, text := len(line), ""
	for _, k := range keep {
		if i := strings.Index(line, k); k != "" && i >= 0 && i < at {
			at, text = i, k
		}
	}
	if text == "" {
		return maskWords(line)
	}
	return maskWords(line[:at]) + text + logLine(line[at+len(text):], keep)
}

// maskWords replaces each word by a mask; blanks and the newline stay.
func maskWords(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexFunc(s, unicode.IsSpace)
		switch {
		case n == 0:
			n = 1
			for n < len(s) && s[n]&0xc0 == 0x80 { // the rest of a blank of several bytes
				n++
			}
			b.WriteString(s[:n])
		case n < 0:
			n = len(s)
			fallthrough
		default:
			word := s[:n]
			if stampPattern.MatchString(word) && len(word) < 40 {
				b.WriteString(word)
			} else {
				b.WriteString(mask)
			}
		}
		s = s[n:]
	}
	return b.String()
}
