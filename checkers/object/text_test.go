package object

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/tiny"
)

// TestTiny reads tiny histories aloud, in the notation of package tiny, each
// with the verdict and its sentences. The command is the model, with its options.
func TestTiny(t *testing.T) {
	used := map[string]bool{}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			o := Options{Smallest: d.HasArg("smallest")}
			if d.HasArg("ttl") {
				var seconds int
				d.ScanArgs(t, "ttl", &seconds)
				o.TTL = time.Duration(seconds) * time.Second
			}
			if d.HasArg("permits") {
				d.ScanArgs(t, "permits", &o.Permits)
			}
			h, err := tiny.Parse(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			c, err := New(d.Cmd, o)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			r := c.Check(context.Background(), h)
			used[fmt.Sprint(d.Cmd, " ", r.Verdict)] = true
			draw(t, r)
			return fmt.Sprintf("%v\n%s\nevidence: %v\n", r.Verdict, strings.Join(r.Says, "\n"), r.Evidence)
		})
	})
	for _, m := range Models() {
		for _, v := range []checkers.Verdict{checkers.Valid, checkers.Violation, checkers.Unknown} {
			if !used[m.Name+" "+v.String()] {
				t.Errorf("no history shows a %s that is %v", m.Name, v)
			}
		}
	}
}

// draw makes the pages, which must not fail, and of a violation must be there.
func draw(t *testing.T, r checkers.Result) {
	if r.Verdict == checkers.Violation && (len(r.Pages) == 0 || len(r.Evidence) == 0) {
		t.Errorf("a violation without a page or evidence: %v", r.Says)
	}
	for _, p := range r.Pages {
		var b strings.Builder
		if err := p.Write(&b); err != nil || b.Len() == 0 {
			t.Errorf("%s: %v, %d bytes", p.Name, err, b.Len())
		}
	}
}
