package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// ReadJepsenJSON reads Jepsen's events written as JSON, as elle-cli takes them:
// objects, one after the other or in an array, with the fields of [edn.Read].
//
//	[{"index":0,"process":1,"type":"invoke","f":"txn","value":[["r",253,null]]}]
func ReadJepsenJSON(r io.Reader, tuples edn.Tuples) (*history.History, error) {
	counter := &lineCounter{r: r}
	decoder := json.NewDecoder(counter)
	var ops []history.Op
	var numbers []int
	err := eachObject(decoder, func() error {
		var w wireEvent
		if err := decoder.Decode(&w); err != nil {
			return err
		}
		op, err := w.op()
		ops, numbers = append(ops, op), append(numbers, counter.line(decoder.InputOffset()))
		return err
	})
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %v: line %d: %w", JepsenJSON, counter.line(decoder.InputOffset())+ahead(decoder), err)
	}
	tuples.Split(ops)
	h, err := history.Mend(ops, func(i int) int { return numbers[i] })
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", JepsenJSON, err)
	}
	return h, nil
}

// ahead returns how many lines end before what the decoder stumbled over.
func ahead(decoder *json.Decoder) int {
	lines := 0
	for buffered, b := decoder.Buffered(), make([]byte, 1); ; {
		if n, err := buffered.Read(b); n == 0 || err != nil || bytes.IndexByte([]byte(" \t\r\n"), b[0]) < 0 {
			return lines
		}
		if b[0] == '\n' {
			lines++
		}
	}
}

// eachObject calls do where an object begins.
func eachObject(decoder *json.Decoder, do func() error) error {
	// More and Token skip what separates elements; outside of an array they
	// end with the input.
	start, err := firstByte(decoder)
	if err != nil {
		return err
	}
	if start == '[' {
		if _, err := decoder.Token(); err != nil {
			return err
		}
	}
	for decoder.More() {
		if err := do(); err != nil {
			return err
		}
	}
	if start == '[' {
		if _, err := decoder.Token(); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("something follows the history"), err)
	}
	return nil
}

// firstByte looks at how the input begins.
func firstByte(decoder *json.Decoder) (byte, error) {
	if !decoder.More() {
		return 0, nil // empty, or Token will say what is wrong
	}
	ahead := make([]byte, 1)
	for buffered := decoder.Buffered(); ; {
		if _, err := buffered.Read(ahead); err != nil {
			return 0, err
		}
		if bytes.IndexByte([]byte(" \t\r\n"), ahead[0]) < 0 {
			return ahead[0], nil
		}
	}
}

// wireEvent is an event in the terms of encoding/json.
type wireEvent struct {
	Index   *int            `json:"index"`
	Time    *int64          `json:"time"`
	Process json.RawMessage `json:"process"`
	Type    *history.Type   `json:"type"`
	F       *string         `json:"f"`
	Key     json.RawMessage `json:"key"`
	Value   json.RawMessage `json:"value"`
	Node    string          `json:"node"`
	Error   json.RawMessage `json:"error"`
}

func (w *wireEvent) op() (history.Op, error) {
	op := history.Op{Index: history.NoIndex, Time: history.NoTime, Process: history.NoProcess, Node: w.Node}
	if w.Type == nil {
		return op, errors.New("an event without a type")
	}
	op.Type, op.Key, op.Error = *w.Type, plainText(w.Key), plainText(w.Error)
	if w.Index != nil {
		op.Index = max(*w.Index, history.NoIndex)
	}
	if w.Time != nil {
		op.Time = max(time.Duration(*w.Time), history.NoTime)
	}
	if string(w.Value) != "null" && len(w.Value) > 0 {
		var value bytes.Buffer
		if err := json.Compact(&value, w.Value); err != nil {
			return op, err
		}
		op.Value = value.Bytes()
	}
	switch {
	case w.F != nil:
		op.F = *w.F
	case bytes.HasPrefix(op.Value, []byte("[[")):
		op.F = "txn"
	}
	return op, w.process(&op)
}

// process reads a client's number or the name of who is none.
func (w *wireEvent) process(op *history.Op) error {
	text := plainText(w.Process)
	if text == "" {
		return nil
	}
	if w.Process[0] == '"' {
		op.Process = history.Nemesis
		return nil
	}
	n, err := strconv.Atoi(text)
	const maxProcess = 1 << 60
	if err != nil || n < 0 || n > maxProcess {
		return fmt.Errorf("process %.60s is neither a number from 0 nor a name", text)
	}
	op.Process = n
	return nil
}

// plainText returns a string as it is, nothing for null, and others as JSON.
func plainText(value json.RawMessage) string {
	var text string
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// A lineCounter remembers where lines begin in what is read through it.
type lineCounter struct {
	r        io.Reader
	read     int64
	newlines []int64
}

// Read reads on.
func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.newlines = append(c.newlines, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// line returns the line, from 1, in which the byte at the offset stands.
func (c *lineCounter) line(offset int64) int {
	return 1 + sort.Search(len(c.newlines), func(i int) bool { return c.newlines[i] >= offset })
}
