package serve

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// open opens an address of a server in a headless Chromium, or skips the test
// where there is none. What it returns evaluates a script in the page.
func open(t *testing.T) (show func(url string), eval func(script string) string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here to open the page in")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := context.WithTimeout(allocator, time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	show = func(url string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
	}
	return show, func(script string) string {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => String(await ("+script+")))()", chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return out
	}
}

// until is a promise that a condition comes to hold.
func until(condition string) string {
	return "new Promise(done => { const look = () => (" + condition + ") ? done(true) : setTimeout(look, 20); look(); })"
}

// Without this the live view could stand still while the run goes on.
func TestLiveViewFollowsARun(t *testing.T) {
	root := sample(t)
	s := httptest.NewServer(handler(t, root))
	t.Cleanup(s.Close)
	show, eval := open(t)
	show(s.URL + "/runs/queue/" + liveRun + "/")
	eval(until(`document.querySelector("#counts").textContent === "1 ok, 0 fail, 0 unknown"`))
	if got := eval(`[document.querySelector("#phase").textContent, document.querySelector("#faults").textContent].join()`); got != "storm,storm/kill#1 (inject)" {
		t.Errorf("the page says %q", got)
	}
	more := `me_ns":5000000,"process":1,"type":"invoke","f":"read"}
{"index":5,"time_ns":6000000,"process":1,"type":"info","f":"read","error":"` + strings.ReplaceAll(hostile, `"`, `\"`) + `"}
{"index":6,"time_ns":7000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"healed","evidence":"` + strings.ReplaceAll(hostile, `"`, `\"`) + `"}}
{"index":7,"time_ns":7000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#1","stage":"recovered"}}
{"index":8,"time_ns":7000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#2","stage":"set-up","nodes":["n1"]}}
{"index":9,"time_ns":7000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#3","stage":"inject","nodes":["n1"]}}
{"index":10,"time_ns":7000000,"process":"nemesis","type":"info","f":"kill","value":{"id":"storm/kill#3","stage":"failed","error":"no such process"}}
`
	f, err := os.OpenFile(filepath.Join(root, "queue", liveRun, "history.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	eval(until(`document.querySelector("#counts").textContent === "1 ok, 0 fail, 1 unknown" && document.querySelector("#faults").textContent === "none"`))
	if got := eval(`document.querySelectorAll("script").length`); got != "1" {
		t.Errorf("the page has %s scripts: a value came through", got)
	}
	files(t, root, map[string]string{"queue/" + liveRun + "/result.json": `{"format":1,"verdict":"valid","expect":"valid"}`})
	eval(until(`document.querySelector("#hint a") !== null`))
}

// Without this a report could be blank when it is shown by serve, in its sandbox.
func TestListAndReportInABrowser(t *testing.T) {
	s := httptest.NewServer(handler(t, sample(t)))
	t.Cleanup(s.Close)
	show, eval := open(t)
	show(s.URL + "/")
	eval(`(() => { const e = document.querySelector("#search input"); e.value = "queue"; e.dispatchEvent(new Event("input")); })()`)
	if got := eval(`[...document.querySelectorAll("#runs tbody tr")].filter(r => !r.hidden).length`); got != "1" {
		t.Errorf("%s rows fit, want 1", got)
	}
	show(s.URL + "/runs/kv/" + oldRun + "/")
	if got := eval(`location.pathname + " " + document.body.textContent + " " + origin`); got != "/runs/kv/"+oldRun+"/report.html the report null" {
		t.Errorf("the report is %q, want it in an origin of its own", got)
	}
	if got := eval(`fetch("/").then(() => "read", () => "refused")`); got != "refused" {
		t.Error("a report's script can read the list")
	}
}
