package fold

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// A cursor walks through a JSON value without building anything of it. It
// takes the text to be JSON, as a history's values are; on text that is not,
// it stops and bad is set. It never reads beyond the text.
type cursor struct {
	b   []byte
	i   int
	bad bool
}

func scan(value json.RawMessage) *cursor { return &cursor{b: value} }

// peek returns the first byte of the next value, or 0 at the end.
func (c *cursor) peek() byte {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\n', '\t', '\r':
			c.i++
		default:
			return c.b[c.i]
		}
	}
	return 0
}

// open steps into an array or object, if the next value is one.
func (c *cursor) open(bracket byte) bool {
	if c.peek() != bracket {
		return false
	}
	c.i++
	return true
}

// more reports whether another element comes before the closing bracket, and
// steps over what lies between, or over the bracket.
func (c *cursor) more(bracket byte) bool {
	switch c.peek() {
	case bracket:
		c.i++
		return false
	case 0:
		c.bad = true
		return false
	case ',':
		c.i++
		if c.peek() == 0 {
			c.bad = true
			return false
		}
	}
	return !c.bad
}

// rest skips what is left of an array or object that was stepped into.
func (c *cursor) rest(bracket byte) {
	for c.more(bracket) {
		if bracket == '}' {
			c.name()
		}
		c.value()
	}
}

// name reads the name of an object's member and the colon behind it.
func (c *cursor) name() string {
	name := unquote(c.value())
	if c.peek() != ':' {
		c.bad = true
		return name
	}
	c.i++
	return name
}

// null steps over a null, if the next value is one.
func (c *cursor) null() bool {
	if c.peek() != 'n' {
		return false
	}
	c.value()
	return true
}

// value returns the text of the next value.
func (c *cursor) value() json.RawMessage {
	first := c.peek()
	from := c.i
	switch first {
	case 0:
		c.bad = true
	case '"':
		c.text()
	case '[', '{':
		c.nested()
	default:
		c.scalar()
	}
	return json.RawMessage(c.b[from:c.i])
}

// scalar steps over a number, true, false or null.
func (c *cursor) scalar() {
	from := c.i
	for c.i < len(c.b) && !ends(c.b[c.i]) {
		c.i++
	}
	if c.i == from {
		c.bad = true
		c.i = len(c.b)
	}
}

// ends reports whether a byte ends a number or a word.
func ends(b byte) bool {
	switch b {
	case ',', ']', '}', ':', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

// text steps over a string.
func (c *cursor) text() {
	for c.i++; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case '\\':
			c.i++
		case '"':
			c.i++
			return
		}
	}
	c.i = len(c.b)
	c.bad = true
}

// nested steps over an array or object.
func (c *cursor) nested() {
	depth := 0
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case '"':
			c.text()
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				c.i++
				return
			}
		}
		c.i++
	}
	c.bad = true
}

// integer reads the next value if it is an integer that fits; if not it stays
// before it.
func (c *cursor) integer() (int64, bool) {
	c.peek()
	i, n, negative := c.i, int64(0), false
	if i < len(c.b) && c.b[i] == '-' {
		negative = true
		i++
	}
	from := i
	for ; i < len(c.b) && c.b[i] >= '0' && c.b[i] <= '9'; i++ {
		n = n*10 + int64(c.b[i]-'0')
	}
	if i == from || i-from > 18 || i < len(c.b) && !ends(c.b[i]) {
		return 0, false
	}
	c.i = i
	if negative {
		n = -n
	}
	return n, true
}

// whole returns a value that is one integer, however it is written.
func whole(value json.RawMessage) (int64, bool) {
	c := scan(value)
	n, ok := c.integer()
	if !ok {
		c = scan(json.RawMessage(canonical(value)))
		n, ok = c.integer()
	}
	return n, ok && c.peek() == 0
}

// unquote returns what a JSON string says, or other JSON as it is.
func unquote(value json.RawMessage) string {
	if len(value) < 2 || value[0] != '"' {
		return string(value)
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1])
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return string(value)
	}
	return s
}

// isNull reports whether a value is absent.
func isNull(value json.RawMessage) bool {
	return len(value) == 0 || string(bytes.TrimSpace(value)) == "null"
}

// canonical writes a value in the one way in which equal values are equal
// strings. Text that is not JSON stands for itself.
func canonical(value json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return string(value)
	}
	text, err := json.Marshal(plain(v))
	if err != nil {
		return string(value)
	}
	return string(text)
}

// plain rewrites the numbers within a decoded value in the shortest way. A
// number that a float64 may not hold stays as it is: to take two different
// values for one could make a false alarm.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 && len(v) < 16 {
			return json.Number(strconv.FormatInt(int64(f), 10))
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}
