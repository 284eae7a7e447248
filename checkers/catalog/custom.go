package catalog

import (
	"maps"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// Customary returns the spec with what the authors of a format mean by it,
// wherever the spec does not say otherwise:
//
//   - Knossos, which judges Jepsen's EDN, takes a read of nil for one that saw
//     nothing. A register begins as nil there, or as 0.
//   - In Jepsen's log lines, as porcupine reads them, nil is the value that a
//     register begins with, and a cas that failed had found another value.
//   - A register of Lee and Mathur begins as 0.
//
// Ours mean the same in EDN as in JSON.
func Customary(spec Spec, format foreign.Format) Spec {
	if spec.Check != "linearizable" || !slices.Contains(checkers.LinearizableModels(), spec.Model) {
		return spec
	}
	usual := map[string][]string{}
	switch format {
	case foreign.JepsenEDN, foreign.JepsenJSON:
		usual = map[string][]string{"null_unknown": {"true"}, "initial": {"null", "0"}}
	case foreign.JepsenLog:
		usual = map[string][]string{"cas_refuses": {"true"}}
	case foreign.LeeMathur:
		usual = map[string][]string{"initial": {"0"}}
	}
	maps.Copy(usual, spec.Options)
	spec.Options = usual
	return spec
}
