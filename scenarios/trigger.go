package scenarios

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// maxTriggerOps bounds the operations that a trigger waits for.
const maxTriggerOps = maxPlanned

// A Trigger is what a fault waits for once its moment has come. It fires once
// for each moment of the fault, or never: it is given up when the fault could
// not be over before its next moment, or the end of the phase. One of Ops,
// InFlight, Log, Probe and Fault is set.
type Trigger struct {
	// Ops is how many operations must have ended since the moment.
	Ops int `json:"ops,omitempty"`
	// Fault is the line of another fault, as in "storm/kill", that must have
	// reached Stage, in-force or healed, since the moment; By later it fires.
	Fault string        `json:"fault,omitempty"`
	Stage string        `json:"stage,omitempty"`
	By    time.Duration `json:"by_ns,omitempty"`
	// InFlight is an operation, such as write, that must be under way.
	InFlight string `json:"in_flight,omitempty"`
	// Log is a regular expression that a line logged since must match.
	Log string `json:"log,omitempty"`
	// Probe is asked again and again until it says yes.
	Probe *Probe `json:"probe,omitempty"`
	// Node is the node of InFlight, Log and Probe; empty: any.
	Node string `json:"node,omitempty"`
}

// A Probe is a question with yes or no for an answer: to a node by HTTP, or to
// a command on this machine, which says yes by ending with code 0.
type Probe struct {
	*Ask
	Command []string `json:"command,omitempty"`
}

// readTrigger reads what a fault waits for: after something was done so often
// or happened, or when something holds.
func readTrigger(s section, w *When) {
	after, hasAfter := s.fields["after"]
	when, hasWhen := s.fields["when"]
	switch {
	case hasAfter && hasWhen:
		when.report("after and when are both given", "keep one of them")
	case hasAfter:
		w.Trigger = readAfter(after)
	case hasWhen:
		w.Trigger = readCondition(when)
	}
}

func readAfter(v value) *Trigger {
	t := &Trigger{}
	s := v.section("ops", "fault", "is", "by")
	if !oneOf(s, "ops", "fault") {
		return t
	}
	s.integer("ops", &t.Ops, 1, maxTriggerOps)
	if !s.has("fault") {
		for _, option := range []string{"is", "by"} {
			if s.has(option) {
				s.at(option).reportf("leave it out", "%s belongs to fault", option)
			}
		}
		return t
	}
	s.text("fault", &t.Fault)
	t.Stage = "healed"
	s.word("is", "stage", &t.Stage, names(Stages()))
	s.duration("by", &t.By, 0, maxPhase)
	return t
}

func readCondition(v value) *Trigger {
	t := &Trigger{}
	s := v.section("in_flight", "log", "probe", "node")
	if !oneOf(s, "in_flight", "log", "probe") {
		return t
	}
	s.text("in_flight", &t.InFlight)
	s.name("node", &t.Node)
	if log, ok := s.fields["log"]; ok {
		read(s, "log", &t.Log, value.text)
		if _, err := regexp.Compile(t.Log); err != nil {
			log.reportf("write it as in \"became leader\"", "%q is no regular expression: %v", t.Log, err)
		}
	}
	if probe, ok := s.fields["probe"]; ok {
		t.Probe = readProbe(probe)
	}
	return t
}

func readProbe(v value) *Probe {
	p := &Probe{}
	s := v.section(append(askFields(), "command")...)
	if !oneOf(s, "http", "command") {
		return p
	}
	if s.has("command") {
		read(s, "command", &p.Command, value.command)
		return p
	}
	p.Ask = readAsk(s)
	return p
}

// oneOf reports a section that has not exactly one of the fields.
func oneOf(s section, fields ...string) bool {
	var has []string
	for _, f := range fields {
		if s.has(f) {
			has = append(has, f)
		}
	}
	switch {
	case !s.value.isMapping(): // reported
	case len(has) == 0:
		s.reportf("it can be "+orList(fields), "nothing says what is waited for")
	case len(has) > 1:
		s.at(has[1]).reportf("keep one of them", "%s and %s are both given", has[0], has[1])
	default:
		return true
	}
	return false
}

// Stages are what a fault can wait for in another.
func Stages() []Word {
	return []Word{
		{"in-force", "it has been seen to bite"},
		{"healed", "it has been seen to be gone"},
	}
}

// Triggers are what a fault can wait for, besides its time.
func Triggers() []Word {
	return []Word{
		{"after: {ops: 500}", "so many operations have ended since its moment"},
		{"after: {fault: kill, is: healed, by: 2s}", "another fault of the phase is in-force or healed, and 2s have passed"},
		{"when: {in_flight: write, node: n1}", "such an operation is under way, on that node or any"},
		{"when: {log: \"became leader\", node: n1}", "that node, or any, logs a line that the regular expression matches"},
		{"when: {probe: {http: /ready, is: true, field: \"json:ok\"}, node: n1}", "that node, or any, answers so"},
		{"when: {probe: {command: [./check]}}", "the command, run on this machine, ends with code 0"},
	}
}

// checkTrigger reports what a trigger waits for that there is not. The fault
// that it names is looked for by bindFaults.
func checkTrigger(s section, t *Trigger, sc *Scenario) {
	if t == nil {
		return
	}
	when := s.at("when")
	if t.Node != "" {
		checkNode(when.field("node"), t.Node, sc.System.Nodes)
	}
	if known := slices.Sorted(maps.Keys(sc.Workload.Mix)); t.InFlight != "" && !slices.Contains(known, t.InFlight) && len(known) > 0 {
		when.field("in_flight").reportf("it can be "+orList(known), "the workload has no operation %q", t.InFlight)
	}
	if t.Probe != nil && t.Probe.Ask != nil {
		checkAskPort(when.field("probe").field("port"), t.Probe.Ask, sc.System)
	}
}
