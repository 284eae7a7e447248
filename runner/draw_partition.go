package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// drawPartition settles which links are cut, unless they are around a role.
func drawPartition(p *Plan, in *nemesis.Injection, d *draft) (err error) {
	f := d.fault.Partition
	in.Ports = f.Ports
	switch {
	case len(f.Pairs) > 0:
		in.Shape, in.Cuts = nemesis.ShapePairs, f.Pairs
		return nil
	case len(f.Groups) > 0:
		in.Shape, in.Cuts = nemesis.ShapeGroups, nemesis.Between(f.Groups)
		return nil
	}
	if f.Between == scenarios.BetweenClients {
		in.Clients, in.Direction = true, f.Direction
		if err := drawNodes(p, in, d); err != nil || len(in.Nodes) == 0 {
			return err
		}
		in.Cuts = nemesis.WithClients(in.Direction, in.Nodes)
		return nil
	}
	return drawShape(p, in, d)
}

// drawShape settles the links of a shape.
func drawShape(p *Plan, in *nemesis.Injection, d *draft) (err error) {
	in.Shape = d.fault.Partition.Shape
	if in.Shape == nemesis.ShapeAny {
		in.Shape = d.stream.shapes[(d.number-1)%len(d.stream.shapes)]
	}
	in.Shape = nemesis.Direction(in.Shape, d.stream.rng)
	if !nemesis.IsAround(in.Shape) {
		in.Target = ""
		in.Cuts, err = nemesis.Cuts(in.Shape, p.Nodes, nil, d.stream.rng)
		return err
	}
	if in.Target == "" {
		in.Target = nemesis.TargetOne
	}
	if err := drawNodes(p, in, d); err != nil || len(in.Nodes) == 0 {
		return err
	}
	in.Cuts, err = nemesis.Cuts(in.Shape, p.Nodes, in.Nodes, d.stream.rng)
	return err
}
