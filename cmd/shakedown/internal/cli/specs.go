package cli

import (
	"io/fs"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// specsOf turns a scenario's checks into what the checkers take. Whatever the
// scenario says, the operations are counted and the pass has to be earned.
func specsOf(s *scenarios.Scenario, logs fs.FS) []checkers.Spec {
	var out []checkers.Spec
	for _, c := range s.Checks {
		spec := checkers.Spec{Check: c.Check, Model: c.Model, Timeout: c.Timeout, Within: c.Within, Forbid: c.Forbid}
		if c.Check == "logs" {
			spec.Logs = logs
		}
		out = append(out, spec)
	}
	if !slices.ContainsFunc(out, named("stats")) {
		out = append(out, checkers.Spec{Check: "stats"})
	}
	if !slices.ContainsFunc(out, named("earned")) {
		out = append(out, checkers.Spec{Check: "earned"})
	}
	for i := range out {
		if out[i].Check == "earned" {
			out[i].OKAtLeast = s.Earned.OKAtLeast
			out[i].EveryFaultTookHold = s.Earned.EveryFaultTookHold
		}
	}
	return out
}

// bareSpecs are for a history that comes without a scenario.
func bareSpecs() []checkers.Spec {
	return []checkers.Spec{{Check: "linearizable", Model: "cas-register"}, {Check: "stats"}}
}

func named(check string) func(checkers.Spec) bool {
	return func(s checkers.Spec) bool { return s.Check == check }
}

// expected is the verdict that a scenario expects.
func expected(s *scenarios.Scenario) checkers.Verdict {
	if s.Expect == "violation" {
		return checkers.Violation
	}
	return checkers.Valid
}
