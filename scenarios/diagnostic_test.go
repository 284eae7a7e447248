package scenarios

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What a reader sees, in the words of the design.
func TestDiagnosticString(t *testing.T) {
	d := Diagnostic{Path: "scenarios/x.yaml", Line: 2, Column: 1, Where: "sed", Message: `unknown field "sed"`,
		Hint: `did you mean "seed"?`, Excerpt: "sed: 4"}
	want := "scenarios/x.yaml:2:1: sed: unknown field \"sed\"; did you mean \"seed\"?\n" +
		"    sed: 4\n" +
		"    ^"
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	both := Diagnostics{d, {Path: "y", Line: 1, Column: 1, Message: "it is empty"}}
	if got := both.Error(); got != want+"\ny:1:1: it is empty" {
		t.Errorf("got\n%s", got)
	}
}

// Tools read the findings by these names.
func TestDiagnosticJSON(t *testing.T) {
	got, err := json.Marshal(Diagnostics{{Path: "x.yaml", Line: 3, Column: 5, Where: "a.b", Message: "m", Hint: "h", Excerpt: "    e", Caret: 4}})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"path":"x.yaml","line":3,"column":5,"where":"a.b","message":"m","hint":"h","excerpt":"    e","caret":4}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The caret stands under the character that the column names, in whatever
// line, and what a terminal would obey is not shown.
func TestExcerpt(t *testing.T) {
	for _, tt := range []struct {
		name, text   string
		line, column int
		want, under  string
	}{
		{"first", "ab\ncd", 1, 1, "ab", "^"},
		{"second", "ab\ncd", 2, 2, "cd", " ^"},
		{"tab", "\tab", 1, 2, "\tab", "\t^"},
		{"wide letters", "éèa", 1, 3, "éèa", "  ^"},
		{"past the end", "ab", 1, 9, "ab", "  ^"},
		{"windows", "ab\r\ncd\r\n", 2, 1, "cd", "^"},
		{"byte order mark", "\ufeffab", 1, 1, "ab", "^"},
		{"escape", "a\x1b[31mb", 1, 1, "a·[31mb", "^"},
		{"no such line", "ab", 7, 1, "", "^"},
		{"line 0", "ab", 0, 1, "", "^"},
		{"blank", "  \nab", 1, 1, "", "^"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, caret := newSource("x", []byte(tt.text)).excerpt(tt.line, tt.column)
			under := Diagnostic{Excerpt: got, Caret: caret}.Pointer()
			if got != tt.want || under != tt.under {
				t.Errorf("got %q, %q; want %q, %q", got, under, tt.want, tt.under)
			}
		})
	}
}

func TestExcerptOfALongLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Repeat("a", rapid.IntRange(0, 500).Draw(t, "before")) + "X" +
			strings.Repeat("b", rapid.IntRange(0, 500).Draw(t, "after"))
		got, caret := newSource("x", []byte(line)).excerpt(1, strings.Index(line, "X")+1)
		if len(got) > maxExcerpt || got[caret] != 'X' {
			t.Fatalf("%d characters, the caret is under %q", len(got), got[caret])
		}
	})
}
