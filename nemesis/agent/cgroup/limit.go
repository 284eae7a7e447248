//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The controllers of resources.
const (
	CPU    = "cpu"
	Memory = "memory"
	Pids   = "pids"
)

// period is that of the scheduler's bandwidth control: its default.
const period = 100 * time.Millisecond

// A Setting is what a file of a group says. A list of them is how a group was
// before it was limited, in the order in which it was changed.
type Setting struct {
	File, Text string
}

// LimitCPU gives the group so many processors, 0.1 for a tenth of one, and
// returns how it was before.
func (g Group) LimitCPU(cpus float64) ([]Setting, error) {
	quota := max(int64(cpus*float64(period.Microseconds())), 1000) // the least that the kernel takes
	if g.Version == 2 {
		return g.change(Setting{"cpu.max", fmt.Sprintf("%d %d", quota, period.Microseconds())})
	}
	return g.change(
		Setting{"cpu.cfs_period_us", fmt.Sprint(period.Microseconds())},
		Setting{"cpu.cfs_quota_us", fmt.Sprint(quota)},
	)
}

// LimitPids lets the group have so many processes and threads, and returns how
// it was before. Those that it has already stay.
func (g Group) LimitPids(n int64) ([]Setting, error) {
	return g.change(Setting{"pids.max", fmt.Sprint(n)})
}

// LimitMemory lets the group use so many bytes, swap included, and returns how
// it was before and the limit that is in force: version 1 does not take one
// below what is in use and cannot be reclaimed, so that it is then a little
// above that. Version 2 takes it, and kills.
func (g Group) LimitMemory(bytes int64) (before []Setting, limit int64, err error) {
	if g.Version == 2 {
		before, err = g.change(Setting{"memory.swap.max", "0"})
		if errors.Is(err, os.ErrNotExist) { // A kernel without swap.
			before, err = nil, nil
		}
		if err != nil {
			return before, 0, err
		}
		more, err := g.change(Setting{"memory.max", fmt.Sprint(bytes)})
		return append(before, more...), bytes, err
	}
	return g.limitMemory1(bytes)
}

// memoryStep is how far above what is in use version 1 is asked to limit, at
// first; twice that, and so on, while it does not take it.
const memoryStep = 128 << 10

func (g Group) limitMemory1(bytes int64) (before []Setting, limit int64, err error) {
	limit = bytes
	for step := int64(memoryStep); ; step *= 2 {
		before, err = g.change(Setting{"memory.limit_in_bytes", fmt.Sprint(limit)})
		if !errors.Is(err, syscall.EBUSY) {
			break
		}
		used, readErr := g.number("memory.usage_in_bytes")
		if readErr != nil {
			return nil, 0, readErr
		}
		limit = max(used, bytes) + step
	}
	if err != nil {
		return before, 0, err
	}
	swap, err := g.change(Setting{"memory.memsw.limit_in_bytes", fmt.Sprint(limit)})
	if errors.Is(err, os.ErrNotExist) { // A kernel that does not account for swap.
		return before, limit, nil
	}
	return append(before, swap...), limit, err
}

// Tighten brings a limit that version 1 did not take as low as it was wanted
// closer to that, if less is in use by now, and returns what it is.
func (g Group) Tighten(wanted, limit int64) (int64, error) {
	used, err := g.number("memory.usage_in_bytes")
	if err != nil {
		return limit, err
	}
	lower := max(used+memoryStep, wanted)
	if lower >= limit {
		return limit, nil
	}
	for _, file := range []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"} {
		err := g.write(file, fmt.Sprint(lower))
		switch {
		case errors.Is(err, syscall.EBUSY):
			return limit, nil // It has grown again.
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return limit, err
		}
	}
	return lower, nil
}

// change writes settings, and returns what was there. If one cannot be
// written, those before it are taken back.
func (g Group) change(settings ...Setting) ([]Setting, error) {
	var before []Setting
	for _, s := range settings {
		was, err := g.read(s.File)
		if err == nil {
			err = g.write(s.File, s.Text)
		}
		if err != nil {
			return nil, errors.Join(err, g.Restore(before))
		}
		before = append(before, Setting{s.File, was})
	}
	return before, nil
}

// Restore takes a group back to how it was, the last change first, and reads
// back that it is. A group that has been removed is as good as restored.
func (g Group) Restore(before []Setting) error {
	for i := len(before) - 1; i >= 0; i-- {
		s := before[i]
		if err := g.write(s.File, s.Text); err != nil {
			if gone(err) {
				return nil
			}
			return err
		}
		if is, err := g.read(s.File); err != nil || is != s.Text {
			return errors.Join(fmt.Errorf("cgroup %s: %s was restored to %q but says %q", g.Path, s.File, s.Text, is), skipGone(err))
		}
	}
	return nil
}

// Throttled counts the periods in which the group had used up its processors.
func (g Group) Throttled() (int64, error) { return g.keyed("cpu.stat", "nr_throttled") }

// Refused counts the processes and threads that the group was not let have.
func (g Group) Refused() (int64, error) { return g.keyed("pids.events", "max") }

// Shortages counts how often the group came to its memory limit, as far as the
// kernel says, and the processes that were killed for it.
func (g Group) Shortages() (hits, kills int64, err error) {
	if g.Version == 2 {
		hits, err = g.keyed("memory.events", "max")
		if err == nil {
			kills, err = g.keyed("memory.events", "oom_kill")
		}
		return hits, kills, err
	}
	kills, err = g.keyed("memory.oom_control", "oom_kill")
	if err != nil {
		return 0, 0, err
	}
	hits, err = g.shortages1()
	return max(hits, kills), kills, err
}

// shortages1 is at least 1 while the group uses all that it may: later kernels
// do not count failures for version 1 any more.
func (g Group) shortages1() (int64, error) {
	failed, err := g.number("memory.failcnt")
	if err != nil {
		return 0, err
	}
	swap, err := g.number("memory.memsw.failcnt") // Whichever of the two comes first is counted.
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	used, err1 := g.number("memory.usage_in_bytes")
	limit, err2 := g.number("memory.limit_in_bytes")
	const batch = 64 * 4096 // as the kernel charges
	if used+batch > limit && failed+swap == 0 {
		failed = 1
	}
	return failed + swap, errors.Join(err1, err2)
}

// read reads a file of one value.
func (g Group) read(file string) (string, error) {
	text, err := os.ReadFile(filepath.Join(g.Dir, file))
	if err != nil {
		return "", fmt.Errorf("cgroup %s: %w%s", g.Path, err, g.enabled(err))
	}
	return strings.TrimSpace(string(text)), nil
}

// enabled says what is wrong if a file is not there though its group is.
func (g Group) enabled(err error) string {
	if _, dirErr := os.Stat(g.Dir); g.Version == 2 && errors.Is(err, os.ErrNotExist) && dirErr == nil {
		return " (is the controller in cgroup.subtree_control of the group above?)"
	}
	return ""
}

func (g Group) number(file string) (int64, error) {
	text, err := g.read(file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cgroup %s: %s says %q", g.Path, file, text)
	}
	return n, nil
}

// keyed reads one number of a file of lines "key number".
func (g Group) keyed(file, key string) (int64, error) {
	text, err := g.read(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == key {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("cgroup %s: %s has no %q: %q", g.Path, file, key, text)
}
