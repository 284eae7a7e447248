package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Limits of what is read of an answer, in bytes.
const (
	// answerLimit bounds an answer: a register's value is small, and a node
	// gone mad must not take our memory with it.
	answerLimit = 1 << 20
	// excerptLimit bounds what of an answer is quoted in an error.
	excerptLimit = 200
)

// An answer is what a node said, whole.
type answer struct {
	status int
	body   []byte
}

// readAnswer reads resp to its end, so that the connection can be used again.
// An answer that breaks off or is too long is none.
func readAnswer(resp *nethttp.Response) (answer, error) {
	defer resp.Body.Close()
	if resp.StatusCode == nethttp.StatusSwitchingProtocols {
		// Its body is the bare connection, and ends with no context.
		return answer{status: resp.StatusCode}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return answer{}, fmt.Errorf("the answer, %d, broke off: %w", resp.StatusCode, err)
	}
	if len(body) > answerLimit {
		return answer{}, fmt.Errorf("the answer, %d, is longer than %d bytes", resp.StatusCode, answerLimit)
	}
	return answer{status: resp.StatusCode, body: body}, nil
}

// A meaning is what a status says about an operation.
type meaning int

const (
	unknown meaning = iota
	happened
	refused
	absent
)

// meaningOf looks the status up in o. What o names beats the default of OK.
func meaningOf(status int, o scenarios.HTTPOperation) meaning {
	switch {
	case slices.Contains(o.Absent, status):
		return absent
	case slices.Contains(o.Fail, status):
		return refused
	case slices.Contains(o.OK, status):
		return happened
	case len(o.OK) == 0 && slices.Contains([]int{200, 201, 204}, status):
		return happened
	default:
		return unknown
	}
}

// judge completes op by what the node answered.
func judge(op history.Op, o scenarios.HTTPOperation, a answer) history.Op {
	switch meaningOf(a.status, o) {
	case happened:
		return succeed(op, o, a)
	case absent:
		if hasValue(op.F, o) {
			op.Type, op.Value, op.Error = history.OK, json.RawMessage("null"), ""
			return op
		}
	case refused:
		op.Type, op.Error = history.Fail, describe(a.status, a.body)
		return op
	}
	return unanswered(op, errors.New(describe(a.status, a.body)))
}

// hasValue tells whether an operation has a value to answer with.
func hasValue(f string, o scenarios.HTTPOperation) bool { return f == "read" || o.Value != "" }

// succeed completes op, which happened; one that answers with a value, such as
// a read, needs it for that.
func succeed(op history.Op, o scenarios.HTTPOperation, a answer) history.Op {
	if hasValue(op.F, o) {
		value, err := valueAt(o.Value, a.body)
		if err != nil {
			return unanswered(op, err)
		}
		op.Value = value
	}
	op.Type, op.Error = history.OK, ""
	return op
}

// unanswered completes op, of which nobody knows whether it happened: as
// Info, unless it is a read or a poll, which changed nothing.
func unanswered(op history.Op, err error) history.Op {
	op.Type, op.Error = history.Info, err.Error()
	if op.F == "read" || op.F == "poll" {
		op.Type = history.Fail
	}
	return op
}

// valueAt takes a read's value out of the body of its answer; where is
// "body", "json:" and a path, or empty, which means body.
func valueAt(where string, body []byte) (json.RawMessage, error) {
	if path, ok := strings.CutPrefix(where, "json:"); ok {
		return field(path, body)
	}
	if where != "" && where != "body" {
		return nil, fmt.Errorf("no such place for a value: %q", where)
	}
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return json.RawMessage("null"), nil
	}
	if !json.Valid(text) {
		return quote(string(text))
	}
	return plain(text)
}

// field returns the field of body at the end of a dotted path.
func field(path string, body []byte) (json.RawMessage, error) {
	at := json.RawMessage(body)
	for _, name := range strings.Split(path, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(at, &object); err != nil {
			return nil, fmt.Errorf("no field %s in the answer %s: %w", path, excerpt(body), err)
		}
		next, ok := object[name]
		if !ok {
			return nil, fmt.Errorf("no field %s in the answer %s", path, excerpt(body))
		}
		at = next
	}
	return plain(at)
}

// plain returns v without white space; of a string that holds nothing but a
// number, the number. Many systems keep every value as a string: what was
// written as 17 comes back as "17", and is not another value for that.
func plain(v json.RawMessage) (json.RawMessage, error) {
	var s string
	var n json.Number
	if json.Unmarshal(v, &s) == nil && json.Unmarshal([]byte(s), &n) == nil && n != "" {
		return json.RawMessage(n), nil
	}
	text, err := compact(v)
	return json.RawMessage(text), err
}

func quote(s string) (json.RawMessage, error) {
	quoted, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("value %q: %w", s, err)
	}
	return quoted, nil
}

// describe returns the status and the beginning of what came with it.
func describe(status int, body []byte) string {
	s := fmt.Sprintf("%d %s", status, nethttp.StatusText(status))
	if text := excerpt(body); text != "" {
		s += ": " + text
	}
	return strings.TrimSpace(s)
}

// excerpt returns the beginning of a body, on one line.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > excerptLimit {
		text = strings.ToValidUTF8(text[:excerptLimit], "") + "…"
	}
	return text
}
