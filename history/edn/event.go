package edn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// An event is an Op while its map is read.
type event struct {
	history.Op
	hasType, hasF, hasKey bool
}

// A reader makes events of maps. The texts that come again and again are made
// once, and values share chunks of memory.
type reader struct {
	*scanner
	texts   map[string]string
	arena   []byte
	scratch []byte
	// keyed says that an event said itself, by :key, what its key is.
	keyed bool
	// clients are those that have names, by which they are told apart.
	clients map[string]int
}

// maxTexts bounds how many texts are kept to be found again.
const maxTexts = 1 << 16

func newReader(s *scanner) *reader {
	return &reader{scanner: s, texts: make(map[string]string), clients: make(map[string]int)}
}

// event reads the map that begins here.
func (r *reader) event() (history.Op, error) {
	e := event{Op: history.Op{Index: history.NoIndex, Time: history.NoTime, Process: history.NoProcess}}
	r.at++
	for {
		c, err := r.next(0)
		if err != nil {
			return e.Op, fmt.Errorf("the map of an event has no end: %w", unexpected(err))
		}
		if c == '}' {
			r.at++
			break
		}
		name, err := r.fieldName(c)
		if err != nil {
			return e.Op, err
		}
		if err := r.field(&e, name); err != nil {
			return e.Op, err
		}
	}
	return r.finish(&e)
}

// fieldName takes a key of an event's map. What is neither a keyword nor a
// string is no field of ours.
func (r *reader) fieldName(c byte) (string, error) {
	if c == ':' {
		return knownField(r.token()[1:]), nil
	}
	name, err := r.value(r.scratch[:0], 1)
	r.scratch = name
	if err != nil || c != '"' {
		return "", unexpected(err)
	}
	return knownField(name[1 : len(name)-1]), nil
}

// knownField returns the name of a field that is read, and "" of another.
func knownField(name []byte) string {
	switch string(name) {
	case "type":
		return "type"
	case "process":
		return "process"
	case "f":
		return "f"
	case "value":
		return "value"
	case "time":
		return "time"
	case "index":
		return "index"
	case "error":
		return "error"
	case "key":
		return "key"
	case "node":
		return "node"
	case "final", "final?":
		return "final"
	}
	return ""
}

// field reads the value of a field.
func (r *reader) field(e *event, name string) error {
	c, err := r.next(0)
	if err == nil && c == '}' {
		err = errors.New("the map of an event ends after a key")
	}
	if err != nil {
		return unexpected(err)
	}
	switch name {
	case "value":
		r.scratch, err = r.value(r.scratch[:0], 1)
		e.Value = r.keep(r.scratch)
	case "time", "index":
		err = r.number(e, name, c)
	case "type":
		e.hasType = true
		err = r.eventType(e)
	case "process":
		err = r.process(e, c)
	case "":
		r.scratch, err = r.value(r.scratch[:0], 1)
	default:
		err = r.named(e, name)
	}
	if err != nil && name != "" {
		err = fmt.Errorf("field :%s: %w", name, err)
	}
	return unexpected(err)
}

// number reads :time or :index, in which nil means nothing.
func (r *reader) number(e *event, name string, c byte) error {
	if c != '-' && c != '+' && !isDigit(c) {
		text, err := r.string()
		if err == nil && text != "" {
			err = fmt.Errorf("%.60q is not an integer", text)
		}
		return err
	}
	n, err := roughly(r.token())
	if err != nil {
		return err
	}
	if n = max(n, -1); name == "time" {
		e.Time = time.Duration(n)
	} else {
		e.Index = int(n)
	}
	return nil
}

func (r *reader) eventType(e *event) error {
	text, err := r.string()
	if err != nil {
		return err
	}
	switch text {
	case "invoke":
		e.Type = history.Invoke
	case "ok":
		e.Type = history.OK
	default:
		return e.Type.UnmarshalText([]byte(text))
	}
	return nil
}

