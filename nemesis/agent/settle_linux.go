package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
)

// A settlement is a control group that was made for a node, and the one from
// which its processes came.
type settlement struct{ made, from cgroup.Group }

// settle gives a process on a host, and what it has started so far, control
// groups of their own, one for each controller that faults use, so that a
// freeze or a limit meets nothing else. What is in one already, as a unit of
// systemd is, stays there. Controllers that this host lacks are left out; the
// faults that need them are refused by themselves. The groups of an agent that
// was killed are taken away first, and with them its freeze and its limits.
func (n *node) settle(ctx context.Context, pid int) error {
	for _, controller := range []string{cgroup.Freezer, "cpu", "memory", "pids"} {
		group, err := cgroup.With(pid, controller)
		if err == nil && n.leftBehind(group) {
			if group, err = dissolve(ctx, group); err != nil {
				return fmt.Errorf("take away what an agent that died had made: %w", err)
			}
		}
		if err != nil || group.Apart() == nil {
			continue
		}
		if err := n.settleIn(pid, controller, group); err != nil && controller == cgroup.Freezer {
			return err
		}
	}
	group, err := cgroup.Of(pid)
	if err == nil {
		n.group = group
	}
	return err
}

func (n *node) settleIn(pid int, controller string, from cgroup.Group) error {
	made, err := cgroup.Make(pid, controller, fmt.Sprintf("%s%s-%d-%d", n.settledName(), n.run, pid, os.Getpid()))
	if err != nil {
		return err
	}
	n.settled = append(n.settled, settlement{made: made, from: from})
	for _, one := range descendants(pid) {
		if err := made.Add(one); err != nil && one == pid {
			return err // Of its children, some may have ended by now.
		}
	}
	return nil
}

// settledName is how the names of the node's groups begin. The run follows, and then
// what makes them unlike those of an agent before, which may still be about to remove
// its own: on hosts that share their groups, as containers can, pids are no names.
func (n *node) settledName() string { return "shakedown-" + n.name + "-" }

// leftBehind reports whether an agent that died made the group for the node.
func (n *node) leftBehind(g cgroup.Group) bool {
	ours := slices.ContainsFunc(n.settled, func(s settlement) bool { return s.made.Path == g.Path })
	return !ours && strings.HasPrefix(filepath.Base(g.Path), n.settledName())
}

// dissolve moves all out of a group into the one above it, thawed, and removes
// it, unless the agent that made it is alive after all and has just done so.
func dissolve(ctx context.Context, g cgroup.Group) (above cgroup.Group, err error) {
	if g.Controller() == cgroup.Freezer {
		if err := g.Thaw(ctx); err != nil {
			return above, err
		}
	}
	above = g.Parent()
	pids, err := g.Processes()
	if err != nil {
		return above, err
	}
	for _, pid := range pids {
		_ = above.Add(pid) // It may have ended.
	}
	if err := g.Remove(); !errors.Is(err, fs.ErrNotExist) {
		return above, err
	}
	return above, nil
}

// unsettle moves whoever lives in the groups that settle made back to where
// they came from, and removes the groups. One that cannot be removed yet is
// kept in mind for the next time.
func (n *node) unsettle() {
	n.settled = slices.DeleteFunc(n.settled, func(s settlement) bool {
		pids, _ := s.made.Processes()
		for _, pid := range pids {
			_ = s.from.Add(pid) // It may have ended.
		}
		return s.made.Remove() == nil
	})
}

// descendants are a process and all that it has started, as far as they run.
func descendants(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, word := range strings.Fields(string(children)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, descendants(child)...)
			}
		}
	}
	return all
}
