package report

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// clockSteps are the offsets that a node's clock had, from moment to moment.
type clockSteps struct {
	Node  string      `json:"node"`
	Steps []clockStep `json:"steps"`
}

// A clockStep is the moment from which a clock was off; both in microseconds.
type clockStep struct {
	At     int64 `json:"at"`
	Offset int64 `json:"offset"`
}

var offsetPattern = regexp.MustCompile(`(\S+): clock offset ([+-]?[0-9.a-zµ]+)`)

// clockOffsets finds how far each node's clock was off. Only what was read back
// from the node counts, not what was asked for.
func clockOffsets(h *history.History) []clockSteps {
	by := map[string][]clockStep{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Process != history.Nemesis || op.F != "clock" {
			continue
		}
		var event history.FaultEvent
		if json.Unmarshal(op.Value, &event) != nil {
			continue
		}
		for _, m := range offsetPattern.FindAllStringSubmatch(event.Evidence, -1) {
			if off, err := time.ParseDuration(m[2]); err == nil {
				by[m[1]] = append(by[m[1]], clockStep{micros(op.Time), micros(off)})
			}
		}
	}
	out := make([]clockSteps, 0, len(by))
	for node, steps := range by {
		out = append(out, clockSteps{node, steps})
	}
	slices.SortFunc(out, func(a, b clockSteps) int { return compareNodes(a.Node, b.Node) })
	return out
}

func stepsOf(all []clockSteps, node string) []clockStep {
	for _, c := range all {
		if c.Node == node {
			return c.Steps
		}
	}
	return nil
}
