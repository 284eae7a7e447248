package fold

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyJSON draws a value.
func anyJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch n := rapid.IntRange(0, 6+min(depth, 1)*4).Draw(t, "kind"); n {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2, 3:
			return rapid.Int64().Draw(t, "int")
		case 4:
			return rapid.Float64Range(-1e20, 1e20).Draw(t, "float")
		case 5, 6:
			return rapid.SampledFrom([]string{"", "a", `q"\`, "]}", "é", "\u2028", ","}).Draw(t, "text")
		case 7, 8:
			return rapid.SliceOfN(anyJSON(depth-1), 0, 4).Draw(t, "array")
		default:
			return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", `"`, "}"}), anyJSON(depth-1), 0, 3).Draw(t, "object")
		}
	})
}

// Without this test the cursor could step to somewhere else than JSON does.
func TestCursorStepsAsJSONDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		elements := rapid.SliceOfN(anyJSON(2), 0, 5).Draw(rt, "elements")
		value, err := json.MarshalIndent(elements, "", strings.Repeat(" ", rapid.IntRange(0, 2).Draw(rt, "indent")))
		if err != nil {
			rt.Fatal(err)
		}
		var want []json.RawMessage
		if err := json.Unmarshal(value, &want); err != nil {
			rt.Fatal(err)
		}
		c, n := scan(value), 0
		for c.open('['); c.more(']'); n++ {
			if got := c.value(); n >= len(want) || !bytes.Equal(got, want[n]) {
				rt.Fatalf("element %d of %s is %s", n, value, got)
			}
		}
		if n != len(want) || c.bad || c.peek() != 0 {
			rt.Fatalf("%d of %d elements of %s", n, len(want), value)
		}
	})
}

// Text that is cut short must end the cursor, and be noticed.
func TestCursorNoticesWhatIsCutShort(t *testing.T) {
	whole := `{"a":[1,{"b":"c\"]"},null],"d":-5.5}`
	for n := 1; n < len(whole); n++ {
		c := scan(json.RawMessage(whole[:n]))
		for c.open('{'); c.more('}'); {
			c.name()
			c.value()
		}
		if !c.bad {
			t.Errorf("%s seems whole", whole[:n])
		}
	}
}

// Equal values must have one id, different values different ids.
func TestIDsTellValuesApart(t *testing.T) {
	var s ids
	same := [][]string{
		{"1", "1.0", "1e0", "10e-1"}, {"0"}, {"-1", "-1.0"}, {`"1"`}, {"null"}, {"4194304", "4.194304e6"}, {"123456789012345678"},
		{"123456789012345679"}, {"1234567890123456789012"}, {"1234567890123456789013"}, {`{"a":1,"b":[2]}`, ` { "b" : [2.0], "a":1 } `},
		{`[1,2]`, "[1, 2]"}, {"[2,1]"}, {`"é"`, `"\u00e9"`}, {"true"}, {"0.5", "5e-1"[:0] + "0.5"}, {"900000000"}, {"3"},
	}
	seen := make(map[int32]string)
	for round := range 2 {
		for _, group := range same {
			id := s.of(json.RawMessage(group[0]))
			if other, taken := seen[id]; taken && round == 0 {
				t.Errorf("%s and %s are the same", group[0], other)
			}
			seen[id] = group[0]
			for _, text := range group {
				if s.of(json.RawMessage(text)) != id {
					t.Errorf("%s and %s differ", group[0], text)
				}
			}
		}
	}
	if s.len() != len(same) || s.name(s.of(json.RawMessage("900000000"))) != "900000000" || s.name(s.of(json.RawMessage("3"))) != "3" {
		t.Errorf("%d values", s.len())
	}
}

// The fast lane of arrays must be the same as one by one.
func TestElementsAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s, other ids
		for range 3 {
			elements := rapid.SliceOfN(rapid.OneOf(
				rapid.SampledFrom([]string{"1", "2", "70000", "5000000", "-3", `"x"`, "1.0", "null", "[1]", " 4", "10000000000000000", "99999999999999999999"}),
				rapid.Map(rapid.IntRange(0, 50), func(n int) string { return string(jsonNumber(n)) })), 0, 30).Draw(rt, "elements")
			got, isArray := s.elements(json.RawMessage("["+strings.Join(elements, ",")+"]"), nil)
			if !isArray || len(got) != len(elements) {
				rt.Fatalf("%d elements of %v", len(got), elements)
			}
			for i, e := range elements {
				if want := other.of(json.RawMessage(strings.TrimSpace(e))); got[i] != want {
					rt.Fatalf("%s has the id %d, not %d", e, got[i], want)
				}
			}
		}
	})
}

func jsonNumber(n int) []byte { b, _ := json.Marshal(n); return b }

// Elements of what is no array must be refused.
func TestElementsOfNoArray(t *testing.T) {
	var s ids
	for text, want := range map[string]bool{"": true, "null": true, "[]": true, " [ ] ": true, "17": false, "{}": false, "[1": false, "[1,": false, `"[1]"`: false} {
		if _, got := s.elements(json.RawMessage(text), nil); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestDecimals(t *testing.T) {
	order := []string{"-10", "-9.5", "-0.1", "0", "0.0000000001", "0.1", "9", "9.5", "10", "1475167013124543123.0000000001", "1475167013124543123.0000000002"}
	for i, a := range order {
		for j, b := range order {
			if got := compareDecimals(a, b); got < 0 != (i < j) || got == 0 != (i == j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
		if !decimal(a) {
			t.Errorf("%s is no decimal", a)
		}
	}
	for _, s := range []string{"", "-", ".", "1e5", "x", "1.2.3"} {
		if decimal(s) {
			t.Errorf("%q is a decimal", s)
		}
	}
}
