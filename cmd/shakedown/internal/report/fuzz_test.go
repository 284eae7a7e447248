package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// FuzzHTML: whatever history is read, its page can be written, holds our scripts
// and no others, and no text on a terminal can move the cursor.
func FuzzHTML(f *testing.F) {
	for name, v := range nasty() {
		if name == "a million bytes" {
			continue
		}
		var b bytes.Buffer
		last := time.Duration(0)
		for _, op := range nastyRun(f, v).History.Ops {
			last = max(last, op.Time)
			op.Time = last
			line, err := json.Marshal(op)
			if err != nil {
				f.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		if _, err := history.Read(bytes.NewReader(b.Bytes())); err != nil {
			f.Fatalf("%s: a seed that is refused teaches nothing: %v", name, err)
		}
		f.Add(b.Bytes(), v)
	}
	f.Fuzz(func(t *testing.T, text []byte, says string) {
		h, err := history.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		evidence := []int{0, 1, 2, 3, 9, 10, len(h.Ops) - 1}
		r := Run{Scenario: says, History: h, Verdict: checkers.Violation, Results: []checkers.Result{{
			Check: says, Verdict: checkers.Violation, Says: []string{says}, Evidence: evidence, Rule: &checkers.Rule{Says: says, Broken: 1, Event: 5},
			Findings: []checkers.Finding{{Kind: says, Says: []string{says}, Events: evidence, Cycle: []checkers.Edge{
				{From: says, To: "T2", FromEvent: 0, ToEvent: 2, Kind: says, Key: says, Says: says, Events: evidence}, {From: "T2", To: says, FromEvent: 2, ToEvent: 0}}}},
		}}}
		var page bytes.Buffer
		if err := HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(strings.ToLower(page.String()), "</script"); n != 3 && n != 0 {
			t.Fatalf("the page has %d ends of scripts", n)
		}
		var plain strings.Builder
		if err := Text(&plain, r, Style{}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(plain.String(), func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f }) {
			t.Fatalf("%q moves the cursor", plain.String())
		}
		if err := JUnit(io.Discard, r); err != nil {
			t.Fatal(err)
		}
	})
}
