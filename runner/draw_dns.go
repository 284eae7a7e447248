package runner

import (
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// drawDNS settles whose questions about names it is about.
func drawDNS(p *Plan, in *nemesis.Injection, d *draft) error {
	f := d.fault.DNS
	in.Names = &agent.Names{Answer: f.Answer, Names: f.Names, Addresses: f.Addresses}
	return drawNodes(p, in, d)
}
