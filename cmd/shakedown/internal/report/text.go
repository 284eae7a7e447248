package report

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
)

// sentenceLines is how many lines a Text spends on sentences, beside the
// headline, the figures and the commands: ten lines in all.
const sentenceLines = 5

// A Style says how a Text looks.
type Style struct {
	// Colour paints the verdict. The word is there with or without it.
	Colour bool
	// Full prints every sentence of every check.
	Full bool
}

// Text writes the verdict, the sentences that matter most, and the commands to
// run next.
func Text(w io.Writer, r Run, s Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", paint(r, s.Colour), printable(r.Scenario+": "+r.Headline()))
	lines := r.sentences()
	hidden := 0
	if !s.Full && len(lines) > sentenceLines {
		hidden = len(lines) - sentenceLines + 1
		lines = lines[:sentenceLines-1]
	}
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s\n", printable(l))
	}
	if hidden > 0 {
		fmt.Fprintf(&b, "  … and %s more in the report%s\n", plural(hidden, "sentence"), r.inFull())
	}
	if r.History != nil {
		fmt.Fprintf(&b, "  %s\n", r.summary())
	}
	for _, l := range r.next() {
		fmt.Fprintf(&b, "%s\n", printable(l))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// paint is the verdict in capitals, green when it is the expected one, yellow
// when unknown, red otherwise.
func paint(r Run, colour bool) string {
	word := strings.ToUpper(Word(r.Verdict))
	if !colour {
		return word
	}
	code := "31"
	switch {
	case r.Verdict == checkers.Unknown:
		code = "33"
	case r.AsExpected():
		code = "32"
	}
	return "\x1b[1;" + code + "m" + word + "\x1b[0m"
}

// sentences are what there is to say, most urgent first.
func (r Run) sentences() []string {
	var lines []string
	for _, c := range r.with(checkers.Violation) {
		lines = append(lines, c.Says...)
	}
	lines = append(lines, r.Reasons...)
	for _, c := range r.with(checkers.Unknown) {
		lines = append(lines, c.Check+" is unknown: "+strings.Join(c.Says, " "))
	}
	for _, c := range r.with(checkers.Valid) {
		lines = append(lines, strings.TrimRight(c.Check+" is valid: "+first(c.Says), ": "))
	}
	return lines
}

// summary says how much the run did.
func (r Run) summary() string {
	c := countAll(r.History)
	held, all := tookHold(r.History)
	s := fmt.Sprintf("%s: %s ok, %s fail, %s unknown", plural(c.Total(), "operation"), grouped(c.OK), grouped(c.Fail), grouped(c.Info))
	if all > 0 {
		s += fmt.Sprintf("; %d of %s took hold", held, plural(all, "fault"))
	}
	return s + "."
}

// inFull is the command that prints every sentence; "" for a bare history.
func (r Run) inFull() string {
	if r.ID == "" {
		return ""
	}
	return ", or by shakedown show " + r.name()
}

// name is what commands call the run.
func (r Run) name() string { return cmp.Or(r.Bundle, r.ID) }

// next are the page that tells more and the commands to run next.
func (r Run) next() []string {
	if r.ID == "" {
		return nil
	}
	again := "shakedown rerun " + r.name()
	if r.Verdict == checkers.Violation {
		again += " --until violation"
	}
	if r.Bundle != "" {
		return []string{"  report   shakedown report " + r.Bundle, "  again    " + again}
	}
	return []string{
		"  report   " + path.Join(filepath.ToSlash(r.Folder), "report.html"),
		"  again    " + again,
		"  share    shakedown export " + r.ID + " --as zip",
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// printable replaces what could move the cursor of a terminal: values come
// from the system under test.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '�'
		}
		return r
	}, s)
}
