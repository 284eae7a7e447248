package report

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

func render(t *testing.T, r Run) string {
	t.Helper()
	var b strings.Builder
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withoutOurs takes out of a page the three scripts that are ours.
func withoutOurs(t *testing.T, page string) string {
	t.Helper()
	ours, err := script()
	if err != nil {
		t.Fatal(err)
	}
	page = strings.Replace(page, "<script>"+string(ours)+"</script>", "", 1)
	page = regexp.MustCompile(`<script type="application/json" id="about">[^<]*</script>`).ReplaceAllString(page, "$0"[:0])
	return regexp.MustCompile(`<script type="text/plain" id="columns">[^<]*</script>`).ReplaceAllString(page, "")
}

// Without this the answers of a system under test could run as script in the
// browser of whoever reads the report.
func TestHTMLEscapesEverything(t *testing.T) {
	out := withoutOurs(t, render(t, sampleRun(t)))
	for _, bad := range []string{"<script", "<img", "</script"} {
		if strings.Contains(out, bad) {
			t.Errorf("%s came through", bad)
		}
	}
	if n := strings.Count(out, "alert(1)"); n < 5 {
		t.Errorf("the hostile value is shown %d times, so this test proves little", n)
	}
}

// Without this the page could need a network, or tell another host that it is read.
func TestHTMLRefersToNothingOutside(t *testing.T) {
	r := sampleRun(t)
	r.About, r.Facts, r.History = "", nil, nil
	r.Results[1].Says = nil
	for _, out := range []string{render(t, r), pageSource} {
		if m := regexp.MustCompile(`https?:|//|\bsrc=|@import|url\([^#]`).FindString(out); m != "" {
			t.Errorf("the page has %q", m)
		}
	}
}

// Without this the page could leave out what a reader came for.
func TestHTMLShowsEachPart(t *testing.T) {
	out := render(t, sampleRun(t))
	parts := []string{
		`<span class="badge violation">violation</span> sample`,
		"This is not what the scenario expects.",
		"<li>Key r1 is not linearizable.</li>",
		"ok operations 1 234 567",
		`<a href="checks/linearizable-cas-register/r1.html">`,
		"1 of 2 injected faults took hold.",
		"14 packets dropped",
		"no such process",
		"never injected",
		`<rect class="planned"`, `<rect class="force"`, `<rect class="healing"`, `<rect class="failed"`,
		`<rect class="ok"`, "calm</text>", "peak 2/s",
		"<td>n2</td><td class=\"n\">2</td>",
		"22 November 2026 10:15:02 UTC",
	}
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("the page has no %s", part)
		}
	}
}

// Without this an odd run could have no report at all.
func TestHTMLOfOddRuns(t *testing.T) {
	empty := history.New(nil)
	odd := map[string]Run{
		"nothing":       {},
		"no events":     {Scenario: "x", History: empty},
		"one event":     {History: history.New([]history.Op{{Type: history.Invoke, F: "read"}})},
		"only phases":   {History: history.New(sampleHistory(t).Ops[:2])},
		"cut short":     {History: history.New(sampleHistory(t).Ops[:8]), Planned: sampleRun(t).Planned},
		"expected":      {Verdict: checkers.Violation, Expect: checkers.Violation},
		"unknown check": {Results: []checkers.Result{{Check: "x"}}},
	}
	for name, r := range odd {
		t.Run(name, func(t *testing.T) {
			if out := render(t, r); !strings.HasSuffix(strings.TrimSpace(out), "</svg>") && !strings.Contains(out, "</html>") {
				t.Error("the page has no end")
			}
		})
	}
}

// Without this a full disk could pass for a written report.
func TestHTMLTellsThatItCouldNotBeWritten(t *testing.T) {
	want := errors.New("disk full")
	if err := HTML(brokenWriter{want}, sampleRun(t)); !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
	if err := JUnit(brokenWriter{want}, sampleRun(t)); !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

// Without this a long run would make a page that no browser wants to draw.
func TestHTMLOfALongRunIsSmall(t *testing.T) {
	var ops []history.Op
	for i := range 100_000 {
		at := time.Duration(i) * 36 * time.Millisecond
		kind := []history.Type{history.Invoke, history.OK}[i%2]
		ops = append(ops, history.Op{Index: i, Time: at, Process: 0, Type: kind, F: "read", Node: fmt.Sprint("n", i/2%5+1)})
	}
	r := sampleRun(t)
	r.History = history.New(ops)
	if out := render(t, r); len(out) > 1<<20 {
		t.Errorf("the page has %d bytes, want a million at most", len(out))
	}
}

// Without this two checks could overwrite each other, or a name could climb
// out of its folder.
func TestCheckFolder(t *testing.T) {
	for in, want := range map[string]string{
		"linearizable":              "linearizable",
		"linearizable cas-register": "linearizable-cas-register",
		"../../etc/passwd":          "etc-passwd",
		"..":                        "check",
		"a/b:c":                     "a-b-c",
	} {
		if got := CheckFolder(in); got != want {
			t.Errorf("CheckFolder(%q) = %q, want %q", in, got, want)
		}
	}
}
