package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// drawLatency settles whose packets are slowed, and how those that are lost
// will be drawn.
func drawLatency(p *Plan, in *nemesis.Injection, d *draft) error {
	f := d.fault.Latency
	in.Slowdown = &agent.Slowdown{
		Delay: f.Delay, Jitter: f.Jitter, Distribution: f.Distribution, Loss: f.Loss, LossBurst: f.LossBurst,
		Reorder: f.Reorder, Duplicate: f.Duplicate, Corrupt: f.Corrupt, Tamper: f.Tamper, Rate: f.Rate, Seed: d.stream.seed(),
	}
	if len(f.Pairs) > 0 {
		in.Cuts = f.Pairs
		return nil
	}
	in.Direction = f.Direction
	if err := drawNodes(p, in, d); err != nil || len(in.Nodes) == 0 {
		return err
	}
	in.Cuts = nemesis.Ways(f.Direction, p.Nodes, in.Nodes)
	return nil
}
