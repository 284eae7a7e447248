package redact

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// tiny reads a history as the tests of the checkers write it, one operation a
// line: "p1@n1 [0,1] write r1 5 ok", "p1 [2,3] read -> {"a":10} ok final". It is
// false for one with faults, which redaction leaves as they are.
func tiny(t *testing.T, text string) (*history.History, bool) {
	t.Helper()
	var events []tinyEvent
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0][0] != 'p' || words[0] == "plan" {
			return nil, false
		}
		invoke, complete := tinyOperation(t, words)
		from, to, _ := strings.Cut(strings.Trim(words[1], "[]"), ",")
		events = append(events, tinyEvent{invoke, tinyTime(t, from)})
		if to != "" {
			events = append(events, tinyEvent{complete, tinyTime(t, to)})
		}
	}
	slices.SortStableFunc(events, func(a, b tinyEvent) int {
		rank := func(e tinyEvent) int { return min(int(e.op.Type), 1) }
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(b), rank(a)))
	})
	ops := make([]history.Op, len(events))
	for i, e := range events {
		e.op.Index, e.op.Time = i, time.Duration(e.at*float64(time.Millisecond))
		ops[i] = e.op
	}
	h := history.New(ops)
	if err := h.Validate(); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return h, true
}

// A tinyEvent is an event with its time in milliseconds.
type tinyEvent struct {
	op history.Op
	at float64
}

func tinyTime(t *testing.T, text string) float64 {
	t.Helper()
	at, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// tinyOperation reads the words of a line.
func tinyOperation(t *testing.T, words []string) (invoke, complete history.Op) {
	t.Helper()
	name, node, _ := strings.Cut(words[0][1:], "@")
	process, err := strconv.Atoi(name)
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	invoke = history.Op{Process: process, Node: node, F: words[2]}
	complete = invoke
	complete.Type = history.OK
	var got json.RawMessage
	for words := words[3:]; len(words) > 0; words = words[1:] {
		switch w := words[0]; {
		case w == "->":
			got, words = json.RawMessage(words[1]), words[1:]
		case w == "final":
			invoke.Final, complete.Final = true, true
		case w == "ok" || w == "fail" || w == "info":
			if err := complete.Type.UnmarshalText([]byte(w)); err != nil {
				t.Fatal(err)
			}
		case json.Valid([]byte(w)):
			invoke.Value = json.RawMessage(w)
		default:
			invoke.Key, complete.Key = w, w
		}
	}
	if complete.Value = invoke.Value; got != nil {
		complete.Value = got
	}
	return invoke, complete
}
