package runner

import (
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// drawDisk turns what a scenario says about a disk into what the agent does.
func drawDisk(p *Plan, in *nemesis.Injection, d *draft) error {
	f := d.fault.Disk
	in.Disk = &agent.Disk{
		Kind: f.Kind, Path: f.Path, Ops: f.Calls, Delay: f.Delay, Room: f.RoomBytes,
		Lose: f.Lose, Files: f.Files, Bits: f.Bits, Cut: f.CutBytes, Age: f.Age, Restore: f.Restore,
		Seed: d.stream.seed(),
	}
	if in.At < f.Age {
		return fmt.Errorf("it comes %s after the beginning, when nothing can be as old as %s; let it come later", in.At, f.Age)
	}
	return drawNodes(p, in, d)
}

// HurtsDisks says whether a fault of the plan is one of disks, for which they
// must be mounted before the nodes start.
func (p *Plan) HurtsDisks() bool {
	return slices.ContainsFunc(p.Faults, func(in nemesis.Injection) bool {
		return nemesis.Needs(in.Fault, nemesis.NeedsDisks)
	})
}
