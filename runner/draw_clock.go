package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

// drawClock turns what a scenario says about a clock into steps: a jump is
// two, forward, and halfway to the heal back to as far in the past.
func drawClock(p *Plan, in *nemesis.Injection, d *draft) error {
	c := d.fault.Clock
	shows := agent.Clock{Offset: c.Skew, Period: c.Strobe, Rate: c.Drift, Clocks: c.Clocks, Host: c.Host}
	if c.Freeze {
		shows.Rate = vdso.Still
	}
	in.Clock = []nemesis.ClockStep{{Clock: shows}}
	if c.Jump != 0 {
		forward, back := shows, shows
		forward.Offset, back.Offset = c.Jump, -c.Jump
		in.Clock = []nemesis.ClockStep{{Clock: forward}, {After: in.For / 2, Clock: back}}
	}
	return drawNodes(p, in, d)
}
