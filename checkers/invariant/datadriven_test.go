package invariant

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// TestFiles reads testdata aloud. The commands:
//
//	load           a file of rules, or its error
//	where          one expression, or its error
//	use name=…     a rule that comes with us
//	judge          a history, by the rules that were loaded last
//
// Every history is also given to the rules event by event, and both must agree.
func TestFiles(t *testing.T) {
	datadriven.Walk(t, "testdata/rules", func(t *testing.T, path string) {
		var rules []*Rule
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var err error
			switch d.Cmd {
			case "load":
				rules, err = Load("rules.star", []byte(d.Input))
			case "where":
				var rule *Rule
				rule, err = Where("rule", "", "", d.Input)
				rules = []*Rule{rule}
			case "use":
				var name string
				d.ScanArgs(t, "name", &name)
				var rule *Rule
				rule, err = UseBundled(name)
				rules = []*Rule{rule}
			case "judge":
				return judgeAll(t, rules, parseHistory(t, d.Input))
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			if err != nil {
				return err.Error()
			}
			return "ok"
		})
	})
}

func judgeAll(t *testing.T, rules []*Rule, h *history.History) string {
	var b strings.Builder
	for _, r := range rules {
		result := r.Check(context.Background(), h)
		again := r.Check(context.Background(), h)
		if describe(result) != describe(again) {
			t.Errorf("%s judges differently the second time:\n%s\n%s", r.Name(), describe(result), describe(again))
		}
		agreesOnline(t, r, h, result)
		if about := result.Rule; about == nil || (about.Broken > 0) != (result.Verdict == checkers.Violation) ||
			about.Evaluated != result.Counts["evaluated"] || about.Broken > 0 && about.Event >= len(h.Ops) {
			t.Errorf("%s says of itself %+v, with %s", r.Name(), about, describe(result))
		}
		if len(rules) > 1 {
			b.WriteString(r.Name() + ": ")
		}
		b.WriteString(describe(result))
	}
	return b.String()
}

func describe(r checkers.Result) string {
	var b strings.Builder
	b.WriteString(r.Verdict.String())
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(&b, " %s=%d", name, r.Counts[name])
	}
	b.WriteString("\n")
	for _, s := range r.Says {
		b.WriteString("  " + s + "\n")
	}
	if len(r.Evidence) > 0 {
		fmt.Fprintf(&b, "  evidence %v\n", r.Evidence)
	}
	return b.String()
}

// agreesOnline watches the history event by event. What it finds, the check must
// find; what the check finds, it must find if that does not need the end.
func agreesOnline(t *testing.T, r *Rule, h *history.History, offline checkers.Result) {
	watch, ok := r.Watch(context.Background())
	if !ok {
		return
	}
	defer watch.Close()
	var broken *Break
	for _, e := range h.Ops {
		broken = cmp.Or(broken, watch.Observe(e))
	}
	if broken != nil && (offline.Verdict != checkers.Violation || !slices.Equal(broken.Evidence, offline.Evidence)) {
		t.Errorf("%s: online %v, but the check says %s", r.Name(), broken, describe(offline))
	}
}
