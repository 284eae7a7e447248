package runner

import (
	"math/rand/v2"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// diskOf turns what a scenario says about a disk into what the agent does.
func diskOf(d scenarios.Disk, rng *rand.Rand) *agent.Disk {
	return &agent.Disk{
		Kind: d.Kind, Path: d.Path, Ops: d.Calls, Delay: d.Delay, Room: d.RoomBytes,
		Lose: d.Lose, Seed: rng.Uint64() >> 11, // exact in JSON
	}
}

// HurtsDisks says whether a fault of the plan is one of disks, for which they
// must be mounted before the nodes start.
func (p *Plan) HurtsDisks() bool {
	for _, in := range p.Faults {
		if in.Fault == nemesis.FaultDisk {
			return true
		}
	}
	return false
}
