package cli

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// specsOf turns a scenario's checks into what the checkers take. Whatever the
// scenario says, the operations are counted and the pass has to be earned.
func specsOf(s *scenarios.Scenario, logs fs.FS) []catalog.Spec {
	var out []catalog.Spec
	for _, c := range s.Checks {
		spec := catalog.Spec{Check: c.Check, Model: c.Model, Isolation: c.Isolation, Timeout: c.Timeout, Options: map[string][]string{}}
		maps.Copy(spec.Options, c.Options)
		if c.Within > 0 {
			spec.Options["within"] = []string{c.Within.String()}
		}
		if len(c.Forbid) > 0 {
			spec.Options["forbid"] = c.Forbid
		}
		if c.Check == "logs" {
			spec.Logs = logs
		}
		out = append(out, spec)
	}
	if !slices.ContainsFunc(out, named("stats")) {
		out = append(out, catalog.Spec{Check: "stats"})
	}
	if !slices.ContainsFunc(out, named("earned")) {
		out = append(out, catalog.Spec{Check: "earned"})
	}
	for i := range out {
		if out[i].Check == "earned" {
			out[i].Options = map[string][]string{
				"ok_at_least":           {strconv.Itoa(s.Earned.OKAtLeast)},
				"every_fault_took_hold": {strconv.FormatBool(s.Earned.EveryFaultTookHold)},
			}
		}
	}
	return out
}

// bareSpecs are for a history that comes without a scenario: what its
// operations look like decides, unless a model is named.
func bareSpecs(h *history.History, model string) []catalog.Spec {
	check := catalog.Spec{Check: "linearizable", Model: model}
	if model == "" {
		check = customary(h)
	}
	for _, o := range h.Operations() {
		switch {
		case o.Invoke.F != "txn":
			continue
		case bytes.Contains(o.Value(), []byte(`"append"`)):
			return []catalog.Spec{{Check: "list-append"}, {Check: "stats"}}
		}
		check = catalog.Spec{Check: "rw-register"}
	}
	return []catalog.Spec{check, {Check: "stats"}}
}

// bareModel is what linearizable checks against when nobody says.
const bareModel = "cas-register"

func named(check string) func(catalog.Spec) bool {
	return func(s catalog.Spec) bool { return s.Check == check }
}

// expected is the verdict that a scenario expects.
func expected(s *scenarios.Scenario) checkers.Verdict {
	if s.Expect == "violation" {
		return checkers.Violation
	}
	return checkers.Valid
}
