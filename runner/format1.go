package runner

import (
	"bytes"
	"encoding/json"
)

// fromFormat1 makes a plan of the present format out of one of format 1, in
// which a fault of the scenario held the options of all kinds side by side.
// Injections were the same.
func fromFormat1(data []byte) ([]byte, error) {
	var plan map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a seed has more digits than a float holds
	if err := d.Decode(&plan); err != nil {
		return nil, err
	}
	plan["format"] = format
	scenario, _ := plan["scenario"].(map[string]any)
	phases, _ := scenario["phases"].([]any)
	for _, p := range phases {
		phase, _ := p.(map[string]any)
		faults, _ := phase["faults"].([]any)
		for _, f := range faults {
			if fault, ok := f.(map[string]any); ok {
				gather(fault)
			}
		}
	}
	return json.Marshal(plan)
}

// gather puts the options of a fault into an object named after its kind.
func gather(fault map[string]any) {
	kind, _ := fault["fault"].(string)
	options := map[string][]string{
		"partition": {"shape", "groups", "pairs"},
		"clock":     {"skew_ns", "jump_ns"},
		"latency":   {"delay_ns", "jitter_ns", "loss", "reorder", "direction", "pairs"},
	}[kind]
	if options == nil {
		return
	}
	own := map[string]any{}
	for _, option := range options {
		if v, ok := fault[option]; ok {
			own[option] = v
			delete(fault, option)
		}
	}
	fault[kind] = own
}
