package edn

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text appends the string that begins here.
func (s *scanner) text(dst []byte) ([]byte, error) {
	quoted, plain, err := s.quoted()
	if err != nil {
		return dst, err
	}
	if plain {
		return append(dst, quoted...), nil
	}
	raw, err := unescape(quoted[1 : len(quoted)-1])
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, raw), nil
}

// unescape resolves the escapes of EDN and of Clojure's printer. It writes over
// its argument where it can, which gets no longer by it.
func unescape(b []byte) ([]byte, error) {
	if bytes.IndexByte(b, '\\') < 0 {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		r, n := escaped(b[i+1:])
		if n == 0 {
			return nil, fmt.Errorf("a string with the unknown escape %.8q", b[i:])
		}
		i += n
		if utf16.IsSurrogate(r) && bytes.HasPrefix(b[i+1:], []byte(`\u`)) {
			if low, n := escaped(b[i+2:]); n == 5 && utf16.DecodeRune(r, low) != utf8.RuneError {
				r, i = utf16.DecodeRune(r, low), i+6
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// escaped returns what stands behind a backslash and how long that is; 0 if it
// is nothing known.
func escaped(b []byte) (rune, int) {
	if len(b) == 0 {
		return 0, 0
	}
	switch b[0] {
	case 'n':
		return '\n', 1
	case 't':
		return '\t', 1
	case 'r':
		return '\r', 1
	case 'b':
		return '\b', 1
	case 'f':
		return '\f', 1
	case '"', '\\', '\'', '/':
		return rune(b[0]), 1
	case 'u':
		return inBase(b, 1, 4, 16)
	}
	for n := min(3, len(b)); n > 0; n-- {
		if r, ok := inBase(b, 0, n, 8); ok > 0 {
			return r, ok
		}
	}
	return 0, 0
}

// inBase reads n digits of b from the given place on.
func inBase(b []byte, from, n, base int) (rune, int) {
	if len(b) < from+n {
		return 0, 0
	}
	code, err := strconv.ParseUint(string(b[from:from+n]), base, 32)
	if err != nil {
		return 0, 0
	}
	return rune(code), from + n
}

// char appends a character as a string of one.
func (s *scanner) char(dst []byte) ([]byte, error) {
	c, ok := s.after(1)
	if !ok {
		return dst, fmt.Errorf("nothing after '\\': %w", s.ended())
	}
	if delimits(c) {
		s.at += 2
		if c == '\n' {
			s.line++
		}
		return appendJSON(dst, []byte{c}), nil
	}
	name := s.token()[1:]
	if utf8.RuneCount(name) == 1 {
		return appendJSON(dst, name), nil
	}
	switch string(name) {
	case "newline":
		return append(dst, `"\n"`...), nil
	case "return":
		return append(dst, `"\r"`...), nil
	case "space":
		return append(dst, `" "`...), nil
	case "tab":
		return append(dst, `"\t"`...), nil
	case "backspace":
		return append(dst, `"\b"`...), nil
	case "formfeed":
		return append(dst, `"\f"`...), nil
	}
	digits, base := name[1:], 8
	if name[0] == 'u' && len(digits) == 4 {
		base = 16
	} else if name[0] != 'o' {
		return dst, fmt.Errorf("%.40q is not a character", name)
	}
	r, n := inBase(digits, 0, len(digits), base)
	if n == 0 {
		return dst, fmt.Errorf("%.40q is not a character", name)
	}
	return appendJSON(dst, utf8.AppendRune(nil, r)), nil
}

// appendJSON appends raw as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendJSON(dst, raw []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(raw); {
		c := raw[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ' || c == 0x7f:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}
