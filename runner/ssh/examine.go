package ssh

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner"
)

// Greet logs in at every host and sees that we may become root there, side by
// side, and leaves again: whoever refuses is known before anything is built.
// The error is a [*runner.EnvError] of all hosts that do.
func Greet(ctx context.Context, s Spec) error {
	c := &Cluster{spec: s, hush: func() {}}
	c.muster()
	err := errors.Join(c.each(func(m *member) error {
		conn, err := Dial(ctx, m.Host)
		if err != nil {
			return err
		}
		_, err = conn.becomeRoot(ctx)
		return errors.Join(err, conn.Close())
	})...)
	if err != nil {
		return &runner.EnvError{Doing: "log in at the hosts", Hint: hintOf(err), Err: err}
	}
	return nil
}

// A Finding is what came of looking at one host.
type Finding struct {
	Node, Host string
	Abilities  []agent.Ability
	// Err is why nothing could be tried; nil if it could.
	Err error
	// Hint is what to do about Err; empty if nothing is known.
	Hint string
}

// Examine tries on every host, side by side, what each fault needs: in
// throw-away networks and on throw-away processes, and with a throw-away disk.
// Nothing of it is left behind but the agent's binary.
func Examine(ctx context.Context, s Spec) []Finding {
	c := &Cluster{spec: s, hush: func() {}}
	c.muster()
	found := make([]Finding, len(c.members))
	c.each(func(m *member) error {
		f := &found[m.index]
		f.Node, f.Host = m.Node, m.Host.Name
		f.Abilities, f.Err = m.examine(ctx)
		f.Hint = hintOf(f.Err)
		return nil
	})
	return found
}

func (m *member) examine(ctx context.Context) (all []agent.Ability, err error) {
	c, err := Dial(ctx, m.Host)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	where, err := c.PutAgent(ctx, m.cluster.spec.Agent)
	if err != nil {
		return nil, err
	}
	conn, err := c.StartAgent(ctx, where)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // It answers with its end.
	reply, err := conn.Do(ctx, agent.Request{Do: agent.Probe, Apart: true})
	if err != nil {
		return nil, err
	}
	home, err := c.Run(ctx, "pwd", nil)
	if err != nil {
		return nil, err
	}
	dir := path.Join(strings.TrimSpace(home), runsDir, m.cluster.spec.Run, "try")
	return append(reply.Abilities, tryDisk(ctx, conn, dir)), removeRun(ctx, c, dir)
}

// tryDisk mounts a throw-away disk in dir and unmounts it again.
func tryDisk(ctx context.Context, conn *agent.Conn, dir string) agent.Ability {
	a := agent.Ability{Fault: "disk", Backend: "FUSE, in the node's directory", Hint: "load the module fuse on the host; disk faults need /dev/fuse"}
	mounted, err := conn.Do(ctx, agent.Request{Do: agent.MountDisk, Node: "try", Disk: &agent.Disk{Dir: dir}})
	if err == nil {
		var swept agent.Reply
		swept, err = conn.Do(ctx, agent.Request{Do: agent.SweepDisks, Disk: &agent.Disk{Dir: dir}})
		a.Detail = fmt.Sprintf("a throw-away disk: %s, then %s", mounted.Evidence, swept.Evidence)
	}
	if err != nil {
		a.Detail = err.Error()
		return a
	}
	a.OK, a.Hint = true, ""
	return a
}
