package history

import (
	"encoding/json"
	"fmt"
	"time"
)

// Validate returns an error that names the first event that cannot have
// happened: an index that is not the next one, a time before that of the event
// before, a completion without an open invocation or of another operation, a
// second invocation by a process that has one open, a process that goes on
// after an operation ended as Info, a nemesis event that is not Info or whose
// value cannot be read. Such a history must not be judged.
func (h *History) Validate() error {
	processes := make(map[int]processState)
	last := time.Duration(0)
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Index != i {
			return fmt.Errorf("event %d: its index is %d", i, op.Index)
		}
		if op.Time < last {
			return fmt.Errorf("event %d: time goes back from %v to %v", i, last, op.Time)
		}
		last = op.Time
		if err := h.validateStep(op, processes); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}

// A processState is where a client process stands between two events.
type processState struct {
	open    bool
	retired bool
	// last is the index of the open invocation, or of the Info event that
	// retired the process.
	last int
}

func (h *History) validateStep(op *Op, processes map[int]processState) error {
	switch {
	case op.Type > Info:
		return fmt.Errorf("unknown type %d", uint8(op.Type))
	case op.Process == Nemesis:
		return validateNemesis(op)
	case op.Process < 0:
		return fmt.Errorf("process %d is neither a client's nor the nemesis", op.Process)
	}
	state := processes[op.Process]
	if op.Type != Invoke {
		processes[op.Process] = processState{retired: op.Type == Info, last: op.Index}
		return h.validateCompletion(op, state)
	}
	processes[op.Process] = processState{open: true, last: op.Index}
	if state.retired {
		return fmt.Errorf("process %d invokes %s, but was retired when event %d ended as info", op.Process, op.F, state.last)
	}
	if state.open {
		return fmt.Errorf("process %d invokes %s while its %s (event %d) is still open",
			op.Process, op.F, h.Ops[state.last].F, state.last)
	}
	return nil
}

func (h *History) validateCompletion(op *Op, state processState) error {
	if !state.open {
		return fmt.Errorf("process %d completes %s, but has nothing open", op.Process, op.F)
	}
	invoke := &h.Ops[state.last]
	if invoke.F != op.F || invoke.Key != op.Key {
		return fmt.Errorf("process %d completes %s of key %q, but event %d invoked %s of key %q",
			op.Process, op.F, op.Key, state.last, invoke.F, invoke.Key)
	}
	return nil
}

func validateNemesis(op *Op) error {
	if op.Type != Info {
		return fmt.Errorf("the nemesis has an event of type %s, not info", op.Type)
	}
	var into any
	switch op.F {
	case "phase":
		into = &PhaseEvent{}
	case "plan":
		into = &Announcement{}
	default:
		into = &FaultEvent{}
	}
	if err := json.Unmarshal(op.Value, into); err != nil {
		return fmt.Errorf("value of the nemesis event %s: %w", op.F, err)
	}
	return nil
}
