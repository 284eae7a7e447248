package invariant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// This file reads the small histories of testdata. One operation a line:
//
//	p1 n2 write r1 5     [10,20] ok
//	p2 n1 read  r1 =>5   [12,15] ok final
//	p2 n1 pay   k1 9=>"r" [12,15] ok
//	p3 n1 write r1 6     [30,40] info "timed out"
//
// "5" is the value asked, which an ok repeats; "=>5" what was answered; "-" is
// nothing. Times are in milliseconds, or in seconds after "s:"; [10,] never
// completes. What has the same time happens in the order of the lines, but
// invocations before completions; [10,=20] completes before what is invoked at
// 20. The nemesis:
//
//	plan nodes=n1,n2 clients=5
//	phase settle 50
//	fault storm/kill#1 kill n1 [20,40]

// An event is an Op with what puts it in order.
type event struct {
	op    history.Op
	at    float64
	class int // at one time: 0 early completions, 1 invocations and the nemesis, 2 completions
}

func parseHistory(t testing.TB, text string) *history.History {
	t.Helper()
	var events []event
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		more, err := parseLine(words)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		events = append(events, more...)
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class))
	})
	ops := make([]history.Op, len(events))
	for i, e := range events {
		e.op.Index, e.op.Time = i, time.Duration(e.at*float64(time.Millisecond))
		ops[i] = e.op
	}
	h := history.New(ops)
	if err := h.Validate(); err != nil {
		t.Fatalf("the test's history: %v\n%s", err, text)
	}
	return h
}

func parseLine(words []string) ([]event, error) {
	switch words[0] {
	case "plan":
		a := history.Announcement{Scenario: "test"}
		for _, w := range words[1:] {
			name, value, _ := strings.Cut(w, "=")
			switch name {
			case "nodes":
				a.Nodes = strings.Split(value, ",")
			case "clients":
				a.Clients, _ = strconv.Atoi(value)
			}
		}
		return []event{nemesisEvent("plan", 0, a)}, nil
	case "phase":
		at, _, _, err := parseInterval("[" + words[2] + ",]")
		return []event{nemesisEvent("phase", at, history.PhaseEvent{Phase: words[1]})}, err
	case "fault":
		return parseFault(words[1:])
	}
	return parseOperation(words)
}

func nemesisEvent(f string, at float64, value any) event {
	data, err := json.Marshal(value)
	if err != nil {
		data = []byte(strconv.Quote(err.Error()))
	}
	return event{op: history.Op{Process: history.Nemesis, Type: history.Info, F: f, Value: data}, at: at, class: 1}
}

func parseFault(words []string) ([]event, error) {
	from, to, _, err := parseInterval(words[3])
	if err != nil {
		return nil, err
	}
	stage := func(s history.Stage) history.FaultEvent {
		return history.FaultEvent{ID: words[0], Nodes: strings.Split(words[2], ","), Stage: s}
	}
	events := []event{nemesisEvent(words[1], from, stage(history.StageInject)), nemesisEvent(words[1], from, stage(history.StageInForce))}
	if to >= 0 {
		events = append(events, nemesisEvent(words[1], to, stage(history.StageHeal)), nemesisEvent(words[1], to, stage(history.StageHealed)))
	}
	return events, nil
}

// parseInterval reads [10,20], [10,=20], [10,] and [s:1,2]; to is -1 if there is none.
func parseInterval(word string) (from, to float64, early bool, err error) {
	word, unit := strings.Trim(word, "[]"), 1.0
	if rest, ok := strings.CutPrefix(word, "s:"); ok {
		word, unit = rest, 1000
	}
	a, b, ok := strings.Cut(word, ",")
	if !ok {
		return 0, 0, false, fmt.Errorf("interval %q", word)
	}
	if from, err = strconv.ParseFloat(a, 64); err != nil || b == "" {
		return from * unit, -1, false, err
	}
	to, err = strconv.ParseFloat(strings.TrimPrefix(b, "="), 64)
	return from * unit, to * unit, strings.HasPrefix(b, "="), err
}

func parseOperation(words []string) ([]event, error) {
	if len(words) < 6 {
		return nil, fmt.Errorf("too few words")
	}
	process, err := strconv.Atoi(strings.TrimPrefix(words[0], "p"))
	if err != nil {
		return nil, err
	}
	from, to, early, err := parseInterval(words[5])
	if err != nil {
		return nil, err
	}
	in, out, answered := strings.Cut(strings.TrimPrefix(words[4], "-"), "=>")
	invoke := history.Op{Process: process, F: words[2], Key: strings.TrimPrefix(words[3], "-"), Node: strings.TrimPrefix(words[1], "-"), Value: json.RawMessage(in)}
	complete := invoke
	if answered {
		complete.Value = json.RawMessage(out)
	}
	rest := words[6:]
	if to >= 0 {
		if err := complete.Type.UnmarshalText([]byte(rest[0])); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == "final" {
		invoke.Final, complete.Final, rest = true, true, rest[1:]
	}
	complete.Error = strings.Trim(strings.Join(rest, " "), `"`)
	events := []event{{op: invoke, at: from, class: 1}}
	if to < 0 {
		return events, nil
	}
	class := 2
	if early {
		class = 0
	}
	return append(events, event{op: complete, at: to, class: class}), nil
}
