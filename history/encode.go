package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON returns the event as it stands in a history file, without the
// newline. A Value that is not JSON, a Type or a Process that there is not, is an
// error.
func (op Op) MarshalJSON() ([]byte, error) {
	if err := op.prepare(); err != nil {
		return nil, fmt.Errorf("encode %s of process %d: %w", op.F, op.Process, err)
	}
	return appendBody(appendStamp(nil, op.Index, op.Time), &op), nil
}

// prepare brings the event into the form that appendBody wants. What could not
// be read again is an error, before it makes a whole history unreadable.
func (op *Op) prepare() error {
	if _, err := op.Type.MarshalText(); err != nil {
		return err
	}
	if op.Process < Nemesis {
		return errors.New("no client has such a process number")
	}
	value, err := lineValue(op.Value)
	op.Value = value
	return err
}

// appendStamp begins a line with what is only known once the event has its
// place in the history.
func appendStamp(b []byte, index int, at time.Duration) []byte {
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = append(b, `,"time_ns":`...)
	return strconv.AppendInt(b, int64(at), 10)
}

// appendBody appends the rest of the line. op must be prepared.
func appendBody(b []byte, op *Op) []byte {
	if op.Process == Nemesis {
		b = append(b, `,"process":"nemesis"`...)
	} else {
		b = append(b, `,"process":`...)
		b = strconv.AppendInt(b, int64(op.Process), 10)
	}
	b = append(b, `,"type":"`...)
	b = append(b, op.Type.String()...)
	b = append(b, `","f":`...)
	b = appendString(b, op.F)
	b = appendField(b, `,"key":`, op.Key)
	if len(op.Value) > 0 {
		b = append(b, `,"value":`...)
		b = append(b, op.Value...)
	}
	b = appendField(b, `,"node":`, op.Node)
	if op.Final {
		b = append(b, `,"final":true`...)
	}
	b = appendField(b, `,"error":`, op.Error)
	return append(b, '}')
}

func appendField(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, name...), s)
}

// appendString quotes s. Bytes that are not UTF-8 become U+FFFD, as in
// encoding/json: an error message from a broken system may hold any.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if plain(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// plain reports whether s stands for itself between quotes in JSON and is ASCII.
func plain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// lineValue returns v as it is written: on one line, and nil for null.
func lineValue(v json.RawMessage) (json.RawMessage, error) {
	if len(v) == 0 || isInteger(v) {
		return v, nil
	}
	if !json.Valid(v) {
		return nil, fmt.Errorf("value %.60q is not JSON", v)
	}
	if bytes.ContainsAny(v, "\n\r") || isSpace(v[0]) || isSpace(v[len(v)-1]) {
		var line bytes.Buffer
		if err := json.Compact(&line, v); err != nil {
			return nil, fmt.Errorf("value %.60q: %w", v, err)
		}
		v = line.Bytes()
	}
	if string(v) == "null" {
		return nil, nil
	}
	return v, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isInteger reports whether v is a JSON integer without sign, the common value.
func isInteger(v []byte) bool {
	if len(v) == 0 || v[0] == '0' && len(v) > 1 {
		return false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
