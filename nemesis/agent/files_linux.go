package agent

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A fileLimit bounds the file descriptors of each process of a node, by its
// soft limit, from outside.
type fileLimit struct {
	limit uint64
	was   map[int]fileWas // by pid
	usual uint64          // what the main process had, for those born under the limit
	open  int             // of the process that has used up its descriptors, or nearly
	felt  int64           // how often a process was seen to have none left
}

type fileWas struct {
	started uint64
	soft    uint64
}

// imposeFiles limits all processes that there are.
func (n *node) imposeFiles(limit int64) (*bound, error) {
	f := &fileLimit{limit: uint64(limit), was: map[int]fileWas{}}
	usual, err := softLimit(n.main.pid)
	if err != nil {
		return nil, err
	}
	if usual <= f.limit {
		return nil, fmt.Errorf("its process %d may have no more than %d file descriptors already", n.main.pid, usual)
	}
	f.usual = usual
	if err := f.impose(n); err != nil {
		return nil, errors.Join(err, f.lift())
	}
	return &bound{limit: count(int(limit), "file descriptor", "file descriptors") + " a process", files: f}, nil
}

// impose limits the processes that are not yet, and looks whether any has used
// up its descriptors.
func (f *fileLimit) impose(n *node) error {
	pids, err := n.processes()
	if err != nil {
		return err
	}
	f.open = 0
	for _, pid := range pids {
		if err := f.one(pid); err != nil && !vanished(pid, err) {
			return fmt.Errorf("limit the file descriptors of process %d: %w", pid, err)
		}
		open, full := descriptors(pid, f.limit)
		f.open = max(f.open, open)
		if full {
			f.felt++
		}
	}
	return nil
}

func (f *fileLimit) one(pid int) error {
	started, err := startTime(pid)
	if err != nil {
		return err
	}
	soft, err := softLimit(pid)
	if err != nil {
		return err
	}
	known := f.was[pid].started == started
	switch {
	case soft > f.limit && !known:
		f.was[pid] = fileWas{started, soft}
	case soft == f.limit && !known: // Born under it.
		f.was[pid] = fileWas{started, f.usual}
	}
	if soft <= f.limit {
		return nil
	}
	return setSoftLimit(pid, f.limit)
}

// lift gives every process back what it had, unless it has changed that itself.
func (f *fileLimit) lift() error {
	var errs []error
	for pid, was := range f.was {
		started, err := startTime(pid)
		if err != nil || started != was.started {
			continue // It has ended.
		}
		soft, err := softLimit(pid)
		if err == nil && soft == f.limit {
			err = setSoftLimit(pid, was.soft)
		}
		if err != nil && !vanished(pid, err) {
			errs = append(errs, err)
			continue
		}
		delete(f.was, pid)
	}
	return errors.Join(errs...)
}

func (f *fileLimit) say(n int64) string {
	if n == 0 {
		return fmt.Sprintf("read back in %s; at most %d are open", count(len(f.was), "process", "processes"), f.open)
	}
	return fmt.Sprintf("read back in %s; seen with none left %s", count(len(f.was), "process", "processes"), count(int(n), "time", "times"))
}

// descriptors counts the open files of a process, and reports whether none is
// free below a limit: then it cannot open another one.
func descriptors(pid int, limit uint64) (open int, full bool) {
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, false
	}
	below := uint64(0)
	for _, name := range names {
		if fd, err := strconv.ParseUint(name.Name(), 10, 64); err == nil && fd < limit {
			below++
		}
	}
	return len(names), below == limit
}

// softLimit reads the soft limit, which needs no right that /proc does not.
func softLimit(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, "Max open files"); ok {
			if fields := strings.Fields(after); len(fields) > 0 {
				return strconv.ParseUint(fields[0], 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("/proc/%d/limits has no line about open files", pid)
}

// setSoftLimit leaves the hard limit as it is, so that no right to raise
// limits is needed. The kernel lets us change those of another user's process
// only if that is whom we are really, so a thread of ours becomes him.
func setSoftLimit(pid int, soft uint64) error {
	err := prlimit(pid, soft)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	return onThrowawayThread(func() error {
		if err := becomeOwner(pid); err != nil {
			return err
		}
		return prlimit(pid, soft)
	})
}

// onThrowawayThread runs f on a thread that ends with it. The first thread of
// a process cannot end: it is held while another one is found.
func onThrowawayThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // And never unlocked, except that of the first.
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			result <- onThrowawayThread(f)
			return
		}
		result <- f()
	}()
	return <-result
}

func prlimit(pid int, soft uint64) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return fmt.Errorf("read the limits of process %d: %w", pid, err)
	}
	limit.Cur = min(soft, limit.Max)
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		return fmt.Errorf("set the limits of process %d: %w", pid, err)
	}
	return nil
}

// becomeOwner makes the real user and group of this thread alone those of a
// process; the effective ones, and with them our rights, stay.
func becomeOwner(pid int) error {
	var user, group uintptr
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "Uid:\t%d", &user) // Most lines are about something else.
		_, _ = fmt.Sscanf(line, "Gid:\t%d", &group)
	}
	const keep = ^uintptr(0)
	for _, call := range []struct{ number, id uintptr }{{unix.SYS_SETRESGID, group}, {unix.SYS_SETRESUID, user}} {
		if _, _, errno := unix.RawSyscall(call.number, call.id, keep, keep); errno != 0 {
			return fmt.Errorf("become user %d to change the limits of process %d: %w (CAP_SETUID and CAP_SETGID are needed)", user, pid, errno)
		}
	}
	return nil
}
