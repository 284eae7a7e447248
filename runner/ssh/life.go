package ssh

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// unused refuses a host on which a node of another run is running: two runs
// would hurt each other.
func (m *member) unused(ctx context.Context, l *link) error {
	look := fmt.Sprintf(`cd %s 2>/dev/null || exit 0; for d in */*/; do case "$d" in %s/*) continue;; esac; p=$(%s); [ -z "$p" ] || echo "$d"; done`,
		quote(path.Join(m.home, runsDir)), quote(m.cluster.spec.Run), strings.ReplaceAll(pidOf("$d"), "'$d'", `"$d"`))
	out, err := l.Run(ctx, look, nil)
	if err != nil {
		return err
	}
	if run, _, busy := strings.Cut(strings.TrimSpace(out), "/"); busy {
		return fmt.Errorf("the host is in use by the run %s: shakedown clean %s stops what it left", run, run)
	}
	return nil
}

// launch starts the node unless it runs, and tells the agent about it.
func (m *member) launch(ctx context.Context) error {
	m.starting.Lock()
	defer m.starting.Unlock()
	control := m.cluster.spec.Control
	if err := m.mountDisk(ctx); err != nil {
		return err
	}
	pid, err := m.look(ctx)
	if err != nil {
		return err
	}
	if pid == 0 {
		root, err := m.root(ctx)
		if err != nil {
			return err
		}
		if _, err := m.run(ctx, control.startLine(m, root)); err != nil {
			return fmt.Errorf("start the node: %w", err)
		}
		m.started.Store(true)
		if pid, err = m.look(ctx); err != nil {
			return err
		}
	}
	if pid == 0 {
		return m.endedAtOnce(ctx)
	}
	m.pid.Store(int64(pid))
	_, err = m.ask(ctx, agent.Request{Do: agent.Register, Node: m.Node, Pid: pid, Addresses: []string{m.Address}})
	if err != nil {
		// Most often its process ended before the agent could look at it.
		if ended := m.survive(ctx); ended != nil {
			return ended
		}
	}
	return err
}

// look asks the host for the pid of the node; 0 while it is down.
func (m *member) look(ctx context.Context) (int, error) {
	out, err := m.run(ctx, m.cluster.spec.Control.pidLine(m))
	if err != nil {
		return 0, err
	}
	pid, err := readPid(out)
	if pid == 0 {
		m.pid.Store(0)
	}
	return pid, err
}

// root is what to put before a command that only root may run. A node that is
// started by a command of its own is not run as root.
func (m *member) root(ctx context.Context) (string, error) {
	if m.cluster.spec.Control.Unit == "" {
		return "", nil
	}
	var prefix string
	err := m.persist(ctx, func(l *link) (err error) {
		prefix, err = l.becomeRoot(ctx)
		return err
	})
	return prefix, err
}

func (m *member) mountDisk(ctx context.Context) error {
	if !m.cluster.spec.FaultyDisk {
		return nil
	}
	_, err := m.ask(ctx, agent.Request{
		Do: agent.MountDisk, Node: m.Node, Disk: &agent.Disk{Dir: path.Join(m.dir(), "disk")},
	})
	if err != nil {
		return fmt.Errorf("mount the disk of the node, for which the host needs /dev/fuse: %w", err)
	}
	return nil
}

// survive returns an error if the node ends in its first moments.
func (m *member) survive(ctx context.Context) error {
	if !pauseFor(ctx, firstMoments) {
		return ctx.Err()
	}
	return m.stillRuns(ctx)
}

func (m *member) stillRuns(ctx context.Context) error {
	pid, err := m.look(ctx)
	if err != nil || pid != 0 {
		return err
	}
	return m.endedAtOnce(ctx)
}

func (m *member) endedAtOnce(ctx context.Context) error {
	how, err := m.howEnded(ctx)
	if err != nil {
		how = "why cannot be said: " + err.Error()
	}
	return errors.New("the node does not run: " + how)
}

// howEnded is empty for a node that runs. A host does not tell with which code
// a process ended that is nobody's child any more.
func (m *member) howEnded(ctx context.Context) (string, error) {
	pid, err := m.look(ctx)
	if err != nil || pid != 0 {
		return "", err
	}
	const lines = 20
	root, err := m.root(ctx)
	if err != nil {
		return "", err
	}
	var last []string
	for _, l := range m.cluster.spec.Control.logs(m, root) {
		out, err := m.run(ctx, l.lastLines(lines)+" 2>/dev/null || true")
		if err != nil {
			return "", err
		}
		if out = strings.TrimSpace(strings.ToValidUTF8(out, "")); out != "" {
			last = append(last, out)
		}
	}
	if len(last) == 0 {
		return "it ended and logged nothing", nil
	}
	return "it ended; the last lines it logged:\n    " + strings.ReplaceAll(strings.Join(last, "\n"), "\n", "\n    "), nil
}

