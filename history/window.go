package history

import (
	"encoding/json"
	"strings"
	"time"
)

// A FaultWindow is one injected fault from beginning to end. Of the
// moments, those that did not happen are -1.
type FaultWindow struct {
	ID    string
	Fault string // "partition", "kill", …
	Nodes []string
	Role  string
	Cuts  [][2]string
	Says  string
	// Evidence is how it was seen to bite.
	Evidence string
	// Error is why it could not be injected, shown or healed; empty if all went well.
	Error string

	Inject, InForce, Heal, Healed time.Duration
	// Recovered is when the nodes served again; -1 also in histories that do
	// not say.
	Recovered time.Duration

	// Events are the indexes of its events.
	Events []int
}

// TookHold reports whether the fault was seen to bite. A fault that did not
// proves nothing about the system.
func (f FaultWindow) TookHold() bool {
	return f.InForce >= 0
}

// Covers reports whether the fault may have been in force at some moment of
// [from, to]: from the moment when it was asked for until it was seen to be
// gone. A fault that was never seen to be gone covers all that follows.
func (f FaultWindow) Covers(from, to time.Duration) bool {
	return f.Inject >= 0 && f.Inject <= to && (f.Healed < 0 || from <= f.Healed)
}

// Faults returns all faults in order of injection. Nemesis events whose value
// cannot be read are left out; [History.Validate] names them.
func (h *History) Faults() []FaultWindow {
	var windows []FaultWindow
	byID := make(map[string]int)
	for i := range h.Ops {
		op := &h.Ops[i]
		var event FaultEvent
		if !isFault(op) || json.Unmarshal(op.Value, &event) != nil {
			continue
		}
		at, ok := byID[event.ID]
		if !ok {
			at = len(windows)
			byID[event.ID] = at
			windows = append(windows, FaultWindow{
				ID: event.ID, Fault: op.F, Inject: -1, InForce: -1, Heal: -1, Healed: -1, Recovered: -1,
			})
		}
		windows[at].add(op, event)
	}
	return windows
}

func isFault(op *Op) bool {
	return op.Process == Nemesis && op.F != "phase" && op.F != "plan"
}

// add takes in the next event of the fault. What a stage does not repeat stays
// as the stage before said it; a step done twice keeps its first moment,
// because from there on it may have bitten.
func (f *FaultWindow) add(op *Op, event FaultEvent) {
	f.Events = append(f.Events, op.Index)
	if len(event.Nodes) > 0 {
		f.Nodes = event.Nodes
	}
	if len(event.Cuts) > 0 {
		f.Cuts = event.Cuts
	}
	if event.Role != "" {
		f.Role = event.Role
	}
	switch event.Stage {
	case StageInject:
		first(&f.Inject, op.Time)
		f.Says = also(f.Says, event.Says)
	case StageInForce:
		first(&f.InForce, op.Time)
		f.Says = also(f.Says, event.Says)
		f.Evidence = also(f.Evidence, event.Evidence)
	case StageHeal:
		first(&f.Heal, op.Time)
	case StageHealed:
		// The last one counts here: until then it may have bitten.
		f.Healed = op.Time
	case StageRecovered:
		first(&f.Recovered, op.Time)
	case StageFailed:
		f.Error = also(f.Error, event.Error)
	}
}

func first(moment *time.Duration, at time.Duration) {
	if *moment < 0 {
		*moment = at
	}
}

// also adds a remark to those there are, once. A remark may be of several parts.
func also(said, more string) string {
	if said == "" || more == "" {
		return said + more
	}
	if strings.Contains("; "+said+"; ", "; "+more+"; ") {
		return said
	}
	return said + "; " + more
}
