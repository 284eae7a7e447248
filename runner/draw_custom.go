package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// step is a step as the nemesis takes it.
func step(s scenarios.Step) nemesis.Step {
	return nemesis.Step{
		Run: s.Run, OnHost: s.On == "orchestrator", OnVia: s.On == "other", Method: s.Method, URL: s.URL, Body: s.Body, Says: s.Says, SaysNot: s.SaysNot,
	}
}

// drawCustom takes over what the scenario says.
func drawCustom(p *Plan, in *nemesis.Injection, d *draft) error {
	c := d.fault.Custom
	in.Custom = &nemesis.Custom{Inject: step(c.Inject), Verify: step(c.Verify), Heal: step(c.Heal), Within: c.Within}
	if c.Gone != nil {
		gone := step(*c.Gone)
		in.Custom.Gone = &gone
	}
	return drawNodes(p, in, d)
}
