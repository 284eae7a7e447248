package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// drawConnections settles whose connections it is about.
func drawConnections(p *Plan, in *nemesis.Injection, d *draft) error {
	f := d.fault.Connections
	in.Ports = f.Ports
	in.Connections = &nemesis.Connections{Kind: f.Kind, Again: f.Again}
	if len(f.Pairs) > 0 {
		in.Cuts = f.Pairs
		return nil
	}
	in.Clients, in.Direction = f.Between == scenarios.BetweenClients, f.Direction
	if err := drawNodes(p, in, d); err != nil || len(in.Nodes) == 0 {
		return err
	}
	in.Cuts = nemesis.ConnectionWays(*in, p.Nodes)
	return nil
}
