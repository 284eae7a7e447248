package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// drawResources turns what a scenario lets a node have into what the agent
// limits.
func drawResources(p *Plan, in *nemesis.Injection, d *draft) error {
	r := d.fault.Resources
	in.Limits = &agent.Limits{CPUs: r.CPUs, Memory: r.MemoryBytes, Pids: int64(r.Pids), Files: int64(r.Files)}
	return drawNodes(p, in, d)
}
