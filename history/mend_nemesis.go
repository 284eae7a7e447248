package history

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A faultMender understands the nemesis of a foreign history. Jepsen writes two
// Info events for each thing that its nemesis does, one before and one after,
// both with the same F: start, start, stop, stop.
type faultMender struct {
	// begun are the things before which an event was written and none after.
	begun map[string]begun
	// inForce is, by F, the ID of the fault that waits to be healed.
	inForce map[string]string
	count   map[string]int
}

// A begun step waits for the event that says that it is done.
type begun struct {
	id    string
	heals string // the F of the fault that it heals; empty if it injects
}

func newFaultMender() *faultMender {
	return &faultMender{begun: make(map[string]begun), inForce: make(map[string]string), count: make(map[string]int)}
}

// A foreignFault is a FaultEvent that keeps what the foreign history said.
type foreignFault struct {
	FaultEvent
	Value json.RawMessage `json:"value,omitempty"`
}

// nemesis gives a foreign nemesis event the value of a [FaultEvent]. The first
// event with an F is the injection, the second says that it is in force, with
// its value as the evidence. "stop" heals "start", "resume" heals "pause" and
// so on, see [cures]; what nothing heals (a node joins) is over when it is done.
// The event's own value is kept in the field "value".
func (m *faultMender) nemesis(op *Op) error {
	if understood(op) {
		return nil
	}
	event := foreignFault{Value: op.Value}
	event.Nodes = nodesIn(op.Value)
	event.Error, op.Error = op.Error, ""
	step, ok := m.begun[op.F]
	if ok {
		delete(m.begun, op.F)
		event.ID, event.Stage = step.id, m.done(op.F, step)
		event.Evidence = words(op.Value)
	} else {
		step = m.begin(op.F)
		event.ID, event.Stage = step.id, StageInject
		if step.heals != "" {
			event.Stage = StageHeal
		}
		event.Says = words(op.Value)
	}
	value, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("value of the nemesis event %s: %w", op.F, err)
	}
	op.Value = value
	return nil
}

// understood reports whether the event is one of ours already.
func understood(op *Op) bool {
	switch op.F {
	case "phase":
		var phase PhaseEvent
		return json.Unmarshal(op.Value, &phase) == nil && phase.Phase != ""
	case "plan":
		var plan Announcement
		return json.Unmarshal(op.Value, &plan) == nil && plan.Scenario != ""
	}
	var event FaultEvent
	if json.Unmarshal(op.Value, &event) != nil || event.ID == "" {
		return false
	}
	return slices.Contains([]Stage{StageSetUp, StageInject, StageInForce, StageHeal, StageHealed, StageRecovered, StageFailed}, event.Stage)
}

// begin finds out whether f heals a fault or is a new one.
func (m *faultMender) begin(f string) begun {
	for _, ill := range cures(f) {
		if id, ok := m.inForce[ill]; ok {
			m.begun[f] = begun{id, ill}
			return m.begun[f]
		}
	}
	m.count[f]++
	step := begun{id: fmt.Sprintf("%s#%d", f, m.count[f])}
	m.begun[f] = step
	if lasts(f) {
		m.inForce[f] = step.id
	}
	return step
}

// done returns the stage that the second event of a step means.
func (m *faultMender) done(f string, step begun) Stage {
	if step.heals != "" {
		delete(m.inForce, step.heals)
		return StageHealed
	}
	if lasts(f) {
		return StageInForce
	}
	return StageHealed
}

// cures returns the faults that f heals if they are in force, in the words of
// Jepsen's own nemeses and of those of its tests.
func cures(f string) []string {
	switch f {
	case "stop":
		return []string{"start"}
	case "start":
		return []string{"kill"}
	case "resume":
		return []string{"pause"}
	case "recover", "heal":
		return []string{"isolate", "partition", "start", "kill"}
	case "reset", "reset-clock":
		return []string{"bump", "bump-clock", "strobe", "strobe-clock"}
	}
	if what, ok := strings.CutPrefix(f, "stop-"); ok {
		return []string{"start-" + what}
	}
	return nil
}

// lasts reports whether f is a fault that stays until something heals it.
func lasts(f string) bool {
	switch f {
	case "start", "kill", "pause", "isolate", "partition", "bump", "bump-clock", "strobe", "strobe-clock":
		return true
	}
	return strings.HasPrefix(f, "start-")
}

// nodesIn returns the nodes that a value names: a list of strings, or the keys
// of an object of strings.
func nodesIn(value json.RawMessage) []string {
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return list
	}
	var each map[string]string
	if json.Unmarshal(value, &each) != nil {
		return nil
	}
	for node := range each {
		list = append(list, node)
	}
	slices.Sort(list)
	return list
}

// words returns a value as a person would say it.
func words(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
