package txn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// A value is a JSON value, made small: an integer is itself, null is nilValue,
// and everything else a number that the names give it.
type value int64

const (
	nilValue value = math.MinInt64
	// named is the first number of a value that is no small integer. They go
	// down from there, so that they never meet an integer of up to 18 digits.
	named value = -2e18
	// digits bounds the integers that are themselves.
	digits = 18
)

// names gives numbers to texts and back.
type names struct {
	byText map[string]value
	texts  []string
}

func (n *names) intern(text []byte) value {
	if v, ok := n.byText[string(text)]; ok {
		return v
	}
	v := named - value(len(n.texts))
	n.texts = append(n.texts, string(text))
	n.byText[string(text)] = v
	return v
}

// show returns the value as a person would write it.
func (n *names) show(v value) string {
	switch {
	case v == nilValue:
		return "nil"
	case v > named:
		return fmt.Sprint(int64(v))
	}
	text := n.texts[named-v]
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil {
		return plain
	}
	return text
}

// Kinds of micro-operations.
const (
	read uint8 = iota
	write
)

// A mop is a micro-operation: a read, or a write (which appends, for lists).
type mop struct {
	kind uint8
	// known is false for a read whose result nobody knows.
	known bool
	key   int32
	// val is what was written, or read from a register.
	val value
	// lo and hi bound the elements that were read, in db.elements.
	lo, hi uint32
}

// A scanner reads the values of transactions: no reflection and no garbage,
// because a million of them are read before anything is judged.
type scanner struct {
	db    *db
	lists bool
	b     []byte
	i     int
}

var (
	errEnd  = errors.New("the value ends too early")
	errMore = errors.New("there is more after the value")
)

// scan appends the micro-operations of the transaction to db.mops. nulls says
// that a read of null was really answered with nothing.
func (s *scanner) scan(raw []byte, nulls bool) error {
	s.b, s.i = raw, 0
	if len(raw) == 0 {
		return nil
	}
	if s.peek() == 'n' {
		_, err := s.value()
		return err
	}
	if err := s.expect('['); err != nil {
		return err
	}
	for first := true; s.peek() != ']'; first = false {
		if !first {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		if err := s.mop(nulls); err != nil {
			return err
		}
	}
	s.i++
	if s.peek() != 0 {
		return errMore
	}
	return nil
}

func (s *scanner) mop(nulls bool) error {
	if err := s.expect('['); err != nil {
		return err
	}
	kind, err := s.kind()
	if err != nil {
		return err
	}
	if err := s.expect(','); err != nil {
		return err
	}
	key, err := s.value()
	if err != nil {
		return err
	}
	m := mop{kind: kind, key: s.db.keyOf(key)}
	if s.peek() == ',' {
		s.i++
		if err := s.result(&m, nulls); err != nil {
			return err
		}
	} else if kind == write {
		return errEnd
	}
	s.db.mops = append(s.db.mops, m)
	return s.expect(']')
}

// kind reads "r", "append" or "w".
func (s *scanner) kind() (uint8, error) {
	from := s.i
	v, err := s.value()
	if err != nil {
		return 0, err
	}
	switch {
	case v == s.db.wordRead:
		return read, nil
	case s.lists && v == s.db.wordAppend, !s.lists && v == s.db.wordWrite:
		return write, nil
	}
	want := `"r" or "w"`
	if s.lists {
		want = `"r" or "append"`
	}
	return 0, fmt.Errorf("a micro-operation begins with %s, not %s", want, bytes.TrimSpace(s.b[from:s.i]))
}

// result reads what was read or written.
func (s *scanner) result(m *mop, nulls bool) error {
	if m.kind == read && s.lists && s.peek() == '[' {
		m.known = true
		return s.list(m)
	}
	v, err := s.value()
	if err != nil {
		return err
	}
	if m.kind == read && s.lists && v != nilValue {
		return fmt.Errorf("a read of a list gives a list or null, not %s", s.db.show(v))
	}
	m.val = v
	m.known = m.kind == write || nulls || v != nilValue
	return nil
}

func (s *scanner) list(m *mop) error {
	s.i++
	m.lo = uint32(len(s.db.elements))
	for first := true; s.peek() != ']'; first = false {
		if !first {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		v, err := s.value()
		if err != nil {
			return err
		}
		s.db.elements = append(s.db.elements, v)
	}
	s.i++
	if len(s.db.elements) > math.MaxUint32 {
		return errors.New("more than four thousand million elements were read")
	}
	m.hi = uint32(len(s.db.elements))
	return nil
}

// peek skips white space and returns the next byte; 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
		s.i++
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if found := s.peek(); found != c {
		if found == 0 {
			return errEnd
		}
		return fmt.Errorf("%q where %q must be, at byte %d of the value", found, c, s.i)
	}
	s.i++
	return nil
}

// value reads any JSON value.
func (s *scanner) value() (value, error) {
	c := s.peek()
	from := s.i
	if c == '-' || c >= '0' && c <= '9' {
		return s.number(from)
	}
	switch c {
	case 0:
		return 0, errEnd
	case '"':
		if err := s.skipString(); err != nil {
			return 0, err
		}
		return s.text(from)
	case '[', '{':
		if err := s.skipNested(); err != nil {
			return 0, err
		}
		return s.text(from)
	}
	for s.i < len(s.b) && s.b[s.i] >= 'a' && s.b[s.i] <= 'z' {
		s.i++
	}
	switch word := s.b[from:s.i]; string(word) {
	case "null":
		return nilValue, nil
	case "true", "false":
		return s.db.names.intern(word), nil
	}
	return 0, fmt.Errorf("%q is no JSON, at byte %d of the value", c, from)
}

func (s *scanner) number(from int) (value, error) {
	i, negative := s.i, false
	if s.b[i] == '-' {
		negative = true
		i++
	}
	var n int64
	begin := i
	for i < len(s.b) && s.b[i] >= '0' && s.b[i] <= '9' {
		n = n*10 + int64(s.b[i]-'0')
		i++
		if i-begin > digits {
			break
		}
	}
	if i < len(s.b) && (s.b[i] == '.' || s.b[i]|0x20 == 'e' || s.b[i] >= '0' && s.b[i] <= '9') || i-begin > digits {
		for i < len(s.b) && (s.b[i] == '.' || s.b[i] == '+' || s.b[i] == '-' || s.b[i]|0x20 == 'e' || s.b[i] >= '0' && s.b[i] <= '9') {
			i++
		}
		s.i = i
		return s.text(from)
	}
	s.i = i
	if i == begin {
		return 0, fmt.Errorf("a minus without a number, at byte %d of the value", from)
	}
	if negative {
		n = -n
	}
	return value(n), nil
}

// text names the JSON from here to where the scanner is.
func (s *scanner) text(from int) (value, error) {
	raw := s.b[from:s.i]
	if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return s.db.names.intern(raw), nil
	}
	if raw[0] == '"' {
		var plain string
		if err := json.Unmarshal(raw, &plain); err != nil {
			return 0, err
		}
		again, err := json.Marshal(plain)
		if err != nil {
			return 0, err
		}
		return s.db.names.intern(again), nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return 0, err
	}
	return s.db.names.intern(compact.Bytes()), nil
}

func (s *scanner) skipString() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '\\':
			s.i++
		case '"':
			s.i++
			return nil
		}
	}
	return errEnd
}

func (s *scanner) skipNested() error {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		s.i++
		if depth == 0 {
			return nil
		}
	}
	return errEnd
}
