//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const passesOn = "cgroup.subtree_control"

// Provide sees to it that the group has its controller. In version 2 a group has
// those that the groups above pass on, which systemd lets them do for what its
// units ask for: often memory and pids alone, and not cpu (Control Group v2,
// "Enabling and Disabling"). Provide returns the groups that did not pass it on and
// do now, the topmost first; see [Group.Withhold].
func (g Group) Provide() (told []Group, err error) {
	if g.Version != 2 || g.has("cgroup.controllers") {
		return nil, nil
	}
	below, err := filepath.Rel(g.point, g.Parent().Dir)
	if err != nil {
		return nil, fmt.Errorf("cgroup %s: %w", g.Path, err)
	}
	above := g
	above.Dir, above.Path = g.point, g.root
	for _, name := range append([]string{""}, strings.Split(below, "/")...) {
		above.Dir, above.Path = filepath.Join(above.Dir, name), filepath.Join(above.Path, name)
		if name == "." || above.has(passesOn) {
			continue
		}
		if err := above.write(passesOn, "+"+g.Controller()); err != nil {
			return nil, errors.Join(fmt.Errorf("pass the %s controller on: %w", g.Controller(), err), g.Withhold(told))
		}
		told = append(told, above)
	}
	return told, nil
}

// Withhold undoes what [Group.Provide] did, the last group first. Where somebody
// below has come to pass the controller on meanwhile, it is left to them.
func (g Group) Withhold(told []Group) error {
	for _, above := range slices.Backward(told) {
		err := above.write(passesOn, "-"+g.Controller())
		if err != nil && !errors.Is(err, syscall.EBUSY) && !gone(err) {
			return fmt.Errorf("pass the %s controller on no more: %w", g.Controller(), err)
		}
	}
	return nil
}

// has reports whether a file that lists controllers has the group's.
func (g Group) has(file string) bool {
	text, err := os.ReadFile(filepath.Join(g.Dir, file))
	return err == nil && slices.Contains(strings.Fields(string(text)), g.Controller())
}
