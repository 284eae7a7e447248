package runner

import "github.com/shakedown-dev/shakedown/nemesis"

// drawKill settles how nodes are killed, unless that is the usual way.
func drawKill(p *Plan, in *nemesis.Injection, d *draft) error {
	if k := d.fault.Kill; k != nil {
		in.Kill = &nemesis.Kill{How: k.How, Grace: k.Grace, UpFor: k.UpFor, Process: k.Process}
	}
	return drawNodes(p, in, d)
}

// drawPause settles how nodes are paused, unless that is the usual way.
func drawPause(p *Plan, in *nemesis.Injection, d *draft) error {
	if how := d.fault.Pause; how != nil {
		in.Pause = &nemesis.Pause{How: how.How, Process: how.Process}
	}
	return drawNodes(p, in, d)
}
