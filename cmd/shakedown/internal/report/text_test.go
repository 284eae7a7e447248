package report

import (
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
)

func text(t *testing.T, r Run, s Style) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Without this the verdict could drown in a long list of what went well.
func TestTextSaysTheWorstFirst(t *testing.T) {
	lines := strings.Split(text(t, sampleRun(t), Style{}), "\n")
	wants := []string{
		"VIOLATION  sample: linearizable cas-register found a violation",
		"  Key r1 is not linearizable.",
		"  Process 4 read </script>",
		"  recovery is unknown: Nothing to recover from.",
		"  stats is valid: 3 of 5 operations are ok.",
		"  5 operations: 2 ok, 1 fail, 2 unknown; 1 of 2 faults took hold.",
		"  report   runs/sample/20261122T101502Z-7f3a91/report.html",
		"  again    shakedown rerun 20261122T101502Z-7f3a91 --until violation",
		"  share    shakedown export 20261122T101502Z-7f3a91 --as zip",
	}
	for i, want := range wants {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want it to begin with %q", i, lines[i], want)
		}
	}
}

// Without this a value that the system returned could rewrite the terminal.
func TestTextNeverPrintsControlCharacters(t *testing.T) {
	out := text(t, sampleRun(t), Style{Full: true})
	if strings.ContainsAny(out, "\x1b\r\x07") {
		t.Errorf("a control character came through: %q", out)
	}
}

// Without this a verdict with many sentences would scroll its own first line away.
func TestTextIsShortUnlessFull(t *testing.T) {
	r := sampleRun(t)
	for range 50 {
		r.Results[1].Says = append(r.Results[1].Says, "And another one.")
	}
	short := text(t, r, Style{})
	if n := strings.Count(short, "\n"); n > 10 {
		t.Errorf("the summary has %d lines, want 10 at most:\n%s", n, short)
	}
	if !strings.Contains(short, "more in the report") {
		t.Errorf("the summary hides sentences without saying so:\n%s", short)
	}
	if n := strings.Count(text(t, r, Style{Full: true}), "another one"); n != 50 {
		t.Errorf("the full text has %d of 50 sentences", n)
	}
}

// Without this a colour alone could carry the verdict, or appear in a file.
func TestTextColoursOnlyWhenAsked(t *testing.T) {
	r := sampleRun(t)
	if strings.Contains(text(t, r, Style{}), "\x1b") {
		t.Error("there is colour although none was asked for")
	}
	colours := map[string]func(*Run){
		"\x1b[1;31mVIOLATION": func(*Run) {},
		"\x1b[1;32mVIOLATION": func(r *Run) { r.Expect = checkers.Violation },
		"\x1b[1;33mUNKNOWN":   func(r *Run) { r.Verdict = checkers.Unknown },
		"\x1b[1;32mVALID":     func(r *Run) { r.Verdict = checkers.Valid },
		"\x1b[1;31mVALID":     func(r *Run) { r.Verdict, r.Expect = checkers.Valid, checkers.Violation },
	}
	for want, change := range colours {
		r := sampleRun(t)
		change(&r)
		if got := text(t, r, Style{Colour: true}); !strings.HasPrefix(got, want) {
			t.Errorf("the text begins with %q, want %q", got[:30], want)
		}
	}
}

// Without this a run that was cut short could look like a clean pass.
func TestTextTellsReasons(t *testing.T) {
	r := sampleRun(t)
	r.Verdict, r.Results = checkers.Unknown, nil
	r.Reasons = []string{"The run was interrupted."}
	if got := text(t, r, Style{}); !strings.Contains(got, "  The run was interrupted.") {
		t.Errorf("the reason is missing:\n%s", got)
	}
}

// Without this a bare history would be told to be a run that can be shown.
func TestTextOfABareHistoryNamesNoRun(t *testing.T) {
	r := sampleRun(t)
	r.ID = ""
	if got := text(t, r, Style{}); strings.Contains(got, "shakedown rerun") {
		t.Errorf("there is a command for a run that does not exist:\n%s", got)
	}
}
