package edn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

// Ours is the comment with which a file may begin that [Write] wrote, for its
// reader to know what a null means: with Jepsen it may say nothing, with us it
// says that there was nothing. Jepsen passes it over.
const Ours = "; shakedown: a null that was read means that there was nothing\n"

// Write writes h as Jepsen does, a map a line, so that Jepsen's checkers,
// Elle's and Knossos's can read it, and [Read] gets the same events.
//
// An event with a key has the value [key value], as Jepsen's independent
// checkers want it, and the field :key, from which Read knows that. Strings of
// JSON are strings, except where Jepsen has keywords: :f, the names of
// micro-operations ([[:append 5 1] [:r 5 nil]]), and the names of objects'
// members; of these, integers are integers ({0 100}). A value that is not JSON
// is an error. That a history is SessionOnly, EDN cannot say.
func Write(w io.Writer, h *history.History) error {
	out := bufio.NewWriterSize(w, window)
	var line []byte
	for i := range h.Ops {
		var err error
		if line, err = appendEvent(line[:0], &h.Ops[i]); err != nil {
			return fmt.Errorf("write EDN: event %d: %w", i, err)
		}
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write EDN: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write EDN: %w", err)
	}
	return nil
}

func appendEvent(b []byte, op *history.Op) ([]byte, error) {
	typ, err := op.Type.MarshalText()
	if err != nil {
		return b, err
	}
	b = strconv.AppendInt(append(b, "{:index "...), int64(op.Index), 10)
	b = strconv.AppendInt(append(b, ", :time "...), int64(op.Time), 10)
	b = append(append(b, ", :type :"...), typ...)
	if op.Process == history.Nemesis {
		b = append(b, ", :process :nemesis"...)
	} else {
		b = strconv.AppendInt(append(b, ", :process "...), int64(op.Process), 10)
	}
	b = append(b, ", :f "...)
	if op.F == "" {
		b = append(b, "nil"...)
	} else {
		b = appendName(b, op.F)
	}
	if b, err = appendKeyed(b, op); err != nil {
		return b, err
	}
	b = appendField(b, ", :node ", op.Node)
	if op.Final {
		b = append(b, ", :final true"...)
	}
	b = appendField(b, ", :error ", op.Error)
	return append(b, "}\n"...), nil
}

// appendKeyed appends :value and :key. A value without a key that could be
// taken for a tuple gets a :key that says that there is none.
func appendKeyed(b []byte, op *history.Op) ([]byte, error) {
	b = append(b, ", :value "...)
	tuple := op.Key != "" && op.Process != history.Nemesis
	if tuple {
		b = append(appendScalar(append(b, '['), op.Key), ' ')
	}
	b, err := appendValue(b, op.Value)
	if err != nil {
		return b, err
	}
	if tuple {
		b = append(b, ']')
	}
	if op.Key != "" {
		return appendScalar(append(b, ", :key "...), op.Key), nil
	}
	if op.Process != history.Nemesis && bytes.HasPrefix(bytes.TrimLeft(op.Value, blanks), []byte("[")) {
		b = append(b, ", :key nil"...)
	}
	return b, nil
}

func appendField(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(append(b, name...), text)
}

// appendValue appends JSON as EDN.
func appendValue(b []byte, value json.RawMessage) ([]byte, error) {
	if len(value) == 0 {
		return append(b, "nil"...), nil
	}
	if !json.Valid(value) {
		return b, fmt.Errorf("the value %.60q is not JSON", value)
	}
	c := converter{rest: value, out: b}
	if isTransaction(value) {
		c.operations = 2
	}
	err := c.value()
	return c.out, err
}

// isTransaction reports whether a value, which must be valid JSON, is a list of
// micro-operations: lists whose first element names what they do.
func isTransaction(value []byte) bool {
	value = bytes.TrimLeft(value, blanks)
	if value[0] != '[' {
		return false
	}
	for at := 1; ; at++ {
		end := elementEnd(value, at)
		operation := bytes.Trim(value[at:end], blanks)
		if len(operation) == 0 || operation[0] != '[' {
			return false
		}
		name := elementEnd(operation, 1)
		if operation[name] != ',' || !isOperation(string(bytes.Trim(operation[1:name], blanks))) {
			return false
		}
		if at = end; value[at] != ',' {
			return true
		}
	}
}

// blanks are what JSON allows between its words.
const blanks = " \t\r\n"

func isOperation(name string) bool {
	switch name {
	case `"r"`, `"w"`, `"append"`, `"read"`, `"write"`, `"cas"`:
		return true
	}
	return false
}

// A converter turns JSON, which must be valid, into EDN.
type converter struct {
	rest []byte
	out  []byte
	// operations is 2 outside of a list of micro-operations, 1 in it.
	operations int
}

// peek returns the next byte that is not blank.
func (c *converter) peek() byte {
	c.rest = bytes.TrimLeft(c.rest, blanks)
	return c.rest[0]
}

func (c *converter) value() error {
	switch c.peek() {
	case '[':
		return c.list()
	case '{':
		return c.object()
	case '"':
		text, err := c.text()
		c.out = appendText(c.out, text)
		return err
	}
	word := c.rest
	if end := bytes.IndexAny(word, ",]}"+blanks); end >= 0 {
		word = word[:end]
	}
	c.rest = c.rest[len(word):]
	if string(word) == "null" {
		word = []byte("nil")
	}
	c.out = append(c.out, word...)
	return nil
}

// text takes a string.
func (c *converter) text() (string, error) {
	end := stringEnd(c.rest, 0)
	quoted := c.rest[:end+1]
	c.rest = c.rest[end+1:]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:end]), nil
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return text, err
}

func (c *converter) list() error {
	operation := c.operations == 1
	c.operations--
	c.rest, c.out = c.rest[1:], append(c.out, '[')
	for first := true; c.peek() != ']'; first = false {
		if !first {
			c.rest, c.out = c.rest[1:], append(c.out, ' ')
		}
		if first && operation {
			name, err := c.text()
			if err != nil {
				return err
			}
			c.out = appendName(c.out, name)
			continue
		}
		if err := c.value(); err != nil {
			return err
		}
	}
	c.operations++
	c.rest, c.out = c.rest[1:], append(c.out, ']')
	return nil
}

func (c *converter) object() error {
	c.rest, c.out = c.rest[1:], append(c.out, '{')
	for first := true; c.peek() != '}'; first = false {
		if !first {
			c.rest, c.out = c.rest[1:], append(c.out, ", "...)
			c.peek()
		}
		name, err := c.text()
		if err != nil {
			return err
		}
		c.out = append(appendScalar(c.out, name), ' ')
		if c.peek() != ':' {
			return errors.New("an object without values") // not in valid JSON
		}
		c.rest = c.rest[1:]
		if err := c.value(); err != nil {
			return err
		}
	}
	c.rest, c.out = c.rest[1:], append(c.out, '}')
	return nil
}

// appendScalar appends a key: as an integer if it is one, else as a name.
func appendScalar(b []byte, text string) []byte {
	if isInteger([]byte(text)) {
		return append(b, text...)
	}
	return appendName(b, text)
}

// appendName appends text as a keyword, or as a string if it cannot be one.
func appendName(b []byte, text string) []byte {
	if !isName(text) {
		return appendText(b, text)
	}
	return append(append(b, ':'), text...)
}

// isName reports whether text can be a keyword that any reader of EDN takes.
func isName(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-':
		case i > 0 && (isDigit(c) || c == '.'):
		default:
			return false
		}
	}
	return text != ""
}

// appendText appends an EDN string. Bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, text string) []byte {
	return appendJSON(b, []byte(text))
}
