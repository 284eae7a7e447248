package nemesis

import (
	"fmt"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A Trigger is what an injection waits for, from its planned moment on until
// Until. One of Ops, InFlight, Log, Probe and Fault is set; Fault is for this
// package to wait for, the others for whoever runs the plan.
type Trigger struct {
	// Until is the last moment, on the axis of At: later, the fault could not
	// be over in time.
	Until time.Duration `json:"until_ns"`
	// Ops is how many operations must have ended.
	Ops int `json:"ops,omitempty"`
	// Fault is the line of another fault, as in "storm/kill", that must reach
	// Stage; By later the trigger fires.
	Fault string        `json:"fault,omitempty"`
	Stage history.Stage `json:"stage,omitempty"`
	By    time.Duration `json:"by_ns,omitempty"`
	// InFlight is an operation that must be under way.
	InFlight string `json:"in_flight,omitempty"`
	// Log is a regular expression that a line must match.
	Log string `json:"log,omitempty"`
	// Probe is asked until it says yes.
	Probe *Probe `json:"probe,omitempty"`
	// Node is the node of InFlight, Log and Probe; empty: any.
	Node string `json:"node,omitempty"`
}

// A Probe is a question with yes or no for an answer: a path that a node is
// asked for by HTTP, or a command on the orchestrator's machine.
type Probe struct {
	HTTP string `json:"http,omitempty"`
	Port string `json:"port,omitempty"`
	// Field and Is are where in the answer to look, and what must stand there.
	Field   string   `json:"field,omitempty"`
	Is      string   `json:"is,omitempty"`
	Command []string `json:"command,omitempty"`
}

// String says in a few words what the trigger waits for.
func (t Trigger) String() string {
	where := ""
	if t.Node != "" {
		where = " on " + t.Node
	}
	switch {
	case t.Ops > 0:
		return fmt.Sprintf("after %d operations", t.Ops)
	case t.Fault != "":
		text := "after " + t.Fault + " is " + string(t.Stage)
		if t.By > 0 {
			text = t.By.String() + " " + text
		}
		return text
	case t.InFlight != "":
		return "when a " + t.InFlight + " is in flight" + where
	case t.Log != "":
		return fmt.Sprintf("when a line matches %q", t.Log) + where
	case t.Probe != nil && t.Probe.HTTP != "":
		return "when " + t.Probe.HTTP + " says yes" + where
	case t.Probe != nil:
		return "when " + strings.Join(t.Probe.Command, " ") + " says yes"
	}
	return "never"
}
