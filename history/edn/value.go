package edn

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// value appends the next form to dst, as JSON; see the package's comment for
// what becomes of what. io.EOF means that there is no form.
func (s *scanner) value(dst []byte, depth int) ([]byte, error) {
	c, err := s.next(depth)
	if err != nil {
		return dst, err
	}
	return s.form(dst, c, depth)
}

// form appends the form that begins here, with c, as value does.
func (s *scanner) form(dst []byte, c byte, depth int) ([]byte, error) {
	if err := depthError(depth); err != nil {
		return dst, err
	}
	if c >= '1' && c <= '9' {
		if n := s.digits(); n > 0 {
			return append(dst, s.take(n)...), nil
		}
	}
	switch c {
	case '[':
		return s.list(dst, ']', depth)
	case '(':
		return s.list(dst, ')', depth)
	case '{':
		return s.object(dst, "", depth)
	case '"':
		return s.text(dst)
	case ':':
		return s.keyword(dst)
	case '#':
		return s.dispatch(dst, depth)
	case '\\':
		return s.char(dst)
	case '^':
		return s.annotated(dst, depth)
	case ']', ')', '}':
		return dst, fmt.Errorf("%q closes nothing", c)
	}
	return s.atom(dst)
}

// digits returns how long the integer is that stands here, which most values
// are; 0 if it is anything but digits, or the window's end leaves that open.
func (s *scanner) digits() int {
	for i, c := range s.buf[s.at:] {
		if !isDigit(c) {
			if delimits(c) {
				return i
			}
			break
		}
	}
	return 0
}

// list appends the elements up to the closing bracket.
func (s *scanner) list(dst []byte, closing byte, depth int) ([]byte, error) {
	s.at++
	from := s.line
	dst = append(dst, '[')
	for first := true; ; first = false {
		c, err := s.next(depth)
		if err != nil {
			return dst, fmt.Errorf("no %q closes what line %d opens: %w", closing, from, unexpected(err))
		}
		if c == closing {
			s.at++
			return append(dst, ']'), nil
		}
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = s.form(dst, c, depth+1); err != nil {
			return dst, err
		}
	}
}

// atom appends a number or one of the words that stand for themselves.
func (s *scanner) atom(dst []byte) ([]byte, error) {
	token := s.token()
	c := token[0]
	if c >= '0' && c <= '9' || (c == '-' || c == '+' || c == '.') && len(token) > 1 && isDigit(token[1]) {
		return number(dst, token)
	}
	switch string(token) {
	case "nil":
		return append(dst, "null"...), nil
	case "true", "false":
		return append(dst, token...), nil
	}
	if c < ' ' || c == 0x7f || bytes.IndexByte([]byte("'`~@"), c) >= 0 {
		return dst, fmt.Errorf("%.40q is not EDN", token)
	}
	return appendJSON(dst, token), nil
}

// keyword appends a keyword without its colon.
func (s *scanner) keyword(dst []byte) ([]byte, error) {
	token := s.token()
	name := bytes.TrimPrefix(token[1:], []byte(":"))
	if len(name) == 0 {
		return dst, fmt.Errorf("%q is not a keyword", token)
	}
	return appendJSON(dst, name), nil
}

// dispatch appends what begins with '#': a set as a list, a tagged form as the
// form, a symbolic number as its name.
func (s *scanner) dispatch(dst []byte, depth int) ([]byte, error) {
	c, ok := s.after(1)
	if !ok {
		return dst, fmt.Errorf("nothing after '#': %w", s.ended())
	}
	switch c {
	case '{':
		s.at++
		return s.list(dst, '}', depth)
	case '#':
		return appendJSON(dst, s.token()), nil
	case '"':
		s.at++
		return s.text(dst)
	case ':':
		return s.namespaced(dst, depth)
	}
	if delimits(c) {
		return dst, fmt.Errorf("%q after '#' is not EDN", c)
	}
	tag := string(s.token())
	from := len(dst)
	dst, err := s.value(dst, depth+1)
	if err != nil {
		return dst, fmt.Errorf("after the tag %.60s: %w", tag, unexpected(err))
	}
	return s.record(dst, from, tag), nil
}

// annotated appends the form behind its metadata.
func (s *scanner) annotated(dst []byte, depth int) ([]byte, error) {
	s.at++
	if _, err := s.value(nil, depth+1); err != nil {
		return dst, unexpected(err)
	}
	dst, err := s.value(dst, depth+1)
	return dst, unexpected(err)
}

// number appends a number, which JSON writes with less freedom: no plus, no
// suffix for big ones, digits after the point. A ratio is a string, because
// JSON has none that is exact.
func number(dst, token []byte) ([]byte, error) {
	digits := bytes.TrimPrefix(token, []byte("+"))
	if isInteger(digits) {
		return append(dst, digits...), nil
	}
	if above, below, ok := bytes.Cut(digits, []byte("/")); ok && isInteger(above) && isInteger(below) && below[0] != '-' {
		return appendJSON(dst, digits), nil
	}
	if whole, ok := bytes.CutSuffix(digits, []byte("N")); ok && isInteger(whole) {
		return append(dst, whole...), nil
	}
	if hex, ok := bytes.CutPrefix(digits, []byte("0x")); ok {
		// Clojure prints the identity of objects so.
		if n, err := strconv.ParseUint(string(hex), 16, 64); err == nil {
			return strconv.AppendUint(dst, n, 10), nil
		}
	}
	from := len(dst)
	dst, ok := fraction(dst, bytes.TrimSuffix(digits, []byte("M")))
	if !ok {
		return dst[:from], fmt.Errorf("%.60q is not a number", token)
	}
	return dst, nil
}

// fraction appends a number with a point or an exponent.
func fraction(dst, digits []byte) ([]byte, bool) {
	mantissa, exponent := digits, []byte(nil)
	if e := bytes.IndexAny(digits, "eE"); e >= 0 {
		mantissa, exponent = digits[:e], digits[e:]
		if power := bytes.TrimLeft(exponent[1:], "+-"); len(power) == 0 || len(exponent)-len(power) > 2 || !allDigits(power) {
			return dst, false
		}
	}
	whole, part, point := bytes.Cut(mantissa, []byte("."))
	if !isInteger(whole) || !allDigits(part) {
		return dst, false
	}
	dst = append(dst, whole...)
	if point {
		dst = append(dst, '.')
		dst = append(dst, part...)
		if len(part) == 0 {
			dst = append(dst, '0')
		}
	}
	return append(dst, exponent...), true
}

// isInteger reports whether b is an integer in JSON.
func isInteger(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	return len(b) > 0 && allDigits(b) && (b[0] != '0' || len(b) == 1)
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// integer reads an integer that must fit.
func integer(token []byte) (int64, error) {
	n, err := strconv.ParseInt(string(bytes.TrimSuffix(token, []byte("N"))), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.60q is not an integer of 64 bits", token)
	}
	return n, nil
}

// roughly reads an integer of a time or a place, which others may have written
// with a point, as a ratio, or as a power of ten.
func roughly(token []byte) (int64, error) {
	n, err := integer(token)
	if err == nil {
		return n, nil
	}
	text := strings.TrimSuffix(string(token), "M")
	above, below, ratio := strings.Cut(text, "/")
	f, bad := strconv.ParseFloat(above, 64)
	if ratio && bad == nil {
		var by float64
		by, bad = strconv.ParseFloat(below, 64)
		f /= by
	}
	if bad != nil || math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return 0, err
	}
	return int64(f), nil
}
