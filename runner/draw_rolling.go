package runner

import (
	"fmt"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// drawRolling settles who has a turn. A role would be another node after each
// turn.
func drawRolling(p *Plan, in *nemesis.Injection, d *draft) error {
	in.Rolling = &nemesis.Rolling{Version: d.fault.Rolling.Version, Within: d.fault.Rolling.Within}
	return drawNodes(p, in, d)
}

// drawMembership settles who leaves. So many must stay that they are a quorum
// of all nodes.
func drawMembership(p *Plan, in *nemesis.Injection, d *draft) error {
	if err := drawNodes(p, in, d); err != nil {
		return err
	}
	if left := len(p.Nodes) - len(in.Nodes); left < len(p.Nodes)/2+1 {
		return fmt.Errorf("without %d of %d members only %d would be left, fewer than a quorum", len(in.Nodes), len(p.Nodes), left)
	}
	return nil
}