// process reads :process: a client's number, as a number or a string; the name of
// the nemesis; or any other name, which is that of a client.
func (r *reader) process(e *event, c byte) error {
	if isDigit(c) {
		var err error
		e.Process, err = processNumber(r.token())
		return err
	}
	text, err := r.string()
	switch {
	case err != nil || text == "":
		return err
	case text[0] == '-' || isDigit(text[0]):
		e.Process, err = processNumber([]byte(text))
		return err
	case strings.Contains(strings.ToLower(text), "nemesis"):
		e.Process = history.Nemesis
		return nil
	}
	n, known := r.clients[text]
	if !known {
		n = firstClient - len(r.clients)
		r.clients[text] = n
	}
	e.Process = n
	return nil
}

// firstClient is what a client that has a name is numbered with, and down from
// there, until [reader.settle] knows what is free.
const firstClient = history.NoProcess - 1

// settle gives clients that have names the numbers after the largest that is
// there.
func (r *reader) settle(ops []history.Op) {
	if len(r.clients) == 0 {
		return
	}
	largest := -1
	for i := range ops {
		largest = max(largest, ops[i].Process)
	}
	for i := range ops {
		if p := ops[i].Process; p <= firstClient {
			ops[i].Process = largest + 1 + firstClient - p
		}
	}
}

func processNumber(token []byte) (int, error) {
	n, err := integer(token)
	if err != nil || n < 0 || n > maxProcess {
		return 0, fmt.Errorf("%.60q is not the number of a process", token)
	}
	return int(n), nil
}

// maxProcess leaves room for the numbers that processes get when they retire.
const maxProcess = 1 << 60

// named reads a field that is a text.
func (r *reader) named(e *event, name string) error {
	text, err := r.string()
	switch name {
	case "f":
		e.F, e.hasF = text, true
	case "error":
		e.Error = text
	case "key":
		e.Key, e.hasKey = text, true
	case "node":
		e.Node = text
	case "final":
		e.Final = text == "true"
	}
	return err
}

// string reads any form as a text: nil as none, what is neither a string nor a
// name as JSON.
func (r *reader) string() (string, error) {
	var err error
	r.scratch, err = r.value(r.scratch[:0], 1)
	if err != nil {
		return "", err
	}
	return r.intern(r.scratch)
}

// intern returns the text that a JSON value means.
func (r *reader) intern(value []byte) (string, error) {
	if text, ok := r.texts[string(value)]; ok {
		return text, nil
	}
	text, err := textOf(value)
	if err == nil && len(r.texts) < maxTexts {
		r.texts[string(value)] = text
	}
	return text, err
}

// textOf returns the string that value is; of null nothing, and of others the
// JSON text.
func textOf(value []byte) (string, error) {
	if len(value) == 0 || string(value) == "null" {
		return "", nil
	}
	if value[0] != '"' {
		return string(value), nil
	}
	var text string
	err := json.Unmarshal(value, &text)
	return text, err
}

// keep copies a value to where it can stay; nil for null.
func (r *reader) keep(value []byte) json.RawMessage {
	const chunk = 1 << 18
	if len(value) == 0 || string(value) == "null" {
		return nil
	}
	if len(value) > chunk/8 {
		return slices.Clone(value)
	}
	if len(r.arena)+len(value) > cap(r.arena) {
		r.arena = make([]byte, 0, chunk)
	}
	from := len(r.arena)
	r.arena = append(r.arena, value...)
	return json.RawMessage(r.arena[from:len(r.arena):len(r.arena)])
}

// finish looks at the event as a whole.
func (r *reader) finish(e *event) (history.Op, error) {
	if !e.hasType {
		return e.Op, errors.New("an event without :type")
	}
	if !e.hasF && len(e.Value) > 1 && e.Value[0] == '[' && e.Value[1] == '[' {
		// Who checks transactions alone leaves :f out.
		e.F = "txn"
	}
	if e.hasKey {
		r.keyed = true
		if e.Process != history.Nemesis {
			splitOwn(&e.Op)
		}
	}
	return e.Op, nil
}
