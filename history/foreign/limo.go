package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

// ReadLiMo reads the histories of LiMo and Violin: an event a line, in the
// order in which they happened.
//
//	# @object atomic-queue
//	[1] call enq(1)
//	[2] call deq
//	[1] return
//	[2] return empty
//
// The thread is the process. An argument is written (v) or after a blank; pop(v)
// is a call whose answer is known, for the return may leave it out. Values are
// numbers or, if they are not, strings; "empty" is null. All calls that return
// are ok, the others open, also the first of two that a thread has open. There
// are no times.
func ReadLiMo(r io.Reader) (*history.History, error) {
	var ops []history.Op
	var numbers []int
	object := ""
	asked := make(map[int]json.RawMessage) // the answer that a call knows already
	err := lines(r, LiMo, func(line []byte, number int) error {
		if line[0] == '#' {
			if name, ok := bytes.CutPrefix(line, []byte("# @object")); ok {
				object = strings.TrimSpace(string(name))
			}
			return nil
		}
		op, err := limoEvent(line, object, asked)
		if err != nil {
			return err
		}
		ops, numbers = append(ops, op), append(numbers, number)
		return nil
	})
	if err != nil {
		return nil, err
	}
	h, err := history.Mend(ops, func(i int) int { return numbers[i] })
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", LiMo, err)
	}
	return h, nil
}

// limoEvent reads one line. asked holds what calls that are open know.
func limoEvent(line []byte, object string, asked map[int]json.RawMessage) (history.Op, error) {
	op := history.Op{Index: history.NoIndex, Time: history.NoTime}
	head, text, ok := strings.Cut(string(line), "]")
	thread, bracket := strings.CutPrefix(head, "[")
	process, err := strconv.Atoi(thread)
	if !ok || !bracket || err != nil || process < 0 {
		return op, fmt.Errorf("%.60q is not [THREAD] call … or [THREAD] return …", line)
	}
	op.Process = process
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	_, open := asked[process]
	switch verb {
	case "call":
		asked[process], err = limoCall(&op, rest, object)
		return op, err
	case "return":
		if !open {
			return op, fmt.Errorf("thread %d returns, but has no call open", process)
		}
		op.Type, op.Value = history.OK, asked[process]
		if rest != "" {
			op.Value = limoValue(rest)
		}
		delete(asked, process)
		return op, nil
	}
	return op, fmt.Errorf("%.40q is neither call nor return", verb)
}

// limoCall reads what is called and returns what its completion will say if
// the return does not.
func limoCall(op *history.Op, text, object string) (json.RawMessage, error) {
	end := strings.IndexAny(text, "( ")
	method, argument := text, ""
	if end >= 0 {
		method, argument = text[:end], strings.TrimSpace(text[end:])
	}
	if inner, ok := strings.CutPrefix(argument, "("); ok {
		if argument, ok = strings.CutSuffix(inner, ")"); !ok {
			return nil, errors.New("a '(' without a ')'")
		}
	}
	if method == "" {
		return nil, errors.New("a call of nothing")
	}
	op.F = limoMethod(method, object)
	value := limoValue(strings.TrimSpace(argument))
	if op.F != "pop" && op.F != "dequeue" {
		op.Value = value
	}
	return value, nil
}

// limoMethod returns our name of a method.
func limoMethod(method, object string) string {
	puts, takes := "enqueue", "dequeue"
	if strings.HasSuffix(object, "stack") {
		puts, takes = "push", "pop"
	}
	switch method {
	case "enq", "enqueue":
		return "enqueue"
	case "deq", "dequeue":
		return "dequeue"
	case "add", "put":
		if strings.HasSuffix(object, "queue") || strings.HasSuffix(object, "stack") {
			return puts
		}
	case "rem", "get":
		if strings.HasSuffix(object, "queue") || strings.HasSuffix(object, "stack") {
			return takes
		}
	}
	return method
}

// limoValue returns a value as JSON, nil for none.
func limoValue(text string) json.RawMessage {
	if text == "" || text == "empty" {
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.AppendInt(nil, n, 10)
	}
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) != nil {
		return nil // there is no string that cannot be encoded
	}
	return bytes.TrimSpace(quoted.Bytes())
}