// leave heals, stops the node if we started it, and removes what is ours. The
// agent unmounts the disk as it goes.
func (m *member) leave(ctx context.Context) error {
	if m.home == "" {
		return m.hangUp() // It never got that far.
	}
	_, healed := m.ask(ctx, agent.Request{Do: agent.Heal})
	if err := m.stop(ctx); err != nil {
		return errors.Join(healed, fmt.Errorf("stop the node: %w", err), m.hangUp())
	}
	return errors.Join(healed, m.bare(ctx), m.hangUp())
}

// stop stops the node if we started it, and gives its unit back.
func (m *member) stop(ctx context.Context) error {
	root, err := m.root(ctx)
	if err != nil {
		return err
	}
	control := m.cluster.spec.Control
	if control.Unit != "" {
		if _, err := m.run(ctx, m.unit(root).letGoLine()); err != nil {
			return err
		}
	}
	if !m.started.Load() {
		return nil
	}
	if _, err := m.run(ctx, control.stopLine(m, root)); err != nil {
		return err
	}
	return m.untilDown(ctx)
}

// untilDown waits until the node has ended.
func (m *member) untilDown(ctx context.Context) error {
	for {
		pid, err := m.look(ctx)
		if err != nil || pid == 0 {
			return err
		}
		if !pauseFor(ctx, firstPause) {
			return fmt.Errorf("it still runs as %d", pid)
		}
	}
}

// bare ends the agent, which unmounts the disk, and removes the node's
// directory over the same connection.
func (m *member) bare(ctx context.Context) error {
	m.linking.Lock()
	l := m.link
	m.linking.Unlock()
	if l == nil {
		return errors.New("remove what is ours: the host cannot be reached")
	}
	_ = l.agent.Close() // It answers with its end, which is not looked at.
	return removeRun(ctx, l.Connection, m.dir())
}

// removeRun removes the directory of a node, waiting for the agent to have
// unmounted what it mounted there; and the run's, when it was the last.
func removeRun(ctx context.Context, c *Connection, dir string) error {
	if err := untilUnmounted(ctx, c, dir); err != nil {
		return err
	}
	prefix, err := c.becomeRoot(ctx) // The agent, which is root, made files there.
	if err != nil {
		return err
	}
	_, err = c.Run(ctx, fmt.Sprintf("%srm -rf %s && { rmdir %s 2>/dev/null || true; }", prefix, quote(dir), quote(path.Dir(dir))), nil)
	return err
}

func (m *member) hangUp() error {
	m.linking.Lock()
	defer m.linking.Unlock()
	if m.link == nil {
		return nil
	}
	_ = m.link.close() // It may have ended.
	m.link = nil
	return nil
}

// untilUnmounted waits until nothing is mounted below a directory.
func untilUnmounted(ctx context.Context, c *Connection, dir string) error {
	look := fmt.Sprintf(`i=0; while grep -qF %[1]s/ /proc/self/mounts; do i=$((i+1)); [ $i -lt 50 ] || exit 1; sleep 0.1; done`, dir)
	if _, err := c.Run(ctx, look, nil); err != nil {
		return fmt.Errorf("wait for the disk in %s to be unmounted: %w", dir, err)
	}
	return nil
}

// remount mounts the disk of a node that runs again, which went with the agent
// that was lost. What the node had open it has no more: that is said, since no
// fault of the plan did it.
func (m *member) remount(ctx context.Context, c *Connection, conn *agent.Conn) error {
	if !m.cluster.spec.FaultyDisk || m.pid.Load() == 0 {
		return nil
	}
	dir := &agent.Disk{Dir: path.Join(m.dir(), "disk")}
	if untilUnmounted(ctx, c, m.dir()) != nil { // It was killed, and could not unmount it.
		if _, err := conn.Do(ctx, agent.Request{Do: agent.SweepDisks, Disk: dir}); err != nil {
			return fmt.Errorf("unmount the dead disk of %s: %w", m.Node, err)
		}
	}
	if _, err := conn.Do(ctx, agent.Request{Do: agent.MountDisk, Node: m.Node, Disk: dir}); err != nil {
		return fmt.Errorf("mount the disk of %s again: %w", m.Node, err)
	}
	m.cluster.warn("the disk of %s went with the connection, and is mounted again: the node finds that files which it had open cannot be used any more", m.Node)
	return nil
}
