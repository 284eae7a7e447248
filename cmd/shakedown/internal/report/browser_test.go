package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/shakedown-dev/shakedown/history"
)

// A browser is a tab of a headless Chromium with what it complained about.
type browser struct {
	ctx        context.Context
	mu         sync.Mutex // guards complaints
	complaints []string
}

// said are the complaints so far.
func (b *browser) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.complaints, "; ")
}

// newBrowser starts a Chromium, or skips the test where there is none.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no chromium here to open the page in")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1200, 900))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := context.WithTimeout(allocator, 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, fmt.Sprintf("%+v", *e.ExceptionDetails))
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" {
				b.complaints = append(b.complaints, fmt.Sprintf("console: %+v", *e.Args[0]))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open writes the page of r to a file and opens it, with the given end of its address.
func (b *browser) open(t testing.TB, r Run, hash string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := HTML(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.openFile(t, path+hash)
}

// openFile opens a page that was written, and waits until its script is done.
func (b *browser) openFile(t testing.TB, path string) {
	t.Helper()
	for _, url := range []string{"about:blank", "file://" + path} {
		if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
	}
	b.await(t, `document.documentElement.dataset.ready === "yes"`)
}

// await waits until a condition holds in the page.
func (b *browser) await(t testing.TB, condition string) {
	t.Helper()
	b.eval(t, "new Promise(done => { const look = () => ("+condition+") ? done(true) : setTimeout(look, 10); look(); })")
}

// eval returns what a piece of script says, or promises, as text.
func (b *browser) eval(t testing.TB, script string) string {
	t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("(async () => String(await ("+script+")))()", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v; the page said: %s", script, err, b.said())
	}
	return out
}

// Without this the page could be empty in a browser, whatever its text says.
func TestPageInABrowser(t *testing.T) {
	b := newBrowser(t)
	b.open(t, sampleRun(t), "")
	want := map[string]string{
		`document.querySelectorAll("#rows tr").length`:                               "5",
		`document.querySelectorAll("#rows tr td.word.info").length`:                  "2",
		`document.querySelector("#plots").hidden`:                                    "false",
		`getComputedStyle(document.querySelector(".static")).display`:                "none",
		`[...document.querySelectorAll(".track .label b")].map(e => e.textContent)`:  "phase,partition,pause,kill,rate,latency,clients",
		`[...document.querySelectorAll("script")].map(s => s.type).join()`:           "application/json,text/plain,",
		`document.querySelectorAll("img, iframe, object, link").length`:              "0",
		`[...document.querySelectorAll("canvas")].every(c => c.width > 500)`:         "true",
		`performance.getEntriesByType("resource").filter(r => r.name.length).length`: "0",
	}
	for script, answer := range want {
		if got := b.eval(t, script); got != answer {
			t.Errorf("%s is %s, want %s", script, got, answer)
		}
	}
	if drawn := b.eval(t, drawnPixels); drawn == "0" {
		t.Error("nothing is drawn on the time axis")
	}
	if said := b.said(); said != "" {
		t.Errorf("the page complains: %s", said)
	}
}

// drawnPixels counts the pixels of the latency chart that are not empty.
const drawnPixels = `(() => { const c = document.querySelectorAll("canvas")[5]; const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n; })()`

// Without this a link to an operation that someone was sent could lead nowhere.
func TestPageLinksToOneOperation(t *testing.T) {
	b := newBrowser(t)
	b.open(t, sampleRun(t), "#op10")
	if got := b.eval(t, `document.querySelector("#op").textContent`); !strings.Contains(got, "process 1 on n2, events #9 and #10") {
		t.Errorf("the operation of event 10 is told as %q", got)
	}
	if got := b.eval(t, `document.querySelectorAll("tr.chosen").length`); got != "1" {
		t.Errorf("%s rows are marked, want 1", got)
	}
}

// Without this the filters could show what does not fit.
func TestPageFilters(t *testing.T) {
	b := newBrowser(t)
	b.open(t, longRun(20_000, 8), "")
	set := func(selector, value string) {
		b.eval(t, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event("input")); })()`, selector, value))
	}
	total := 0
	for _, o := range longHistory(20_000, 8).Operations() {
		if o.Type() == history.Fail && o.Invoke.Node == "n2" {
			total++
		}
	}
	set(".filters label:nth-child(1) select", "2")
	nodes := b.eval(t, `[...document.querySelectorAll(".filters label:nth-child(4) option")].findIndex(o => o.textContent === "n2")`)
	set(".filters label:nth-child(4) select", nodes)
	b.await(t, fmt.Sprintf(`document.querySelector("#list > p").textContent.replaceAll("\u202f", "").endsWith(" of %d operations that fit, of 20000")`, total))
}

// Without this the decoder and the encoder could each be right in their own way.
func TestPageDecodesWhatWasEncoded(t *testing.T) {
	b := newBrowser(t)
	b.open(t, longRun(3_000, 4), "")
	for _, o := range longHistory(3_000, 4).Operations()[2000:2003] {
		b.eval(t, fmt.Sprintf(`location.hash = "#op%d"`, o.Invoke.Index))
		b.await(t, fmt.Sprintf(`document.querySelector("#op").textContent.includes("#%d and")`, o.Invoke.Index))
		got := b.eval(t, `document.querySelector("#op").textContent`)
		for _, part := range []string{deed(o), fmt.Sprintf("process %d on %s", o.Invoke.Process, o.Invoke.Node), fmt.Sprintf("from %.6fs", float64(micros(o.Start()))/1e6)} {
			if !strings.Contains(got, part) {
				t.Errorf("operation %d is told as %q, want %q", o.Invoke.Index, got, part)
			}
		}
	}
}

// The figures to keep: a million operations painted in 1 s, 30 frames a second.
func BenchmarkPageMillion(b *testing.B) {
	tab := newBrowser(b)
	r := longRun(1_000_000, 200)
	for b.Loop() {
		tab.open(b, r, "")
		paint := tab.eval(b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		b.Logf("first paint after %s ms, ready after %s ms", paint, tab.eval(b, `performance.now()`))
		b.Logf("frames a second while zooming and moving: %s", tab.frames(b))
	}
}

// frames zooms in and out and moves by keys, one step a frame, and counts.
func (b *browser) frames(t testing.TB) string {
	return b.eval(t, `(async () => { const box = document.querySelector("#plots"); box.scrollIntoView();
		const key = k => box.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
		const steps = []; for (let i = 0; i < 20; i++) steps.push("+", "ArrowRight"); for (let i = 0; i < 20; i++) steps.push("-", "ArrowLeft");
		const frame = () => new Promise(requestAnimationFrame); await frame(); const start = performance.now();
		for (const s of steps) { key(s); await frame(); }
		return (steps.length * 1000 / (performance.now() - start)).toFixed(1); })()`)
}

// Without this an operation that was over long before could be drawn as if it
// still ran: the lane of client 0 is empty just before its operation at 3.4 s.
func TestPageDrawsNothingThatIsOver(t *testing.T) {
	b := newBrowser(t)
	b.open(t, sampleRun(t), "#op17")
	const pixel = `(x => { const all = document.querySelectorAll("canvas"); const c = all[all.length - 1];
		return c.getContext("2d").getImageData(Math.round(c.width * x), 8, 1, 1).data[3] > 0; })`
	b.await(t, pixel+"(0.6)")
	if got := b.eval(t, pixel+"(0.2)"); got != "false" {
		t.Error("something is drawn where nothing was open")
	}
}

// Without this the parts of the page could grow into files that nobody reads.
func TestPageFilesAreShort(t *testing.T) {
	entries, err := assets.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	used := append(scripts(), "page.css", "page.html.tmpl")
	for _, e := range entries {
		text, err := assets.ReadFile("page/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 500 {
			t.Errorf("%s has %d lines, and 500 is the wall", e.Name(), n)
		}
		if !slices.Contains(used, e.Name()) {
			t.Errorf("%s is no part of the page", e.Name())
		}
	}
}
