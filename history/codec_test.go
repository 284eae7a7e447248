package history

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anyOp draws events as a run may make them, and odder ones.
func anyOp(t *rapid.T) Op {
	name := rapid.OneOf(rapid.SampledFrom([]string{"", "r1", "read", "n3", `a"b\c`, "ключ", "\x00\n\x7f\u2028"}), rapid.String())
	value := rapid.SampledFrom([]string{"", "17", "0", "-1", "1.5e3", `"x"`, `"a,b}]\"\\"`, "[1,2]", `[null,{"a":[true]}]`, "{}", "false",
		"18446744073709551616", `"é"`, " 1", "{\n}", "null"})
	return Op{
		Index:   rapid.IntRange(0, 1<<62).Draw(t, "index"),
		Time:    time.Duration(rapid.Int64Min(0).Draw(t, "time")),
		Process: rapid.IntRange(Nemesis, 1<<40).Draw(t, "process"),
		Type:    Type(rapid.IntRange(int(Invoke), int(Info)).Draw(t, "type")),
		F:       name.Draw(t, "f"),
		Key:     name.Draw(t, "key"),
		Value:   json.RawMessage(value.Draw(t, "value")),
		Node:    name.Draw(t, "node"),
		Final:   rapid.Bool().Draw(t, "final"),
		Error:   name.Draw(t, "error"),
	}
}

// normal is op as it comes back from a file: null values are nil, others
// stand on one line.
func normal(t *rapid.T, op Op) Op {
	if len(op.Value) == 0 || string(op.Value) == "null" {
		op.Value = nil
		return op
	}
	var b bytes.Buffer
	if err := json.Compact(&b, op.Value); err != nil {
		t.Fatal(err)
	}
	op.Value = b.Bytes()
	return op
}

// Without this test an event could change its meaning between the run and the
// judgement.
func TestEveryEventComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := anyOp(t)
		line, err := op.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(line, "\n\r") || !json.Valid(line) {
			t.Fatalf("not one line of JSON: %q", line)
		}
		var slow Op
		if err := new(decoder).slow(line, &slow); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(normal(t, op), slow); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", line, diff)
		}
		var fast Op
		if new(decoder).fast(line, &fast) {
			if diff := cmp.Diff(slow, fast); diff != "" {
				t.Fatalf("%s: fast differs (-slow +fast):\n%s", line, diff)
			}
		}
	})
}

