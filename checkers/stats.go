package checkers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// stats counts how operations ended, by kind and by node.
//
// A kind of operation that was tried and never once succeeded proves nothing,
// however right the rest is: the verdict is then Unknown. It is never a
// violation. Counts hold "operations", "ok", "fail" and "info" in all, and the
// same for each kind and node, as in "read ok" and "n1 ok".
type stats struct{}

// Name returns "stats".
func (stats) Name() string { return "stats" }

// Check counts; it takes one pass and does not look at ctx.
func (s stats) Check(_ context.Context, h *history.History) Result {
	operations := h.Operations()
	counts := map[string]int64{"operations": int64(len(operations)), "ok": 0, "fail": 0, "info": 0}
	kinds := make(map[string]bool)
	for _, o := range operations {
		end := o.Type().String()
		kinds[o.Invoke.F] = true
		counts[end]++
		counts[o.Invoke.F+" "+end]++
		if o.Invoke.Node != "" {
			counts[o.Invoke.Node+" "+end]++
		}
	}
	r := Result{Check: s.Name(), Verdict: Valid, Counts: counts}
	if len(operations) == 0 {
		r.Verdict, r.Says = Unknown, []string{"No client invoked any operation."}
		return r
	}
	r.Says = []string{fmt.Sprintf("Clients invoked %s: %d ok, %d failed, %d with an unknown result.",
		say.Number(len(operations), "operation"), counts["ok"], counts["fail"], counts["info"])}
	for _, f := range slices.Sorted(maps.Keys(kinds)) {
		if counts[f+" ok"] == 0 {
			r.Verdict = Unknown
			r.Says = append(r.Says, fmt.Sprintf("No %s ever succeeded (%d failed, %d unknown), so nothing is known about it.",
				f, counts[f+" fail"], counts[f+" info"]))
		}
	}
	return r
}
