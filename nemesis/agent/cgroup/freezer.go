//go:build linux

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The states of a group, in the words of version 1.
const (
	frozen = "FROZEN"
	thawed = "THAWED"
)

// pause is the interval at which a state that was asked for is looked at.
const pause = time.Millisecond

// Freeze stops every process of the group and waits until the kernel says
// that they have stopped. If they have not when ctx ends, it thaws them again:
// a half-frozen node is no fault that anybody asked for.
func (g Group) Freeze(ctx context.Context) error {
	err := g.reach(ctx, frozen)
	if err != nil {
		return errors.Join(fmt.Errorf("freeze: %w", err), g.ask(thawed))
	}
	return nil
}

// Thaw lets the group run again and waits until the kernel says that it does.
// A group that has been removed is as good as thawed.
func (g Group) Thaw(ctx context.Context) error {
	if err := g.reach(ctx, thawed); err != nil {
		return fmt.Errorf("thaw: %w", err)
	}
	return nil
}

// Frozen reports whether the kernel says that all of the group stands still.
func (g Group) Frozen() (bool, error) {
	state, err := g.State()
	return state == frozen, err
}

// State is the kernel's word for it: THAWED, FREEZING or FROZEN. Version 2 is
// put in the same words. A group that has been removed is THAWED.
func (g Group) State() (string, error) {
	file := "freezer.state"
	if g.Version == 2 {
		file = "cgroup.events"
	}
	text, err := os.ReadFile(filepath.Join(g.Dir, file))
	switch {
	case gone(err):
		return thawed, nil
	case err != nil:
		return "", fmt.Errorf("cgroup %s: %w", g.Path, err)
	case g.Version == 1:
		return strings.TrimSpace(string(text)), nil
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == "frozen 1" {
			return frozen, nil
		}
	}
	return thawed, nil
}

// reach asks for a state until the kernel reports it. It asks again each time,
// because the freezer of version 1 may have missed a process that was born in
// the meantime.
func (g Group) reach(ctx context.Context, want string) error {
	for {
		if err := g.ask(want); err != nil {
			return err
		}
		state, err := g.State()
		if err != nil || state == want {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cgroup %s is still %s: %w", g.Path, state, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func (g Group) ask(want string) error {
	file, text := "freezer.state", want
	if g.Version == 2 {
		file, text = "cgroup.freeze", map[string]string{frozen: "1", thawed: "0"}[want]
	}
	err := g.write(file, text)
	if want == thawed {
		return skipGone(err)
	}
	return err
}

// skipGone forgives that a group was removed under our eyes.
func skipGone(err error) error {
	if gone(err) {
		return nil
	}
	return err
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}
