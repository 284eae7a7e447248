package runner

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A drawer settles what a draft of one kind of fault leaves open, into in. It
// draws from the stream of the draft and from nothing else.
type drawer func(p *Plan, in *nemesis.Injection, d *draft) error

// drawers are the drawers of all kinds of faults, those alike together. Each
// has a file of its own, named after it.
func drawers() map[string]drawer {
	return map[string]drawer{
		// Of links between nodes.
		nemesis.FaultPartition:   drawPartition,
		nemesis.FaultLatency:     drawLatency,
		nemesis.FaultConnections: drawConnections,
		nemesis.FaultDNS:         drawDNS,

		// Of a node and its processes.
		nemesis.FaultKill:      drawKill,
		nemesis.FaultPause:     drawPause,
		nemesis.FaultClock:     drawClock,
		nemesis.FaultResources: drawResources,

		// Of a node's disk.
		nemesis.FaultDisk: drawDisk,

		// Of the cluster as it is run.
		nemesis.FaultRolling:    drawRolling,
		nemesis.FaultMembership: drawMembership,

		// Whatever the scenario says.
		nemesis.FaultCustom: drawCustom,
	}
}

// draw settles what a draft leaves open.
func (p *Plan) draw(d *draft) (nemesis.Injection, error) {
	in := nemesis.Injection{ID: d.id, Fault: d.fault.Fault, Phase: d.phase, At: d.at, For: d.fault.For, Target: d.fault.Target}
	if len(d.fault.Weights) > 0 {
		in.Target = d.stream.weighted(d.fault.Weights)
	}
	in.Trigger = p.trigger(d)
	draw, ok := drawers()[in.Fault]
	if !ok {
		return in, fmt.Errorf("there is no fault %q", in.Fault)
	}
	err := draw(p, &in, d)
	return in, err
}

// drawNodes picks the targets, unless they can only be known when the fault is
// injected. What else a fault is must be settled before, since its class says
// which nodes are free.
func drawNodes(p *Plan, in *nemesis.Injection, d *draft) (err error) {
	if line, ok := nemesis.SameAs(in.Target); ok {
		in.Nodes, err = p.hitBy(line)
		return err
	}
	if nemesis.IsRole(in.Target) {
		return nil
	}
	free := p.free(*in, roomMargin)
	if !p.fits(in.Target, free) {
		free = p.free(*in, margin)
	}
	if len(d.fault.Weights) > 0 && !p.fits(in.Target, free) {
		fitting := slices.DeleteFunc(slices.Clone(d.fault.Weights), func(w scenarios.Weight) bool { return !p.fits(w.Target, free) })
		if len(fitting) > 0 {
			in.Target = d.stream.weighted(fitting)
		}
		if late(in.Target) {
			return drawNodes(p, in, d)
		}
	}
	in.Nodes, err = nemesis.Pick(in.Target, p.Nodes, free, d.stream.rng)
	return err
}

// late tells whether a target cannot be picked from the nodes.
func late(target string) bool {
	_, same := nemesis.SameAs(target)
	return same || nemesis.IsRole(target)
}

// fits tells whether a target can be had among the free nodes alone. One that
// is only known later always can.
func (p *Plan) fits(target string, free []string) bool {
	if late(target) {
		return true
	}
	picked, err := nemesis.Pick(target, p.Nodes, free, rand.New(rand.NewPCG(0, 0)))
	return err == nil && !slices.ContainsFunc(picked, func(n string) bool { return !slices.Contains(free, n) })
}

// hitBy are the nodes that the last injection of a line so far hits, as far as
// the plan knows: none for a role, or where triggers decide which is the last.
func (p *Plan) hitBy(line string) ([]string, error) {
	for _, in := range slices.Backward(p.Faults) {
		if in.Line() == line {
			if in.Trigger != nil {
				return nil, nil
			}
			return in.Nodes, nil
		}
	}
	for _, phase := range p.Scenario.Phases {
		for _, f := range phase.Faults {
			if phase.Name+"/"+f.Name == line && f.Trigger != nil {
				return nil, nil
			}
		}
	}
	return nil, fmt.Errorf("its target is what %s hit, which comes only later", line)
}

// weighted draws one of the targets.
func (s *stream) weighted(targets []scenarios.Weight) string {
	sum := 0
	for _, t := range targets {
		sum += t.Weight
	}
	n := s.rng.IntN(sum)
	for _, t := range targets {
		if n -= t.Weight; n < 0 {
			return t.Target
		}
	}
	return targets[0].Target // not reached: n is below the sum
}

// trigger is what the draft waits for, with the last moment for it; nil for
// nothing.
func (p *Plan) trigger(d *draft) *nemesis.Trigger {
	t := d.fault.Trigger
	if t == nil {
		return nil
	}
	out := &nemesis.Trigger{
		Ops: t.Ops, Fault: t.Fault, Stage: history.Stage(t.Stage), By: t.By, InFlight: t.InFlight,
		Log: t.Log, Node: t.Node, Until: d.until - d.fault.For,
	}
	if t.Probe != nil {
		out.Probe = &nemesis.Probe{Command: t.Probe.Command}
		if ask := t.Probe.Ask; ask != nil {
			out.Probe.HTTP, out.Probe.Port, out.Probe.Field, out.Probe.Is = ask.HTTP, ask.Port, ask.Field, ask.Is
		}
	}
	return out
}
