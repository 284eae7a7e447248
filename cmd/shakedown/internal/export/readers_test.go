package export

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"
)

// OpenTelemetry's own reader takes what we write, with everything in its place.
func TestOTLPIsReadByOpenTelemetry(t *testing.T) {
	s := source(t)
	text := written(t, "otlp", s)
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
	if err != nil {
		t.Fatal(err)
	}
	if n := traces.SpanCount(); n != 6 {
		t.Fatalf("%d spans, want 6", n)
	}
	resource := traces.ResourceSpans().At(0)
	if v, ok := resource.Resource().Attributes().Get("shakedown.run"); !ok || v.Str() != s.ID {
		t.Errorf("the resource has the run %q", v.Str())
	}
	spans := resource.ScopeSpans().At(0).Spans()
	root := spans.At(0)
	for i := range spans.Len() {
		span := spans.At(i)
		if span.TraceID() != root.TraceID() || span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
			t.Errorf("span %q has the trace %v and the id %v", span.Name(), span.TraceID(), span.SpanID())
		}
		if i > 0 && span.ParentSpanID() != root.SpanID() {
			t.Errorf("span %q is not below the run", span.Name())
		}
		if span.StartTimestamp() < root.StartTimestamp() || span.EndTimestamp() > root.EndTimestamp() || span.EndTimestamp() < span.StartTimestamp() {
			t.Errorf("span %q lasts from %v to %v, the run from %v to %v", span.Name(), span.StartTimestamp(), span.EndTimestamp(), root.StartTimestamp(), root.EndTimestamp())
		}
	}
	write := spans.At(3)
	if write.Kind() != ptrace.SpanKindClient || write.Status().Code() != ptrace.StatusCodeOk || write.StartTimestamp().AsTime().Sub(s.Zero) != 3000 {
		t.Errorf("the write is of the kind %v, ended %v and began at %v", write.Kind(), write.Status().Code(), write.StartTimestamp().AsTime())
	}
	if v, _ := spans.At(4).Attributes().Get("outcome"); v.Str() != "info" {
		t.Errorf("what nobody knows is %q", v.Str())
	}
	if events := spans.At(2).Events(); events.Len() != 1 || events.At(0).Name() != "seen in force" {
		t.Errorf("the fault has %d events", events.Len())
	}
}

// An itfFile is a trace as Apalache's ADR 015 describes it.
type itfFile struct {
	Meta   map[string]any   `json:"#meta"`
	Params []string         `json:"params"`
	Vars   []string         `json:"vars"`
	States []map[string]any `json:"states"`
	Loop   *int             `json:"loop"`
}

// readITF reads a trace by the rules of the format, and says what breaks them.
func readITF(text []byte) (itfFile, error) {
	var f itfFile
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	if len(f.Vars) == 0 || len(f.States) == 0 {
		return f, fmt.Errorf("%d variables and %d states", len(f.Vars), len(f.States))
	}
	if f.Loop != nil && (*f.Loop < 0 || *f.Loop >= len(f.States)) {
		return f, fmt.Errorf("loop to %d", *f.Loop)
	}
	for i, s := range f.States {
		vars := 0
		for name, v := range s {
			if strings.HasPrefix(name, "#") {
				continue
			}
			vars++
			if err := itfExpression(v); err != nil {
				return f, fmt.Errorf("state %d, %s: %w", i, name, err)
			}
		}
		for _, name := range f.Vars {
			if _, ok := s[name]; !ok {
				return f, fmt.Errorf("state %d lacks %s", i, name)
			}
		}
		if vars != len(f.Vars) {
			return f, fmt.Errorf("state %d has %d variables, want %d", i, vars, len(f.Vars))
		}
	}
	return f, nil
}

// itfExpression checks a value: booleans, texts, big integers, sequences, tuples,
// sets, maps and records, and nothing else.
func itfExpression(v any) error {
	switch v := v.(type) {
	case bool, string:
		return nil
	case []any:
		return everyITF(v)
	case map[string]any:
		for name, inner := range v {
			if strings.HasPrefix(name, "#") {
				return itfSpecial(name, inner, len(v))
			}
			if err := itfExpression(inner); err != nil {
				return fmt.Errorf(".%s: %w", name, err)
			}
		}
		return nil
	}
	return fmt.Errorf("%v (%T) is no expression", v, v)
}