// Without this test the fast decoder could accept what JSON does not, or read
// it otherwise. Lines are made by cutting good ones up and gluing them.
func TestFastDecoderNeverDisagrees(t *testing.T) {
	piece := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"`, `\`, " ", "0", "17", "-", "1e5", "true", "null", "\xff", "é", `\u0041`,
		`"index":`, `"time_ns":`, `"process":"nemesis"`, `"value":`, `"f":"x"`, `"key":"k"`, `"other":1`})
	rapid.Check(t, func(t *rapid.T) {
		line, err := anyOp(t).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			from := rapid.IntRange(0, len(line)).Draw(t, "from")
			to := min(len(line), from+rapid.IntRange(0, 8).Draw(t, "cut"))
			line = []byte(string(line[:from]) + piece.Draw(t, "piece") + string(line[to:]))
		}
		agree(t, line)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"index":0,"time_ns":123,"process":3,"type":"invoke","f":"write","key":"r1","value":17,"node":"n2","final":true,"error":"…"}`))
	f.Add([]byte(`{"index":1,"time_ns":9,"process":"nemesis","type":"info","f":"kill","value":{"id":"a","nodes":["n\"1"]}}`))
	f.Fuzz(func(t *testing.T, line []byte) { agree(t, line) })
}

type failer interface {
	Fatalf(format string, args ...any)
}

func agree(t failer, line []byte) {
	var fast, slow Op
	if !new(decoder).fast(line, &fast) {
		return
	}
	if err := new(decoder).slow(line, &slow); err != nil {
		t.Fatalf("%q: fast accepts it, encoding/json does not: %v", line, err)
	}
	if diff := cmp.Diff(slow, fast); diff != "" {
		t.Fatalf("%q (-slow +fast):\n%s", line, diff)
	}
}

// Without this test the fast path could be dead, and every benchmark a lie.
func TestLinesOfTheWriterTakeTheFastPath(t *testing.T) {
	for name, op := range map[string]Op{
		"write":    {Index: 7, Time: 12345678901, Process: 3, Type: Invoke, F: "write", Key: "r1", Value: json.RawMessage("17"), Node: "n2"},
		"read":     {F: "read", Type: Invoke, Key: "r1", Node: "n2", Final: true},
		"cas":      {F: "cas", Type: Fail, Value: json.RawMessage("[1,2]"), Error: "compare failed: größer"},
		"text":     {F: "write", Type: OK, Value: json.RawMessage(`"a,b}\"]"`)},
		"nemesis":  {Process: Nemesis, Type: Info, F: "kill", Value: json.RawMessage(`{"id":"k","nodes":["n1"]}`)},
		"negative": {F: "write", Type: OK, Value: json.RawMessage("-1")},
	} {
		line, err := op.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got Op
		if !new(decoder).fast(line, &got) {
			t.Errorf("%s: not taken: %s", name, line)
		} else if diff := cmp.Diff(op, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Without this test the line format that other tools read could drift.
func TestLineFormat(t *testing.T) {
	for _, test := range []struct {
		op   Op
		want string
	}{
		{
			Op{Index: 0, Time: 123, Process: 3, Type: Invoke, F: "write", Key: "r1", Value: json.RawMessage("17"), Node: "n2", Final: true, Error: "…\x01\xff"},
			`{"index":0,"time_ns":123,"process":3,"type":"invoke","f":"write","key":"r1","value":17,"node":"n2","final":true,"error":"…\u0001` + "\ufffd" + `"}`,
		},
		{
			Op{Index: 1, Process: Nemesis, Type: Info, F: "phase", Value: json.RawMessage("{\n \"phase\": \"end\"}\n")},
			`{"index":1,"time_ns":0,"process":"nemesis","type":"info","f":"phase","value":{"phase":"end"}}`,
		},
		{
			Op{Type: OK, F: "read", Value: json.RawMessage("null")},
			`{"index":0,"time_ns":0,"process":0,"type":"ok","f":"read"}`,
		},
	} {
		got, err := test.op.MarshalJSON()
		if err != nil || string(got) != test.want {
			t.Errorf("%v\n got %s\nwant %s", err, got, test.want)
		}
	}
}

func TestWhatCannotBeEncoded(t *testing.T) {
	for _, op := range []Op{
		{F: "write", Value: json.RawMessage("17 18")},
		{F: "write", Value: json.RawMessage("\n")},
		{F: "write", Value: json.RawMessage("01")},
		{F: "write", Type: 4},
		{F: "write", Process: -2},
	} {
		if line, err := op.MarshalJSON(); err == nil {
			t.Errorf("no error for %+v: %s", op, line)
		}
	}
}

// Lines that others wrote: spaces, another order, unknown keys, escapes.
func TestUnusualLines(t *testing.T) {
	want := Op{Index: 4, Time: 9, Process: 2, Type: OK, F: "read", Key: "k", Value: json.RawMessage("[1, 2]"), Node: "n1"}
	for _, line := range []string{
		`{"index":4,"time_ns":9,"process":2,"type":"ok","f":"read","key":"k","value":[1, 2],"node":"n1"}`,
		` { "index": 4, "time_ns": 9, "process": 2, "type": "ok", "f": "read", "key": "k", "value": [1, 2], "node": "n1" } `,
		`{"node":"n1","value":[1, 2],"key":"\u006b","f":"read","type":"ok","process":2,"time_ns":9,"index":4}`,
		`{"x":{"y":[]},"index":4,"time_ns":9,"process":2,"type":"ok","f":"read","key":"k","value":[1, 2],"node":"n1","latency":1}`,
		`{"index":4,"time_ns":9,"process":2,"type":"ok","f":"read","key":"k","value":[1, 2],"node":"n1","final":false,"error":""}`,
	} {
		var got Op
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestLinesThatAreNoEvents(t *testing.T) {
	for line, want := range map[string]string{
		`{`:  "unexpected end",
		`[]`: "cannot unmarshal",
		`{"time_ns":9,"process":2,"type":"ok","f":"read"}`:                          "index is missing",
		`{"index":0,"process":2,"type":"ok","f":"read"}`:                            "time_ns is missing",
		`{"index":0,"time_ns":9,"type":"ok","f":"read"}`:                            "process is missing",
		`{"index":0,"time_ns":9,"process":2,"f":"read"}`:                            "type is missing",
		`{"index":0,"time_ns":9,"process":2,"type":"ok"}`:                           "f is missing",
		`{"index":0,"time_ns":9,"process":-1,"type":"ok","f":"read"}`:               `process -1 is neither a number from 0 nor "nemesis"`,
		`{"index":0,"time_ns":9,"process":null,"type":"ok","f":"read"}`:             "process null is neither",
		`{"index":0,"time_ns":9,"process":"nem","type":"ok","f":"read"}`:            `process "nem" is neither`,
		`{"index":0,"time_ns":9,"process":1.5,"type":"ok","f":"read"}`:              "process 1.5 is neither",
		`{"index":0,"time_ns":9,"process":2,"type":"OK","f":"read"}`:                `type "OK" is none of invoke, ok, fail, info`,
		`{"index":00,"time_ns":9,"process":2,"type":"ok","f":"read"}`:               "invalid character",
		`{"index":0,"time_ns":9,"process":2,"type":"ok","f":"read","value":[1}}`:    "invalid character",
		`{"index":0,"time_ns":9,"process":2,"type":"ok","f":"read","value":01}`:     "invalid character",
		`{"index":0,"time_ns":9,"process":2,"type":"ok","f":"read","value":}`:       "invalid character",
		`{"index":0,"time_ns":9,"process":2,"type":"ok","f":"read"}}`:               "invalid character",
		`{"index":99999999999999999999,"time_ns":9,"process":2,"type":"ok","f":""}`: "cannot unmarshal",
	} {
		var op Op
		err := new(decoder).decode([]byte(line), &op)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", line, err, want)
		}
	}
}

func TestTypeText(t *testing.T) {
	for typ, word := range map[Type]string{Invoke: "invoke", OK: "ok", Fail: "fail", Info: "info"} {
		text, err := typ.MarshalText()
		if err != nil || string(text) != word || typ.String() != word {
			t.Errorf("%d: %s %v", typ, text, err)
		}
		var back Type = 9
		if err := back.UnmarshalText(text); err != nil || back != typ {
			t.Errorf("%s comes back as %v, %v", word, back, err)
		}
	}
	if Type(4).String() != "Type(4)" {
		t.Error(Type(4))
	}
}

// Without a limit a file of unique messages would fill the table of names.
func TestInterningHasALimit(t *testing.T) {
	var d decoder
	for i := range maxInterned + 10 {
		if got := d.intern(appendStamp(nil, i, 0)); got != string(appendStamp(nil, i, 0)) {
			t.Fatal(got)
		}
	}
	if len(d.strings) != maxInterned {
		t.Errorf("%d strings are kept", len(d.strings))
	}
}

// A value must not be overwritten by those after it, nor grow into them.
func TestValuesDoNotShareBytes(t *testing.T) {
	var d decoder
	big := bytes.Repeat([]byte("7"), 1<<14)
	var kept []json.RawMessage
	for i := range 20_000 {
		kept = append(kept, d.keep(appendStamp(nil, i, 0)))
	}
	kept = append(kept, d.keep(big))
	_ = append(kept[0], "overwrite"...)
	for i := range 20_000 {
		if string(kept[i]) != string(appendStamp(nil, i, 0)) {
			t.Fatalf("value %d became %s", i, kept[i])
		}
	}
}
