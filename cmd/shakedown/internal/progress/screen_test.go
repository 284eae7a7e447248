package progress

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hinshun/vt10x"
	"pgregory.net/rapid"
)

// A glass is a terminal of which one sees what is on it. What scrolled out at
// the top is gone, so it is made high.
type glass struct {
	vt            vt10x.Terminal
	columns, rows int
}

func newGlass(columns, rows int) *glass {
	return &glass{vt10x.New(vt10x.WithSize(columns, rows)), columns, rows}
}

// Write does what a tty does to newlines.
func (g *glass) Write(p []byte) (int, error) {
	if _, err := g.vt.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (g *glass) size() (int, int) { return g.columns, g.rows }

// lines is what is seen, without blanks at the ends and below.
func (g *glass) lines() []string {
	var out []string
	for _, l := range strings.Split(g.vt.String(), "\n") {
		out = append(out, strings.TrimRight(l, " \x00"))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// Whatever is written and shown, in whatever order, one sees all that was
// written, in order, and below it the last block, and nothing else.
func TestScreenShowsWhatItShould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGlass(40, 200)
		s := NewScreen(g, g.size)
		var text, block []string
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				l := fmt.Sprintf("line %d", i)
				text = append(text, l)
				fmt.Fprintln(s, l)
			case 1: // two lines, the second in pieces
				text = append(text, "first", "second")
				fmt.Fprint(s, "first\nsec")
				fmt.Fprint(s, "ond\n")
			case 2:
				block = rapid.SliceOfN(rapid.StringMatching(`[a-z]([a-z ]{0,50}[a-z])?`), 0, MaxLines).Draw(t, "block")
				s.Show(block)
			case 3:
				block = nil
				s.Clear()
			}
		}
		want := text
		for _, l := range block {
			want = append(want, strings.TrimRight(fit(l, 39), " "))
		}
		if got := g.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("seen:\n%s\n\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A block that is higher than the terminal must not scroll it: the picture
// would no longer be redrawn in place.
func TestScreenInALowTerminal(t *testing.T) {
	g := newGlass(20, 5)
	s := NewScreen(g, g.size)
	block := strings.Split("abcdefghijkl", "")
	for range 3 {
		s.Show(block)
	}
	if got := strings.Join(g.lines(), ""); got != "abcd" {
		t.Errorf("seen %q, want abcd", got)
	}
}

// In colour or not, a line is cut at the same place, and no colour leaks out.
func TestFit(t *testing.T) {
	for _, test := range []struct {
		line string
		most int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"", 0, ""},
		{"abc", 0, ""},
		{"abc", 1, "…"},
		{"\x1b[32mabcd\x1b[0m", 3, "\x1b[32mab…\x1b[0m"},
		{"\x1b[32mab\x1b[0mcd", 4, "\x1b[32mab\x1b[0mcd"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
	} {
		if got := fit(test.line, test.most); got != test.want {
			t.Errorf("fit(%q, %d) is %q, want %q", test.line, test.most, got, test.want)
		}
	}
}

// When a terminal becomes narrower it wraps what is on it; one has to go back
// over all the rows that this makes.
func TestScreenGoesBackOverWrappedLines(t *testing.T) {
	for columns, want := range map[int]int{80: 3, 40: 3, 20: 5, 10: 9} {
		lines := []string{strings.Repeat("x", 40), "", strings.Repeat("y", 39)}
		if got := heightOf(lines, columns); got != want {
			t.Errorf("on %d columns: %d rows, want %d", columns, got, want)
		}
	}
}
