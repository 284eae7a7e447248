package docker

import (
	"context"
	"errors"
	"path"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// TryDisk mounts a throw-away disk and unmounts it again, as a run with disk
// faults does for each node, and says whether that works on this engine. What
// it makes belongs to run, and nothing of it is left behind.
func (e *Engine) TryDisk(ctx context.Context, run string) agent.Ability {
	a := agent.Ability{Fault: "disk", Backend: "power failure, errors, slowness and damage at rest, by FUSE in a volume shared with the nodes", Hint: disksHint}
	detail, err := e.tryDisk(ctx, run)
	if err != nil {
		a.Detail = err.Error()
		return a
	}
	a.OK, a.Hint, a.Detail = true, "", "a throw-away disk: "+detail
	return a
}

func (e *Engine) tryDisk(ctx context.Context, run string) (detail string, err error) {
	c := &Cluster{engine: e, spec: Spec{Run: run}}
	defer func() { err = errors.Join(err, e.remove(context.WithoutCancel(ctx), run)) }()
	dir, err := c.createDisks(ctx)
	if err != nil {
		return "", err
	}
	a, err := e.startAgent(ctx, hiring{run: run, disks: dir})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, a.close(ctx)) }()
	mounted, err := a.ask(ctx, agent.Request{Do: agent.MountDisk, Node: "n1", Disk: &agent.Disk{Dir: path.Join(disksDir, "n1")}})
	if err != nil {
		return "", err
	}
	atRest, err := e.tryAtRest(ctx, a)
	if err != nil {
		return "", err
	}
	swept, err := a.ask(ctx, agent.Request{Do: agent.SweepDisks, Disk: &agent.Disk{Dir: disksDir}})
	if err == nil && swept.Number != 1 {
		err = errors.New("it was mounted, but the agent does not see it among its mounts")
	}
	return mounted.Evidence + ", " + atRest + ", then " + swept.Evidence, err
}

// tryAtRest does to the disk of a node that is down what harms data at rest: it
// keeps a copy, and takes everything away.
func (e *Engine) tryAtRest(ctx context.Context, a *sidecar) (string, error) {
	kept := ""
	for _, r := range []agent.Request{
		{Do: agent.Register}, {Do: agent.KeepDisk, ID: "old", Disk: &agent.Disk{}}, {Do: agent.WipeDisk},
	} {
		r.Node = "n1"
		reply, err := a.ask(ctx, r)
		if err != nil {
			return "", err
		}
		if r.Do == agent.KeepDisk {
			kept = reply.Evidence
		}
	}
	return "at rest: " + kept + " and all removed", nil
}
