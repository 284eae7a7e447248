package ssh

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/runner"
)

// Sweep takes away what a run left on its hosts that did not end by itself: it
// heals what an agent that was killed has left, stops the nodes that the run
// started, and removes its files. It says what there was, and goes on to the
// other hosts when one cannot be reached. With dry it only looks.
func Sweep(ctx context.Context, s Spec, dry bool) ([]string, error) {
	c := &Cluster{spec: s, hush: func() {}}
	c.muster()
	var mu sync.Mutex
	var swept []string
	errs := c.each(func(m *member) error {
		was, err := m.sweep(ctx, dry)
		mu.Lock()
		defer mu.Unlock()
		for _, w := range was {
			swept = append(swept, w+" on "+m.Host.Name)
		}
		return err
	})
	if err := errors.Join(errs...); err != nil {
		return swept, &runner.EnvError{Doing: "sweep the hosts of the run " + s.Run, Hint: hintOf(err), Err: err}
	}
	return swept, nil
}

func (m *member) sweep(ctx context.Context, dry bool) (was []string, err error) {
	c, err := Dial(ctx, m.Host)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	home, err := c.Run(ctx, "pwd", nil)
	if err != nil {
		return nil, err
	}
	m.home = strings.TrimSpace(home)
	there, err := c.Run(ctx, fmt.Sprintf("[ ! -d %s ] || echo yes", quote(m.dir())), nil)
	if err != nil || strings.TrimSpace(there) == "" {
		return nil, err
	}
	if dry {
		return []string{"the files of " + m.Node}, nil
	}
	return m.sweepAway(ctx, c)
}

func (m *member) sweepAway(ctx context.Context, c *Connection) (was []string, err error) {
	l, err := m.introduce(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.agent.Close() }() // Its work is done.
	for _, r := range []agent.Request{
		{Do: agent.Heal, ID: "*"},
		{Do: agent.SweepDisks, Disk: &agent.Disk{Dir: path.Join(m.dir(), "disk")}},
	} {
		if _, err := l.agent.Do(ctx, r); err != nil {
			return nil, err
		}
	}
	root, err := c.becomeRoot(ctx)
	if err != nil {
		return nil, err
	}
	stopped, err := c.Run(ctx, m.sweepLine(root), nil)
	if err != nil {
		return nil, fmt.Errorf("stop the node: %w", err)
	}
	if m.cluster.spec.Control.Unit != "" {
		if _, err := c.Run(ctx, m.unit(root).letGoLine(), nil); err != nil {
			return nil, fmt.Errorf("give the unit back: %w", err)
		}
	}
	if strings.TrimSpace(stopped) != "" {
		was = append(was, "the process of "+m.Node)
	}
	return append(was, "the files of "+m.Node), removeRun(ctx, c, m.dir())
}

// sweepLine thaws what an agent that was killed has left frozen, stops the node
// if the run had started it, says so, and removes the control groups that were
// made for it. A frozen process does not end before it is thawed.
func (m *member) sweepLine(root string) string {
	control := m.cluster.spec.Control
	return fmt.Sprintf(`groups=$(find /sys/fs/cgroup -maxdepth 3 -type d -name 'shakedown-%s-%[6]s-*' 2>/dev/null)
%[2]ssh -c 'for g; do if [ -e "$g/freezer.state" ]; then echo THAWED >"$g/freezer.state"; else echo 0 >"$g/cgroup.freeze"; fi; done' sh $groups 2>/dev/null
if [ -e %[3]s/started ]; then p=$(%[4]s); [ -z "$p" ] || { echo "$p"; %[5]s
}; fi
for i in 1 2 3 4 5 6 7 8 9 10; do [ -n "$groups" ] || break; %[2]srmdir $groups 2>/dev/null && break; sleep 0.1; done; true`,
		m.Node, root, quote(m.dir()), control.pidLine(m), control.stopLine(m, root), m.cluster.spec.Run)
}
