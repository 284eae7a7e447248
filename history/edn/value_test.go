package edn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// Without this test nobody could look up what becomes of a form.
func TestValues(t *testing.T) {
	datadriven.RunTest(t, "testdata/values/values.txt", func(t *testing.T, d *datadriven.TestData) string {
		s := newScanner(strings.NewReader(d.Input + "\n"))
		var out strings.Builder
		for line := 0; ; {
			_, err := s.next(0)
			at := s.line
			var value []byte
			if err == nil {
				value, err = s.value(nil, 0)
			}
			switch {
			case err == io.EOF:
				return out.String() + "\n"
			case err != nil:
				return fmt.Sprintf("error: line %d: %v\n", s.line, err)
			case !json.Valid(value):
				t.Fatalf("%s: not JSON: %s", d.Pos, value)
			case line == at:
				out.WriteByte(' ')
			case line > 0:
				out.WriteByte('\n')
			}
			out.Write(value)
			line = s.line
		}
	})
}

// anyJSON draws values as systems may answer them, and odder ones.
func anyJSON(depth int) *rapid.Generator[any] {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "r", "append", "a b", `"\`, "7", "-7", "007", "nil", "é\n\x00\x7f"}), rapid.StringN(0, 5, -1))
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](json.Number("18446744073709551616")),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Float64(), func(n float64) any { return n }),
		rapid.Map(text, func(s string) any { return s }),
	)
	if depth == 0 {
		return scalar
	}
	inner := anyJSON(depth - 1)
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(text, inner, 0, 4), func(m map[string]any) any { return m }),
		rapid.Custom(func(t *rapid.T) any {
			name := rapid.SampledFrom([]string{"r", "w", "append"}).Draw(t, "name")
			return []any{[]any{name, inner.Draw(t, "key"), inner.Draw(t, "value")}}
		}),
	)
}

// anyHistory draws a valid history: its processes do one thing after the other.
func anyHistory(t *rapid.T) *history.History {
	name := rapid.OneOf(rapid.SampledFrom([]string{"", "r1", "7", "-0", "a/b", "read", "two words", `"`, "null"}), rapid.StringN(0, 4, -1))
	open := make(map[int]history.Op)
	next := 0
	var ops []history.Op
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		op := history.Op{Process: next + rapid.IntRange(0, 2).Draw(t, "process"), F: name.Draw(t, "f"), Key: name.Draw(t, "key")}
		if invoked, ok := open[op.Process]; ok {
			op.F, op.Key = invoked.F, invoked.Key
			op.Type = history.Type(rapid.IntRange(1, 3).Draw(t, "type"))
			delete(open, op.Process)
			if op.Type == history.Info {
				next += 3 // none of the three goes on
				clear(open)
			}
		} else {
			open[op.Process] = op
		}
		value, err := json.Marshal(anyJSON(3).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		if string(value) != "null" {
			op.Value = value
		}
		op.Index, op.Final = i, rapid.Bool().Draw(t, "final")
		op.Node, op.Error = name.Draw(t, "node"), name.Draw(t, "error")
		ops = append(ops, op)
		ops[i].Time = ops[max(i-1, 0)].Time + rapid.SampledFrom([]history.Op{{}, {Time: 17}}).Draw(t, "pause").Time
	}
	return history.New(ops)
}

// Without this test a history could change its meaning on its way through
// another's format.
func TestEveryHistoryComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t)
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := Write(&out, h); err != nil {
			t.Fatal(err)
		}
		if strings.Count(out.String(), "\n") != len(h.Ops) {
			t.Fatalf("not a map a line:\n%s", &out)
		}
		back, err := Read(strings.NewReader(out.String()), Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		if len(back.Ops) != len(h.Ops) {
			t.Fatalf("%d events became %d", len(h.Ops), len(back.Ops))
		}
		same := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == rawType }, cmp.Comparer(sameJSON))
		if diff := cmp.Diff(h.Ops, back.Ops, same); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, &out)
		}
	})
}

var rawType = reflect.TypeFor[json.RawMessage]()

// sameJSON compares what values mean, numbers by their digits.
func sameJSON(a, b json.RawMessage) bool {
	return cmp.Equal(meaning(a), meaning(b))
}

func meaning(raw json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}
