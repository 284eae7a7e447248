package report

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// scripts lets the page's scripts run or not.
func (b *browser) scripts(t testing.TB, run bool) {
	t.Helper()
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// Without this the page could be unreadable where scripts do not run: in a mail,
// behind a strict policy, in ten years.
func TestPageWithoutScripts(t *testing.T) {
	b := newBrowser(t)
	b.scripts(t, false)
	path := t.TempDir() + "/report.html"
	if err := os.WriteFile(path, []byte(render(t, skewed())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(b.ctx, chromedp.Navigate("file://"+path)); err != nil {
		t.Fatal(err)
	}
	shown, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"VIOLATION", "Not serializable.", "T1 → T2", "append x 1 · read y → []", "process 0 asks n1: append x 1 · read y.", "What was checked", "needs JavaScript"} {
		if !strings.Contains(shown, part) {
			t.Errorf("without scripts the page does not show %q:\n%s", part, shown)
		}
	}
}

// Without this someone without a mouse could not get at the operations: each
// link of the counterexample leads to one, and the axis moves by keys.
func TestPageByKeyboard(t *testing.T) {
	b := newBrowser(t)
	b.open(t, skewed(), "")
	b.eval(t, `document.querySelector(".cycle table.edges a").focus()`)
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	b.await(t, `!document.querySelector("#op").hidden`)
	if got := b.eval(t, `document.querySelector("#op").textContent`); !strings.Contains(got, "append") {
		t.Errorf("the link leads to %q", got)
	}
	b.eval(t, `document.querySelector("#plots").focus()`)
	whole := b.eval(t, `document.querySelector(".bar .soft").textContent`)
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent("+"), chromedp.KeyEvent("+")); err != nil {
		t.Fatal(err)
	}
	b.await(t, `document.querySelector(".bar .soft").textContent !== "`+whole+`"`)
	if said := b.said(); said != "" {
		t.Errorf("the page complains: %s", said)
	}
}