func everyITF(all []any) error {
	for i, e := range all {
		if err := itfExpression(e); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func itfSpecial(name string, v any, members int) error {
	list, isList := v.([]any)
	text, isText := v.(string)
	switch {
	case members != 1:
		return fmt.Errorf("%s is not alone", name)
	case name == "#bigint" && isText && decimal.MatchString(text):
		return nil
	case (name == "#tup" || name == "#set") && isList:
		return everyITF(list)
	case name == "#map" && isList:
		for _, pair := range list {
			p, ok := pair.([]any)
			if !ok || len(p) != 2 {
				return fmt.Errorf("%v is no pair", pair)
			}
			if err := everyITF(p); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s: %v", name, v)
}

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// The reader takes all traces that Quint wrote, and refuses what is none:
// otherwise what it says of ours would mean little. Quint's traces lie beside
// the repository, in ../shared; where they do not, only ours are read.
func TestITFRulesAreThoseOfQuint(t *testing.T) {
	files, err := filepath.Glob("../../../../../shared/itf/traces/*.itf.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Log("there is no ../shared/itf beside the repository")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readITF(text); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	for _, wrong := range []string{
		`{"vars":["x"],"states":[]}`, `{"vars":["x"],"states":[{"y":true}]}`, `{"vars":["x"],"states":[{"x":true,"y":true}]}`,
		`{"vars":["x"],"states":[{"x":1}]}`, `{"vars":["x"],"states":[{"x":null}]}`, `{"vars":["x"],"states":[{"x":{"#bigint":1}}]}`,
		`{"vars":["x"],"states":[{"x":{"#bigint":"01"}}]}`, `{"vars":["x"],"states":[{"x":{"#map":[["a"]]}}]}`, `{"vars":["x"],"states":[{"x":{"#set":[1.5]}}]}`,
		`{"vars":["x"],"states":[{"x":{"#set":[],"y":true}}]}`, `{"vars":["x"],"loop":1,"states":[{"x":true}]}`,
	} {
		if _, err := readITF([]byte(wrong)); err == nil {
			t.Errorf("%s is taken for a trace", wrong)
		}
	}
}

// Every history is a trace by the rules of the format, and says in it what
// happened.
func TestITFIsReadBack(t *testing.T) {
	s := source(t)
	f, err := readITF(written(t, "itf", s))
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range s.History.Ops {
		value := f.States[i]["step_"].(map[string]any)["value"].(map[string]any)
		time, ok := new(big.Int).SetString(value["time_ns"].(map[string]any)["#bigint"].(string), 10)
		if !ok || time.Int64() != int64(op.Time) || value["node"] != op.Node || value["key"] != op.Key {
			t.Errorf("event %d is read back as %v", i, value)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := drawn(rt)
		if len(h.Ops) == 0 {
			return
		}
		for i := range h.Ops {
			h.Ops[i].Value = rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage("null"), json.RawMessage("1.5"), json.RawMessage(`"x"`), json.RawMessage("-0"),
				json.RawMessage("123456789012345678901234567890"), json.RawMessage(`{"#set":[1],"a":{"b":[true,null]}}`), json.RawMessage(`[["append",1,[2,3]]]`)}).Draw(rt, "value")
		}
		text := written(t, "itf", Source{ID: "x", Clients: 3, History: h})
		if _, err := readITF(text); err != nil {
			rt.Fatalf("%v:\n%s", err, text)
		}
	})
}

// The rules of the Trace Event Format that Perfetto's importer holds a file to,
// beyond those about slices: each track has a name, of the right kind, before
// anything is on it; there are no kinds of events but those; and times are
// numbers, in microseconds, not before 0.
func TestPerfettoTracksHaveNames(t *testing.T) {
	var f struct {
		Unit   string           `json:"displayTimeUnit"`
		Events []map[string]any `json:"traceEvents"`
	}
	if err := json.Unmarshal(written(t, "perfetto", source(t)), &f); err != nil {
		t.Fatal(err)
	}
	if f.Unit != "ms" && f.Unit != "ns" {
		t.Errorf("displayTimeUnit is %q, and may be ms or ns", f.Unit)
	}
	groups, tracks := map[any]string{}, map[[2]any]string{}
	for _, e := range f.Events {
		args, _ := e["args"].(map[string]any)
		name, _ := args["name"].(string)
		switch {
		case e["ph"] == "M" && e["name"] == "process_name":
			groups[e["pid"]] = name
		case e["ph"] == "M" && e["name"] == "thread_name":
			tracks[[2]any{e["pid"], e["tid"]}] = name
		case e["ph"] == "M":
			t.Errorf("no reader knows the metadata %v", e["name"])
		case groups[e["pid"]] == "":
			t.Errorf("%v is in a group without a name", e)
		case groups[e["pid"]] != "phases" && tracks[[2]any{e["pid"], e["tid"]}] == "":
			t.Errorf("%v is on a track without a name", e)
		}
		if at, ok := e["ts"].(float64); !ok || at < 0 {
			t.Errorf("the time of %v", e)
		}
	}
	if len(groups) != 3 || len(tracks) != 3 { // two clients, and a fault
		t.Errorf("groups %v, tracks %v", groups, tracks)
	}
}
