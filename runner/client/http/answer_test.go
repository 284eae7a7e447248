package http

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestValueAt(t *testing.T) {
	for _, c := range []struct {
		where, body string
		want, err   string
	}{
		{"", "17", "17", ""},
		{"body", " -1.5e3\n", "-1.5e3", ""},
		{"body", "12345678901234567890", "12345678901234567890", ""},
		{"body", "017", `"017"`, ""},
		{"body", "a\xffb", `"a\ufffdb"`, ""},
		{"body", "{", `"{"`, ""},
		{"json:value", `{"value": 17}`, "17", ""},
		{"json:value", `{"value": "17"}`, "17", ""},
		{"json:value", `{"value": "017"}`, `"017"`, ""},
		{"json:value", `{"value": "null"}`, `"null"`, ""},
		{"json:value", `{"value": null}`, "null", ""},
		{"json:value", `{"value": [1, "2"]}`, `[1,"2"]`, ""},
		{"json:node.value", `{"node": {"value": "x"}, "value": 1}`, `"x"`, ""},
		{"json:a.b.c", `{"a": {"b": {"c": true}}}`, "true", ""},
		{"json:value", `{"Value": 17}`, "", "no field value"},
		{"json:a.b", `{"a": 1}`, "", "no field a.b"},
		{"json:a.b", `{"a": {"c": 1}}`, "", "no field a.b"},
		{"json:a", `[1]`, "", "no field a in the answer [1]"},
		{"json:a", `not json`, "", "no field a in the answer not json"},
		{"json:a", `{"a": 1`, "", "no field a"},
		{"json:", `{"a": 1}`, "", "no field"},
		{"json:a", ``, "", "no field a"},
		{"header:x", `1`, "", `no such place for a value: "header:x"`},
	} {
		got, err := valueAt(c.where, []byte(c.body))
		if string(got) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s of %s = %s, %v; want %s, %s", c.where, c.body, got, err, c.want, c.err)
		}
	}
}

// TestValueAtIsJSON: whatever a node says, what is written into the history can
// be read again.
func TestValueAtIsJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
		where := rapid.SampledFrom([]string{"", "body", "json:a", "json:a.b"}).Draw(rt, "where")
		if rapid.Bool().Draw(rt, "in a field") {
			text, err := json.Marshal(map[string]any{"a": map[string]any{"b": string(body)}})
			if err != nil {
				rt.Fatal(err)
			}
			body = text
		}
		if got, err := valueAt(where, body); err == nil && !json.Valid(got) {
			rt.Fatalf("%s of %q is %q", where, body, got)
		}
	})
}

// TestWhatWasWrittenIsRead: a number survives both a system that keeps texts
// and one that keeps strings.
func TestWhatWasWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		written, err := json.Marshal(rapid.Int64().Draw(rt, "value"))
		if err != nil {
			rt.Fatal(err)
		}
		for _, stored := range []string{string(written), " " + string(written) + "\n", `"` + string(written) + `"`} {
			if got, err := valueAt("body", []byte(stored)); err != nil || string(got) != string(written) {
				rt.Fatalf("%s of body %s: %v", got, stored, err)
			}
			if got, err := valueAt("json:a", []byte(`{"a":`+stored+`}`)); err != nil || string(got) != string(written) {
				rt.Fatalf("%s of field %s: %v", got, stored, err)
			}
		}
	})
}

func TestExcerpt(t *testing.T) {
	if got := excerpt([]byte("  a\r\n\tb  ")); got != "a b" {
		t.Errorf("%q", got)
	}
	long := excerpt([]byte(strings.Repeat("ä", excerptLimit)))
	if len(long) > excerptLimit+len("…") || !strings.HasSuffix(long, "ä…") {
		t.Errorf("%q", long)
	}
	if got := describe(418, nil); got != "418 I'm a teapot" {
		t.Errorf("%q", got)
	}
	if got := describe(799, nil); got != "799" {
		t.Errorf("%q", got)
	}
}
