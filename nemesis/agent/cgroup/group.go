//go:build linux

package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Freezer is the controller that stops processes.
const Freezer = "freezer"

// A Group is one control group of the hierarchy that has a controller.
type Group struct {
	// Version is that of the interface: 1, with a hierarchy for the
	// controller alone, or 2.
	Version int
	// Path is the group's name in its hierarchy, "/" for the root.
	Path string
	// Dir is where it can be read and written.
	Dir string

	of          string // the controller; empty: the freezer
	root, point string // what is mounted of the hierarchy, and where
}

// Controller is the one whose hierarchy the group is of.
func (g Group) Controller() string { return cmp.Or(g.of, Freezer) }

// Of finds the group that process pid is in, of the hierarchy that has the
// freezer. The error says what to do where the hierarchy is not mounted here,
// or only a part of it.
func Of(pid int) (Group, error) { return With(pid, Freezer) }

// With is Of for another controller: "cpu", "memory", "pids", ….
func With(pid int, controller string) (Group, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Group{}, fmt.Errorf("find the cgroup of process %d: %w", pid, err)
	}
	member, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return Group{}, fmt.Errorf("find the cgroup of process %d: %w", pid, err)
	}
	g, err := locate(string(mounts), string(member), controller)
	if err != nil {
		return Group{}, fmt.Errorf("find the cgroup of process %d: %w", pid, err)
	}
	return g, nil
}

// locate joins what /proc/self/mountinfo and /proc/<pid>/cgroup say. Where
// version 1 has the controller, that is the one which docker uses; where its
// hierarchy is mounted for others only, it is version 2 as if there were no other.
func locate(mounts, member, controller string) (Group, error) {
	var first error
	for _, g := range memberships(member, controller) {
		found, err := g.mounted(mounts, controller)
		if err == nil {
			return found, nil
		}
		first = cmp.Or(first, err)
	}
	return Group{}, cmp.Or(first, fmt.Errorf("neither a cgroup v1 %s nor cgroup v2", controller))
}

// mounted finds where a group can be read and written.
func (g Group) mounted(mounts, controller string) (Group, error) {
	if strings.HasPrefix(g.Path, "/..") {
		return Group{}, fmt.Errorf("%s lies outside our cgroup namespace: run the agent in the host's", g.Path)
	}
	for line := range strings.Lines(mounts) {
		root, point, version := mount(line, controller)
		if version != g.Version {
			continue
		}
		below, err := filepath.Rel(root, g.Path)
		if err != nil || below == ".." || strings.HasPrefix(below, "../") {
			continue
		}
		g.Dir, g.of, g.root, g.point = filepath.Join(point, below), controller, root, point
		return g, nil
	}
	return Group{}, fmt.Errorf("no cgroup v%d hierarchy with %s is mounted here: mount the host's /sys/fs/cgroup", g.Version, g.Path)
}

// memberships reads /proc/<pid>/cgroup, whose lines are "number:controllers:path":
// the group of version 1 that has the controller, and then that of version 2.
func memberships(member, controller string) (of []Group) {
	for line := range strings.Lines(member) {
		field := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(field) != 3:
		case slices.Contains(strings.Split(field[1], ","), controller):
			of = slices.Insert(of, 0, Group{Version: 1, Path: field[2]})
		case field[0] == "0" && field[1] == "":
			of = append(of, Group{Version: 2, Path: field[2]})
		}
	}
	return of
}

// mount reads a line of mountinfo: the root of what is mounted in its own
// file system, where it is mounted, and in which version it serves the
// controller; 0 is none.
func mount(line, controller string) (root, point string, version int) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 6 || len(right) < 3 {
		return "", "", 0
	}
	switch {
	case right[0] == "cgroup" && slices.Contains(strings.Split(right[2], ","), controller):
		version = 1
	case right[0] == "cgroup2":
		version = 2
	}
	return unescape(left[3]), unescape(left[4]), version
}

// unescape undoes the octal escapes that the kernel writes for space, tab,
// newline and backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Make creates a group of that name, at the top of what we can see of the
// hierarchy with the controller in which process pid is. [Group.Remove] takes
// it away again. One that is there already and has nobody in it was left behind
// by somebody who died: it is made anew, with nothing of what was done to it.
func Make(pid int, controller, name string) (Group, error) {
	g, err := With(pid, controller)
	if err != nil {
		return Group{}, err
	}
	g.Dir, g.Path = filepath.Join(g.point, name), filepath.Join(g.root, name)
	err = os.Mkdir(g.Dir, 0o755)
	if errors.Is(err, fs.ErrExist) && os.Remove(g.Dir) == nil {
		err = os.Mkdir(g.Dir, 0o755)
	}
	if err != nil {
		return Group{}, fmt.Errorf("make a cgroup: %w", err)
	}
	return g, nil
}

// Parent is the group that the group is in; of the topmost, itself.
func (g Group) Parent() Group {
	g.Dir, g.Path = filepath.Dir(g.Dir), filepath.Dir(g.Path)
	return g
}

// Remove deletes the group, which must have no processes any more.
func (g Group) Remove() error {
	if err := os.Remove(g.Dir); err != nil {
		return fmt.Errorf("remove a cgroup: %w", err)
	}
	return nil
}

// Add moves process pid into the group.
func (g Group) Add(pid int) error {
	return g.write("cgroup.procs", strconv.Itoa(pid))
}

// Apart returns nil if nothing but a node can be in the group. It refuses the
// root, and every group that holds our own process or an ancestor of it.
func (g Group) Apart() error {
	if g.Path == "/" {
		return errors.New("the process is in the root cgroup, with everything else on this host")
	}
	own, err := With(os.Getpid(), g.Controller())
	if err != nil {
		return err
	}
	if own.Path == g.Path || strings.HasPrefix(own.Path, g.Path+"/") {
		return fmt.Errorf("cgroup %s holds the agent too", g.Path)
	}
	return nil
}

// Processes lists the processes of the group and of all groups below it.
func (g Group) Processes() ([]int, error) {
	var pids []int
	err := filepath.WalkDir(g.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return skipGone(err)
		}
		some, err := readPids(filepath.Join(path, "cgroup.procs"))
		pids = append(pids, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the processes of cgroup %s: %w", g.Path, err)
	}
	return pids, nil
}

// readPids skips pid 0, which stands for a process that our pid namespace
// cannot name, and groups that have gone.
func readPids(file string) ([]int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, skipGone(err)
	}
	var pids []int
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a pid", file, word)
		}
		if pid != 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func (g Group) write(file, text string) error {
	f, err := os.OpenFile(filepath.Join(g.Dir, file), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", g.Path, err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cgroup %s: %w", g.Path, err)
	}
	return nil
}
