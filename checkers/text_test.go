package checkers

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
//	p1 n2 write r1 5 [10,20] ok
//	p2 n1 read r1 5 [12,15] ok final
//	p3 n1 cas r1 [5,6] [30,40] info "timed out"
//
// with times in milliseconds; [10,] never completes. What has the same time
// happens in the order of the lines, and invocations before completions if "="
// is not put before the time: [10,=20] completes before what is invoked at 20.
// An empty key is "-". The nemesis:
//
//	plan nodes=n1,n2 faults=a,b final=4
//	phase settle 50
//	fault storm/partition#1 partition n3|n1,n2 [20,40] "38 packets dropped"
//	fault storm/kill#1 kill n1 [20,40] "pid 17 gone"
//	failed storm/clock#1 clock n1 20 "no vdso"
//	truncated

// An event is an Op with what puts it in order.
type event struct {
	op    history.Op
	at    float64
	class int // at one time: 0 early completions, 1 invocations and the nemesis, 2 completions
}

func parseHistory(t testing.TB, text string) *history.History {
	t.Helper()
	var events []event
	truncated := false
	for line := range strings.Lines(text) {
		words := splitLine(line)
		if len(words) == 0 {
			continue
		}
		more, err := parseLine(words)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		truncated = truncated || words[0] == "truncated"
		events = append(events, more...)
	}
	h := historyOf(events)
	h.Truncated = truncated
	if err := h.Validate(); err != nil {
		t.Fatalf("the test's history: %v\n%s", err, text)
	}
	return h
}

func historyOf(events []event) *history.History {
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class))
	})
	ops := make([]history.Op, len(events))
	for i, e := range events {
		e.op.Index, e.op.Time = i, time.Duration(e.at*float64(time.Millisecond))
		ops[i] = e.op
	}
	return history.New(ops)
}

// splitLine splits at spaces, keeps "quoted words" together, and drops # comments.
func splitLine(line string) []string {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "//") {
		return nil
	}
	var words []string
	for line != "" {
		if line[0] == '"' {
			if end := strings.Index(line[1:], `"`); end >= 0 {
				words = append(words, line[1:end+1])
				line = strings.TrimSpace(line[end+2:])
				continue
			}
		}
		word, rest, _ := strings.Cut(line, " ")
		words = append(words, word)
		line = strings.TrimSpace(rest)
	}
	return words
}

func parseLine(words []string) ([]event, error) {
	switch words[0] {
	case "truncated":
		return nil, nil
	case "plan":
		return parsePlan(words[1:])
	case "phase":
		at, err := strconv.ParseFloat(words[2], 64)
		return []event{nemesisEvent("phase", at, history.PhaseEvent{Phase: words[1]})}, err
	case "fault":
		return parseFault(words[1:])
	case "failed":
		at, err := strconv.ParseFloat(words[4], 64)
		fault := history.FaultEvent{ID: words[1], Nodes: []string{words[3]}, Stage: history.StageInject}
		failed := fault
		failed.Stage, failed.Error = history.StageFailed, words[5]
		return []event{nemesisEvent(words[2], at, fault), nemesisEvent(words[2], at+1, failed)}, err
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

func parsePlan(words []string) ([]event, error) {
	a := history.Announcement{Scenario: "test"}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "nodes":
			a.Nodes = strings.Split(value, ",")
		case "faults":
			a.Faults = strings.Split(value, ",")
		case "final":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, err
			}
			a.FinalReads = n
		default:
			return nil, fmt.Errorf("no %q in a plan", name)
		}
	}
	return []event{nemesisEvent("plan", 0, a)}, nil
}

// parseFault reads: ID fault nodes [inject,healed] "evidence". It is in force at
// once, and its heal begins when it is healed.
func parseFault(words []string) ([]event, error) {
	from, to, _, err := parseInterval(words[3])
	if err != nil {
		return nil, err
	}
	f := history.FaultEvent{ID: words[0], Nodes: strings.FieldsFunc(words[2], func(r rune) bool { return r == ',' || r == '|' || r == '>' })}
	f.Cuts = parseCuts(words[2])
	stage := func(s history.Stage, evidence string) history.FaultEvent {
		f := f
		f.Stage, f.Evidence = s, evidence
		return f
	}
	events := []event{nemesisEvent(words[1], from, stage(history.StageInject, ""))}
	if len(words) > 4 {
		events = append(events, nemesisEvent(words[1], from, stage(history.StageInForce, words[4])))
	}
	if to >= 0 {
		events = append(events, nemesisEvent(words[1], to, stage(history.StageHeal, "")), nemesisEvent(words[1], to, stage(history.StageHealed, "")))
	}
	return events, nil
}

// parseCuts reads "n1|n2,n3" as n1 apart from n2 and n3, "n1>n2" as nothing from n1 reaching n2.
func parseCuts(nodes string) [][2]string {
	var cuts [][2]string
	oneWay := strings.Contains(nodes, ">")
	left, right, found := strings.Cut(strings.ReplaceAll(nodes, ">", "|"), "|")
	if !found {
		return nil
	}
	for l := range strings.SplitSeq(left, ",") {
		for r := range strings.SplitSeq(right, ",") {
			cuts = append(cuts, [2]string{l, r})
			if !oneWay {
				cuts = append(cuts, [2]string{r, l})
			}
		}
	}
	return cuts
}

// parseInterval reads [10,20], [10,=20] or [10,]; to is -1 if there is none.
func parseInterval(word string) (from, to float64, early bool, err error) {
	a, b, ok := strings.Cut(strings.Trim(word, "[]"), ",")
	if !ok || !strings.HasPrefix(word, "[") {
		return 0, 0, false, fmt.Errorf("interval %q", word)
	}
	if from, err = strconv.ParseFloat(a, 64); err != nil || b == "" {
		return from, -1, false, err
	}
	to, err = strconv.ParseFloat(strings.TrimPrefix(b, "="), 64)
	return from, to, strings.HasPrefix(b, "="), err
}

// parseOperation reads: p1 n2 write r1 5 [10,20] ok.
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
	invoke := history.Op{Process: process, F: words[2], Key: strings.TrimPrefix(words[3], "-"), Node: strings.TrimPrefix(words[1], "-"), Value: json.RawMessage(words[4])}
	complete := invoke
	if invoke.F == "read" {
		invoke.Value = nil
	}
	for i, w := range words[6:] {
		switch {
		case w == "final":
			invoke.Final, complete.Final = true, true
		case i == 0:
			if err := complete.Type.UnmarshalText([]byte(w)); err != nil {
				return nil, err
			}
		case strings.HasPrefix(w, "found="): // of a cas, in place of what it expected
			complete.Value = json.RawMessage(strings.TrimSuffix(words[4], "]") + "," + strings.TrimPrefix(w, "found=") + "]")
		default:
			complete.Error = w
		}
	}
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
