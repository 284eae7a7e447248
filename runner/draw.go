package runner

import (
	"fmt"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// A drawer settles what a draft of one kind of fault leaves open, into in. It
// draws from the stream of the draft and from nothing else.
type drawer func(p *Plan, in *nemesis.Injection, d *draft) error

// drawers are the drawers of all kinds of faults, those alike together. Each
// has a file of its own, named after it.
func drawers() map[string]drawer {
	return map[string]drawer{
		// Of links between nodes.
		nemesis.FaultPartition: drawPartition,
		nemesis.FaultLatency:   drawLatency,

		// Of a node and its processes.
		nemesis.FaultKill:  drawNodes,
		nemesis.FaultPause: drawNodes,
		nemesis.FaultClock: drawClock,

		// Of a node's disk.
		nemesis.FaultDisk: drawDisk,
	}
}

// draw settles what a draft leaves open.
func (p *Plan) draw(d *draft) (nemesis.Injection, error) {
	in := nemesis.Injection{ID: d.id, Fault: d.fault.Fault, Phase: d.phase, At: d.at, For: d.fault.For, Target: d.fault.Target}
	draw, ok := drawers()[in.Fault]
	if !ok {
		return in, fmt.Errorf("there is no fault %q", in.Fault)
	}
	err := draw(p, &in, d)
	return in, err
}

// drawNodes picks the targets, unless they are a role. What else a fault is
// must be settled before, since its class says which nodes are free.
func drawNodes(p *Plan, in *nemesis.Injection, d *draft) (err error) {
	if nemesis.IsRole(in.Target) {
		return nil
	}
	in.Nodes, err = nemesis.Pick(in.Target, p.Nodes, p.free(*in), d.stream.rng)
	return err
}
