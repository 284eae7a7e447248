package scenarios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Diagnostic is one finding in a file: where, what, and what to do about it.
type Diagnostic struct {
	// Path is the file as it was named by the caller, or "--set" for a
	// finding in an override.
	Path string `json:"path"`
	// Line and Column count from 1, in lines and characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Where is the place in the document, for example "phases[1].for";
	// empty for the document as a whole.
	Where   string `json:"where,omitempty"`
	Message string `json:"message"`
	// Hint says what to write instead; empty when there is nothing to say.
	Hint string `json:"hint,omitempty"`
	// Excerpt is the line, or the stretch of a very long line around Column.
	Excerpt string `json:"excerpt,omitempty"`
	// Caret is the offset of Column in Excerpt, in characters.
	Caret int `json:"caret,omitempty"`
}

// Found is the place with a finding, as an error.
func (d Diagnostic) Found(message, hint string) Diagnostics {
	d.Message, d.Hint = message, hint
	return Diagnostics{d}
}

// Summary is the finding on one line:
// "x.yaml:2:1: sed: unknown field "sed"; did you mean "seed"?".
func (d Diagnostic) Summary() string {
	var b strings.Builder
	if d.Line > 0 { // it has no place if the scenario was never in a file
		fmt.Fprintf(&b, "%s:%d:%d: ", d.Path, d.Line, d.Column)
	}
	if d.Where != "" {
		b.WriteString(d.Where + ": ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString("; " + d.Hint)
	}
	return b.String()
}

// Pointer is what goes under Excerpt to put a caret below the column: blanks,
// with the tabs of the excerpt kept, and a caret.
func (d Diagnostic) Pointer() string {
	var b strings.Builder
	for _, c := range firstRunes(d.Excerpt, d.Caret) {
		if c == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteRune(' ')
		}
	}
	return b.String() + "^"
}

// String is the finding as a reader sees it: the summary, the line, and a
// caret under the column; without colour, without a final newline.
func (d Diagnostic) String() string {
	if d.Excerpt == "" {
		return d.Summary()
	}
	return d.Summary() + "\n    " + d.Excerpt + "\n    " + d.Pointer()
}

// Diagnostics are all findings in one file, in the order of their places. It
// is the error of [Parse], [ParseWith] and [ParseRecipe].
type Diagnostics []Diagnostic

// Error is all findings, each as by [Diagnostic.String].
func (ds Diagnostics) Error() string {
	all := make([]string, len(ds))
	for i, d := range ds {
		all[i] = d.String()
	}
	return strings.Join(all, "\n")
}

// firstRunes is the first n characters of s, or all if it has fewer.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// A source is a text that findings point into.
type source struct {
	path  string
	lines []string
}

func newSource(path string, text []byte) *source {
	return &source{path: path, lines: splitLines(string(text))}
}

// splitLines splits where YAML 1.1 does, so that the parser's line numbers fit.
func splitLines(s string) []string {
	s = strings.TrimPrefix(s, "\ufeff")
	unify := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(unify.Replace(s), "\n")
}

// maxExcerpt is how many characters of a line are shown: what a terminal shows
// without wrapping, more or less.
const maxExcerpt = 120

// excerpt cuts the stretch around column out of a line. What a terminal would
// obey rather than show is replaced, one character for one.
func (s *source) excerpt(line, column int) (text string, caret int) {
	if line < 1 || line > len(s.lines) || strings.TrimSpace(s.lines[line-1]) == "" {
		return "", 0
	}
	rest := s.lines[line-1]
	caret = min(max(column-1, 0), utf8.RuneCountInString(rest))
	if utf8.RuneCountInString(rest) > maxExcerpt {
		from := max(0, caret-maxExcerpt/2)
		rest = rest[len(firstRunes(rest, from)):]
		rest, caret = firstRunes(rest, maxExcerpt), caret-from
	}
	return strings.Map(printable, rest), caret
}

func printable(c rune) rune {
	if c == '\t' || unicode.IsPrint(c) {
		return c
	}
	return '\u00b7'
}
