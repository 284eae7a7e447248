package report

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// nasty are values that have broken pages before.
func nasty() map[string]string {
	return map[string]string{
		"end of script":      `</script><script>window.broken = 1</script>`,
		"end of script, odd": "</SCRIPT\n><img src=x onerror=window.broken=1>",
		"comment":            `<!--<script>`,
		"attribute":          `" autofocus onfocus="window.broken=1" x="`,
		"single quotes":      `' onmouseover='window.broken=1`,
		"template":           `{{.Run}} {{template "page"}} ${window.broken=1}`,
		"svg":                `<svg onload=window.broken=1>`,
		"entity":             `&lt;script&gt;window.broken=1&#60;/script&#62;`,
		"control characters": "\x00\x01\x1b[2J\x7f\u0085\u2028\u2029\ufeff",
		"right to left":      "\u202egnp.exe",
		"not UTF-8":          "\xff\xfe\xc3\x28",
		"style":              `</style><style>body{display:none}</style>`,
		"a million bytes":    strings.Repeat("<b>é", 250_000),
	}
}

// nastyRun has a value in every place that a stranger can write to.
func nastyRun(t testing.TB, v string) Run {
	t.Helper()
	r := sampleRun(t)
	ops := sampleHistory(t).Ops
	for i := range ops {
		if ops[i].Process >= 0 {
			ops[i].Value, ops[i].Key, ops[i].Node = value(t, v), v, v
			if ops[i].Type != history.Invoke && ops[i].Type != history.OK {
				ops[i].Error = v
			}
		} else if ops[i].F == "partition" {
			var e history.FaultEvent
			if err := json.Unmarshal(ops[i].Value, &e); err != nil {
				t.Fatal(err)
			}
			e.Says, e.Evidence, e.Nodes, e.Role = v, v, []string{v}, v
			ops[i].Value = value(t, e)
		}
	}
	ops[0].F = v
	r.History, r.About, r.Scenario, r.System = history.New(ops), v, v, v
	r.Reasons = []string{v}
	r.Results = []checkers.Result{{Check: v, Verdict: checkers.Violation, Says: []string{v}, Evidence: []int{2, 3, 9, 10}, Counts: map[string]int64{v: 1}, Pages: []checkers.Page{{Name: v}},
		Rule: &checkers.Rule{Says: v, Origin: v, Broken: 2, Evaluated: 3, At: time.Second, Event: 9},
		Findings: []checkers.Finding{{Kind: v, Says: []string{v}, Events: []int{2, 3, 9, 10}, Cycle: []checkers.Edge{
			{From: v, To: "T2", FromEvent: 2, ToEvent: 9, Kind: v, Key: v, Says: v, Events: []int{2, 9}}, {From: "T2", To: v, FromEvent: 9, ToEvent: 2, Kind: "rw", Says: v}}}}}}
	r.Compared = &Compared{With: v, Why: v, Says: v, Rows: []ComparedRow{{v, v, v, true}}, Checks: []ComparedRow{{v, v, v, false}}}
	r.Planned[0].Says, r.Planned[1].Fault = v, v
	r.Facts = []Fact{{v, v}}
	r.Zero = r.Started
	r.Logs = fstest.MapFS{
		"n1/stdout.log":   {Data: []byte(r.Started.Add(time.Second).Format(time.RFC3339Nano) + " WARN " + v + "\n" + v)},
		"n1/inspect.json": {Data: value(t, map[string]any{"State": map[string]any{"Status": v, "Error": v, "ExitCode": 1}})},
	}
	return r
}

// Without this a value could become part of the page's own text.
func TestNastyValuesStayText(t *testing.T) {
	for name, v := range nasty() {
		t.Run(name, func(t *testing.T) {
			whole := render(t, nastyRun(t, v))
			out := strings.ToLower(withoutOurs(t, whole))
			for _, bad := range []string{"<script", "</script", "<img", "<svg onload", "<!--<", "<b>", " onfocus=\"", "' onmouseover='", "<style>body"} {
				if strings.Contains(out, bad) {
					t.Errorf("%s came through", bad)
				}
			}
			if n := strings.Count(strings.ToLower(whole), "</script"); n != 3 {
				t.Errorf("the page has %d ends of scripts, want our 3", n)
			}
			if len(whole) > 2<<20 {
				t.Errorf("the page has %d bytes: long values are not cut", len(whole))
			}
		})
	}
}

// Without this the page's script could do what its text does not.
func TestNastyValuesInABrowser(t *testing.T) {
	b := newBrowser(t)
	want := ""
	for _, name := range []string{"control characters", "end of script", "attribute", "template", "svg", "a million bytes"} {
		b.open(t, nastyRun(t, nasty()[name]), "#op9")
		b.eval(t, `document.querySelectorAll("canvas").forEach(c => c.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 400, clientY: 20 })))`)
		got := b.eval(t, `[window.broken, document.querySelectorAll("script").length, document.querySelectorAll("img, [onload], [onfocus], [onmouseover], [onerror]").length, document.querySelector("#op").hidden].join()`)
		if got != ",3,0,false" {
			t.Errorf("%s: the page has %s", name, got)
		}
		// The elements are the same, whatever the values are.
		shape := b.eval(t, `[...document.querySelectorAll("body *")].filter(e => !e.closest("#op, option")).length`)
		if want == "" {
			want = shape
		}
		if shape != want {
			t.Errorf("%s: the page has %s elements, want %s", name, shape, want)
		}
	}
	if said := b.said(); said != "" {
		t.Errorf("the page complains: %.500s", said)
	}
}

// Without this, what came through after all could run.
func TestPolicyAllowsOurScriptAlone(t *testing.T) {
	b := newBrowser(t)
	path := t.TempDir() + "/report.html"
	page := strings.Replace(render(t, sampleRun(t)), "<main>", `<main><script>window.broken = 1</script><img src="data:,x" onerror="window.broken = 2">`, 1)
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	b.openFile(t, path)
	if got := b.eval(t, "window.broken"); got != "undefined" {
		t.Errorf("a script that is not ours ran: %s", got)
	}
}

// Without this a page about values of every size could grow beyond all bounds.
func TestTableIsBounded(t *testing.T) {
	texts := newTable()
	for i := range 40_000 {
		texts.of(fmt.Sprint(i, strings.Repeat("x", maxShownText)))
	}
	if texts.bytes > maxTableBytes+2*maxShownText {
		t.Errorf("the table has %d bytes, want %d at most", texts.bytes, maxTableBytes)
	}
	if last := texts.Texts[texts.of("one more")-1]; !strings.HasPrefix(last, "(left out") {
		t.Errorf("what has no room is shown as %q", last)
	}
	if n := texts.of("0" + strings.Repeat("x", maxShownText)); n != 1 {
		t.Errorf("a text that is there already has number %d, want 1", n)
	}
}
