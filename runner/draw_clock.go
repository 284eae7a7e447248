package runner

import "github.com/shakedown-dev/shakedown/nemesis"

// drawClock turns a skew into one step and a jump into two: forward, and
// halfway to the heal back to as far in the past.
func drawClock(p *Plan, in *nemesis.Injection, d *draft) error {
	c := d.fault.Clock
	in.Clock = []nemesis.ClockStep{{Offset: c.Skew}}
	if c.Skew == 0 {
		in.Clock = []nemesis.ClockStep{{Offset: c.Jump}, {After: in.For / 2, Offset: -c.Jump}}
	}
	return drawNodes(p, in, d)
}
