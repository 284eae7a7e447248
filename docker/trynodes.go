package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// backWithin is how long the engine may take to start a node again by its policy.
const backWithin = 10 * time.Second

// TryNodes starts a throw-away node, which is this program in the agent's image,
// and does to it what faults do that need the engine besides the agent: rolling
// changes, members that come and go, commands of custom faults, and kills that
// the restart policy undoes. It belongs to run, and nothing of it is left behind.
func (e *Engine) TryNodes(ctx context.Context, run string) []agent.Ability {
	const hint = "the engine refuses what it has to do for it; docker events and its log may say why"
	rolling := agent.Ability{Fault: "rolling", Backend: "docker stop, create and start"}
	membership := agent.Ability{Fault: "membership", Backend: "etcd's own client, or steps under system.membership; a node made anew with empty data"}
	custom := agent.Ability{Fault: "custom", Backend: "docker exec, HTTP calls, commands on this machine"}
	policy := agent.Ability{Fault: "kill", Backend: "with the engine's restart policy"}
	all := []*agent.Ability{&rolling, &membership, &custom, &policy}
	c, err := e.upForTrying(ctx, run)
	if err == nil {
		fill(&rolling, func() (string, error) { return c.tryRolling(ctx) })
		fill(&membership, func() (string, error) { return c.tryRenewal(ctx) })
		fill(&custom, func() (string, error) { return c.tryCommand(ctx) })
		fill(&policy, func() (string, error) { return c.tryPolicy(ctx) })
		err = c.Down(ctx)
	}
	var out []agent.Ability
	for _, a := range all {
		if err != nil {
			a.OK, a.Detail = false, err.Error()
		}
		if !a.OK {
			a.Hint = hint
		}
		out = append(out, *a)
	}
	return out
}

func fill(a *agent.Ability, try func() (string, error)) {
	detail, err := try()
	if a.OK, a.Detail = err == nil, detail; err != nil {
		a.Detail = err.Error()
	}
}

func (e *Engine) upForTrying(ctx context.Context, run string) (*Cluster, error) {
	img, err := e.agentImage(ctx)
	if err != nil {
		return nil, err
	}
	return e.Up(ctx, Spec{Run: run, Nodes: []string{"n1"}, Image: img.Ref, Data: "/data", Restart: "always",
		Command: []string{agentBinary, "agent-probe-child", "--idle"}}, nil)
}

// changed does something to the node, and says what it runs then, which must be
// something else than before.
func (c *Cluster) changed(ctx context.Context, do func() error) (string, error) {
	before, err := c.Runs(ctx, "n1")
	if err != nil {
		return "", err
	}
	if err := do(); err != nil {
		return "", err
	}
	after, err := c.Runs(ctx, "n1")
	if err == nil && after == before {
		err = errors.New("nothing has changed: it runs " + after)
	}
	return after, err
}

func (c *Cluster) tryRolling(ctx context.Context) (string, error) {
	now, err := c.changed(ctx, func() error { return errors.Join(c.Stop(ctx, "n1"), c.Restart(ctx, "n1")) })
	return "a throw-away node was stopped and started: " + now, err
}

func (c *Cluster) tryRenewal(ctx context.Context) (string, error) {
	now, err := c.changed(ctx, func() error { return c.Renew(ctx, "n1", nemesis.Renewal{Fresh: true}) })
	return "a throw-away node was made anew: " + now, err
}

func (c *Cluster) tryCommand(ctx context.Context) (string, error) {
	out, err := c.Exec(ctx, "n1", []string{agentBinary, "version"})
	first, _, _ := strings.Cut(out, "\n")
	return fmt.Sprintf("a command in a throw-away node said %q", first), err
}

func (c *Cluster) tryPolicy(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, backWithin)
	defer cancel()
	began := time.Now()
	now, err := c.changed(ctx, func() error {
		if _, err := c.Ask(ctx, agent.Request{Do: agent.Kill, Node: "n1", How: agent.ByPolicy}); err != nil {
			return err
		}
		return c.untilKnown(ctx, "n1")
	})
	return fmt.Sprintf("a throw-away node was killed, and back after %v: %s", time.Since(began).Round(time.Millisecond), now), err
}

// untilKnown waits until the agent knows a process of the node.
func (c *Cluster) untilKnown(ctx context.Context, name string) error {
	for {
		r, err := c.Ask(ctx, agent.Request{Do: agent.Processes, Node: name})
		if err == nil && r.Number > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the engine has not started %s again", name), err)
		case <-time.After(startPause):
		}
	}
}
