package history

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// The keys of a line, as bits: to see the required ones and to give lines that
// repeat one to encoding/json.
const (
	hasIndex = 1 << iota
	hasTime
	hasProcess
	hasType
	hasF
	hasKey
	hasValue
	hasNode
	hasFinal
	hasError

	required = hasIndex | hasTime | hasProcess | hasType | hasF
)

// fast decodes a line without spaces, escapes, unknown or repeated keys. It
// returns false, with op in any state, for everything else, whether the line
// is good or bad: what it accepts, encoding/json accepts with the same result.
func (d *decoder) fast(line []byte, op *Op) bool {
	s := scanner{line: line}
	if !s.skip('{') {
		return false
	}
	seen := 0
	for {
		name, ok := s.text()
		if !ok || !s.skip(':') {
			return false
		}
		bit := d.field(&s, name, op)
		if bit == 0 || seen&bit != 0 {
			return false
		}
		seen |= bit
		if s.skip(',') {
			continue
		}
		return s.skip('}') && s.at == len(line) && seen&required == required
	}
}

// field decodes what follows a key and returns the key's bit, 0 if it cannot.
func (d *decoder) field(s *scanner, name []byte, op *Op) int {
	switch string(name) {
	case "index":
		n, ok := s.number()
		op.Index = int(n)
		return bitIf(ok, hasIndex)
	case "time_ns":
		n, ok := s.number()
		op.Time = time.Duration(n)
		return bitIf(ok, hasTime)
	case "process":
		return bitIf(s.process(op), hasProcess)
	case "type":
		text, ok := s.text()
		if ok {
			op.Type, ok = parseType(text)
		}
		return bitIf(ok, hasType)
	case "value":
		return bitIf(d.value(s, op), hasValue)
	case "final":
		op.Final = s.word("true")
		return bitIf(op.Final, hasFinal)
	}
	return d.stringField(s, name, op)
}

func (d *decoder) stringField(s *scanner, name []byte, op *Op) int {
	var to *string
	bit := 0
	switch string(name) {
	case "f":
		to, bit = &op.F, hasF
	case "key":
		to, bit = &op.Key, hasKey
	case "node":
		to, bit = &op.Node, hasNode
	case "error":
		to, bit = &op.Error, hasError
	default:
		return 0
	}
	text, ok := s.text()
	if !ok {
		return 0
	}
	*to = d.intern(text)
	return bit
}

func (d *decoder) value(s *scanner, op *Op) bool {
	raw, ok := s.value()
	if !ok {
		return false
	}
	if string(raw) != "null" {
		op.Value = d.keep(raw)
	}
	return true
}

func bitIf(ok bool, bit int) int {
	if ok {
		return bit
	}
	return 0
}

// A scanner walks over a line. Its methods return false where the line is not
// in the plain form; the line is then given up.
type scanner struct {
	line []byte
	at   int
}

func (s *scanner) skip(c byte) bool {
	if s.at < len(s.line) && s.line[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.line)-s.at < len(w) || string(s.line[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// number takes an integer from 0 that fits into 63 bits for sure.
func (s *scanner) number() (int64, bool) {
	from, n := s.at, int64(0)
	for s.at < len(s.line) && s.line[s.at]-'0' <= 9 {
		n = n*10 + int64(s.line[s.at]-'0')
		s.at++
	}
	digits := s.at - from
	if digits == 0 || digits > 18 || s.line[from] == '0' && digits > 1 {
		return 0, false
	}
	return n, true
}

func (s *scanner) process(op *Op) bool {
	if s.word(`"nemesis"`) {
		op.Process = Nemesis
		return true
	}
	n, ok := s.number()
	op.Process = int(n)
	return ok
}

// text takes a string without escapes and returns what is between the quotes.
func (s *scanner) text() ([]byte, bool) {
	if !s.skip('"') {
		return nil, false
	}
	from := s.at
	ascii := true
	for ; s.at < len(s.line); s.at++ {
		switch c := s.line[s.at]; {
		case c == '"':
			text := s.line[from:s.at]
			s.at++
			return text, ascii || utf8.Valid(text)
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// value takes any JSON value and returns its bytes.
func (s *scanner) value() ([]byte, bool) {
	from := s.at
	if _, ok := s.number(); ok && s.ends() {
		return s.line[from:s.at], true
	}
	s.at = from
	if !s.skipValue() {
		return nil, false
	}
	raw := s.line[from:s.at]
	return raw, len(raw) > 0 && !isSpace(raw[0]) && !isSpace(raw[len(raw)-1]) && json.Valid(raw)
}

// ends reports whether a field may end here.
func (s *scanner) ends() bool {
	return s.at < len(s.line) && (s.line[s.at] == ',' || s.line[s.at] == '}')
}

// skipValue moves to the comma or brace that ends the value, over nested ones
// and strings. It does not care whether the value is good.
func (s *scanner) skipValue() bool {
	depth := 0
	for ; s.at < len(s.line); s.at++ {
		switch s.line[s.at] {
		case '"':
			if !s.skipString() {
				return false
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return true
			}
			depth--
		case ',':
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// skipString moves from the opening quote of a string to the closing one.
func (s *scanner) skipString() bool {
	for s.at++; s.at < len(s.line); s.at++ {
		switch s.line[s.at] {
		case '\\':
			s.at++
		case '"':
			return true
		}
	}
	return false
}
