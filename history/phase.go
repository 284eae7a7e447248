package history

import (
	"encoding/json"
	"time"
)

// phaseEnd is the phase whose event is the last one of a complete history.
const phaseEnd = "end"

// Announcement returns what the run said at its beginning that it would do,
// and false if it did not say.
func (h *History) Announcement() (Announcement, bool) {
	for i := range h.Ops {
		op := &h.Ops[i]
		var announced Announcement
		if op.Process == Nemesis && op.F == "plan" && json.Unmarshal(op.Value, &announced) == nil {
			return announced, true
		}
	}
	return Announcement{}, false
}

// A PhaseWindow is a stretch of the run, [From, To).
type PhaseWindow struct {
	Name     string
	From, To time.Duration
}

// Phases returns the phases in order, with "heal", "settle" and "final-reads"
// but without the mark "end". The last phase of a history that was cut short
// ends with its last event.
func (h *History) Phases() []PhaseWindow {
	var phases []PhaseWindow
	open := false
	for i := range h.Ops {
		name, ok := phaseOf(&h.Ops[i])
		if !ok {
			continue
		}
		at := h.Ops[i].Time
		if open {
			phases[len(phases)-1].To = at
		}
		if open = name != phaseEnd; open {
			phases = append(phases, PhaseWindow{Name: name, From: at})
		}
	}
	if open {
		phases[len(phases)-1].To = h.Ops[len(h.Ops)-1].Time
	}
	return phases
}

// Ended reports whether the phase "end" was written: the run got to its end,
// and the history is complete.
func (h *History) Ended() bool {
	for i := len(h.Ops) - 1; i >= 0; i-- {
		if name, ok := phaseOf(&h.Ops[i]); ok {
			return name == phaseEnd
		}
	}
	return false
}

// FinalWanted returns how many final operations must be ok, as the run said
// when it began with them; 0 if it did not say.
func (h *History) FinalWanted() int {
	for i := len(h.Ops) - 1; i >= 0; i-- {
		var event PhaseEvent
		op := &h.Ops[i]
		if op.Process == Nemesis && op.F == "phase" && json.Unmarshal(op.Value, &event) == nil && event.Wanted > 0 {
			return event.Wanted
		}
	}
	return 0
}

func phaseOf(op *Op) (string, bool) {
	var event PhaseEvent
	if op.Process != Nemesis || op.F != "phase" || json.Unmarshal(op.Value, &event) != nil {
		return "", false
	}
	return event.Phase, true
}
