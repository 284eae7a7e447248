package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// untimedRun is a history of which only the order is known, as some of Elle's are.
func untimedRun() Run {
	ops := make([]history.Op, 6)
	for i, value := range []string{`[["append","x",1]]`, `[["append","x",1]]`, `[["r","x",null]]`, `[["r","x",[]]]`, `[["r","x",null]]`, `[["r","x",[1]]]`} {
		ops[i] = history.Op{Index: i, Time: time.Duration(i), F: "txn", Value: []byte(value), Type: history.Type(i % 2)}
	}
	return Run{Scenario: "bare.edn", History: history.New(ops), Verdict: checkers.Violation, Expect: checkers.Valid, Took: 5,
		Results: []checkers.Result{{Check: "list-append", Took: 2 * time.Millisecond, Verdict: checkers.Violation, Says: []string{"A read was stale."}, Evidence: []int{1, 3}}}}
}

// A history without times must not be told as one that took no time, and one
// without a scenario not as if that had expected something.
func TestPageWithoutTimes(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, untimedRun()); err != nil {
		t.Fatal(err)
	}
	page, _, _ := strings.Cut(b.String(), `<script type="application/json"`)
	if m := regexp.MustCompile(`>[^<]*\b0(\.000)?s\b[^<]*<|took 0|after 0s|what the scenario expects`).FindString(page); m != "" {
		t.Errorf("the page says %q", m)
	}
	for _, want := range []string{"The history has no times.", "the system answers process 0: ", "The operations in their order"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Without this the script could still draw a rate and latencies of it.
func TestPageWithoutTimesInABrowser(t *testing.T) {
	b := newBrowser(t)
	b.open(t, untimedRun(), "#op2")
	for script, want := range map[string]string{
		`[...document.querySelectorAll(".track .label b")].map(e => e.textContent)`: "processes",
		`[...document.querySelectorAll("#list th")].map(e => e.textContent)`:        "event,process,node,outcome,operation,phase,error",
		`document.querySelector("#op").textContent.includes("from ")`:               "false",
	} {
		if got := b.eval(t, script); got != want {
			t.Errorf("%s is %s, want %s", script, got, want)
		}
	}
	if said := b.said(); said != "" {
		t.Errorf("the page complains: %s", said)
	}
}
