// Package tiny reads the small histories of the checkers' tests, which one can
// read aloud. One operation a line:
//
//	p1@n2 [10,20] add x 5 ok
//	p2 [12,15] read x -> [1,2] ok final
//	p3 [30,] transfer {"from":1,"to":2,"amount":3}
//
// that is: the process, with @ and its node if that matters; from when to when
// in milliseconds, [10,] never completing; f; if it does not begin like JSON,
// the key; the invocation's value; after -> the completion's; how it ended,
// and "final". JSON has no spaces. What has the same time happens in the order
// of the lines, completions before invocations. The nemesis:
//
//	plan n1,n2,n3
//	fault kill#1 n1,n2 [20,40]
package tiny

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// An event is an Op with what puts it in order.
type event struct {
	op history.Op
	at float64
}

// Parse reads a history. The error names the line that it cannot read.
func Parse(text string) (*history.History, error) {
	var events []event
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		more, err := parseLine(words)
		if err != nil {
			return nil, fmt.Errorf("read line %q: %w", line, err)
		}
		events = append(events, more...)
	}
	h := inOrder(events)
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return h, nil
}

// inOrder puts events in order of their times.
func inOrder(events []event) *history.History {
	rank := func(e event) int {
		if e.op.Process != history.Nemesis && e.op.Type != history.Invoke {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a), rank(b))) })
	ops := make([]history.Op, len(events))
	for i, e := range events {
		e.op.Index, e.op.Time = i, time.Duration(e.at*float64(time.Millisecond))
		ops[i] = e.op
	}
	return history.New(ops)
}

func parseLine(words []string) ([]event, error) {
	switch words[0] {
	case "plan":
		return nemesis("plan", 0, history.Announcement{Nodes: strings.Split(words[1], ",")})
	case "fault":
		return parseFault(words)
	}
	return parseOperation(words)
}

func nemesis(f string, at float64, value any) ([]event, error) {
	data, err := json.Marshal(value)
	return []event{{history.Op{Process: history.Nemesis, Type: history.Info, F: f, Value: data}, at}}, err
}

func parseFault(words []string) ([]event, error) {
	from, to, err := interval(words[3])
	if err != nil {
		return nil, err
	}
	fault := history.FaultEvent{ID: words[1], Nodes: strings.Split(words[2], ",")}
	f, _, _ := strings.Cut(words[1], "#")
	var events []event
	for _, s := range []history.Stage{history.StageInject, history.StageInForce, history.StageHeal, history.StageHealed} {
		at := from
		if s == history.StageHeal || s == history.StageHealed {
			at = to
		}
		fault.Stage = s
		if at >= 0 {
			more, err := nemesis(f, at, fault)
			if err != nil {
				return nil, err
			}
			events = append(events, more...)
		}
	}
	return events, nil
}

func interval(word string) (from, to float64, err error) {
	a, b, found := strings.Cut(strings.Trim(word, "[]"), ",")
	if !found || word[0] != '[' {
		return 0, 0, fmt.Errorf("no interval: %q", word)
	}
	if from, err = strconv.ParseFloat(a, 64); err != nil || b == "" {
		return from, -1, err
	}
	to, err = strconv.ParseFloat(b, 64)
	return from, to, err
}

func parseOperation(words []string) ([]event, error) {
	if len(words) < 3 || words[0][0] != 'p' {
		return nil, errors.New("it is no operation")
	}
	name, node, _ := strings.Cut(words[0][1:], "@")
	process, err := strconv.Atoi(name)
	if err != nil {
		return nil, err
	}
	from, to, err := interval(words[1])
	if err != nil {
		return nil, err
	}
	invoke := history.Op{Process: process, Node: node, F: words[2]}
	complete := invoke
	complete.Type = history.OK
	var got json.RawMessage
	for words = words[3:]; len(words) > 0; words = words[1:] {
		switch w := words[0]; {
		case w == "->":
			got = json.RawMessage(words[1])
			words = words[1:]
		case w == "final":
			invoke.Final, complete.Final = true, true
		case w == "ok" || w == "fail" || w == "info":
			err = complete.Type.UnmarshalText([]byte(w))
		case json.Valid([]byte(w)):
			invoke.Value = json.RawMessage(w)
		default:
			invoke.Key, complete.Key = w, w
		}
	}
	if complete.Value = invoke.Value; got != nil {
		complete.Value = got
	}
	events := []event{{invoke, from}}
	if to >= 0 {
		events = append(events, event{complete, to})
	}
	return events, err
}
