package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// UnmarshalJSON reads an event as it stands in a history file. Unknown keys
// are ignored, missing ones (index, time_ns, process, type, f) are errors. A
// value of null is left nil.
func (op *Op) UnmarshalJSON(line []byte) error {
	var d decoder
	return d.decode(line, op)
}

// A decoder turns lines into events. Lines as a Writer writes them take the
// fast path; what that path does not understand goes to encoding/json, which
// then also finds the words for what is wrong.
type decoder struct {
	strings map[string]string
	arena   []byte
	// apart is where everything goes that events hold; nil is memory.
	apart *storage
	// failed is why something had no room apart.
	failed error
}

// Interning makes the few names that fill a history cost one allocation each.
// Past the limit (a file of unique error messages) strings are simply copied.
const maxInterned = 1 << 16

func (d *decoder) intern(b []byte) string {
	if s, ok := d.strings[string(b)]; ok {
		return s
	}
	s := d.text(b)
	if len(d.strings) < maxInterned {
		if d.strings == nil {
			d.strings = make(map[string]string)
		}
		d.strings[s] = s
	}
	return s
}

// text copies a string out of the line buffer.
func (d *decoder) text(b []byte) string {
	if d.apart == nil || len(b) == 0 {
		return string(b)
	}
	kept := d.keep(b)
	return unsafe.String(&kept[0], len(kept)) // which nobody writes to again
}

// keep copies a value out of the line buffer. Values share chunks, so that a
// million of them are a few hundred allocations.
func (d *decoder) keep(b []byte) json.RawMessage {
	const chunk = 1 << 16
	if len(b) > chunk/8 {
		return append(d.room(len(b)), b...)
	}
	if len(d.arena)+len(b) > cap(d.arena) {
		d.arena = d.room(chunk)
	}
	from := len(d.arena)
	d.arena = append(d.arena, b...)
	return json.RawMessage(d.arena[from:len(d.arena):len(d.arena)])
}

// room returns an empty slice with room for n bytes.
func (d *decoder) room(n int) []byte {
	if d.apart != nil {
		b, err := d.apart.bytes.take(n)
		if err == nil {
			return b[:0]
		}
		d.failed = err
	}
	return make([]byte, 0, n)
}

func (d *decoder) decode(line []byte, op *Op) error {
	*op = Op{}
	if d.fast(line, op) {
		return d.failed
	}
	*op = Op{}
	return cmp.Or(d.slow(line, op), d.failed)
}

// wireOp is the line in the terms of encoding/json; pointers tell missing from
// zero.
type wireOp struct {
	Index   *int            `json:"index"`
	Time    *int64          `json:"time_ns"`
	Process json.RawMessage `json:"process"`
	Type    *Type           `json:"type"`
	F       *string         `json:"f"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	Node    string          `json:"node"`
	Final   bool            `json:"final"`
	Error   string          `json:"error"`
}

func (d *decoder) slow(line []byte, op *Op) error {
	var w wireOp
	if err := json.Unmarshal(line, &w); err != nil {
		return fmt.Errorf("not an event: %w", err)
	}
	switch {
	case w.Index == nil:
		return errors.New("not an event: index is missing")
	case w.Time == nil:
		return errors.New("not an event: time_ns is missing")
	case w.Type == nil:
		return errors.New("not an event: type is missing")
	case w.F == nil:
		return errors.New("not an event: f is missing")
	}
	process, err := parseProcess(w.Process)
	if err != nil {
		return err
	}
	*op = Op{
		Index: *w.Index, Time: time.Duration(*w.Time), Process: process, Type: *w.Type,
		F: d.intern([]byte(*w.F)), Key: d.intern([]byte(w.Key)), Node: d.intern([]byte(w.Node)),
		Final: w.Final, Error: d.intern([]byte(w.Error)),
	}
	if len(w.Value) > 0 && string(w.Value) != "null" {
		op.Value = d.keep(w.Value)
	}
	return nil
}

func parseProcess(raw json.RawMessage) (int, error) {
	if string(raw) == `"nemesis"` {
		return Nemesis, nil
	}
	if len(raw) == 0 {
		return 0, errors.New("not an event: process is missing")
	}
	process := -1
	if err := json.Unmarshal(raw, &process); err != nil || process < 0 {
		return 0, fmt.Errorf(`process %.60s is neither a number from 0 nor "nemesis"`, raw)
	}
	return process, nil
}
