package agent

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// stopping is how long processes may take to notice that they were stopped,
// or may go on.
const stopping = 2 * time.Second

// A halted process has been sent SIGSTOP by us.
type halted struct {
	*process
	by map[string]bool // the IDs that want it
}

// sigstop stops the processes that an ID wants stopped and that are not yet.
// One that somebody else has stopped stays his: we would not know when to let
// it go on.
func (n *node) sigstop(id string) error {
	programs, err := n.matching(n.frozen[id].process)
	if err != nil {
		return err
	}
	var fresh []int
	for _, p := range programs {
		if s := n.stopped[p.pid]; s != nil && s.alive() {
			s.by[id] = true
			continue
		}
		if isStopped(p.pid) {
			continue
		}
		one, err := openProcess(p.pid)
		if err != nil {
			continue // It has just ended.
		}
		n.stopped[p.pid] = &halted{one, map[string]bool{id: true}}
		if err := one.signal(unix.SIGSTOP); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		fresh = append(fresh, p.pid)
	}
	return n.untilHalted(fresh)
}

func (n *node) untilHalted(pids []int) error {
	for deadline := time.Now().Add(stopping); ; time.Sleep(time.Millisecond) {
		running := slices.IndexFunc(pids, func(pid int) bool { return n.stopped[pid].alive() && !isStopped(pid) })
		switch {
		case running < 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("process %d was sent SIGSTOP but has not stopped", pids[running])
		}
	}
}

// isStopped reports whether every thread of a process is stopped by a signal.
func isStopped(pid int) bool {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		fields, err := statFieldsOf(fmt.Sprintf("/proc/%d/task/%s/stat", pid, thread.Name()))
		if err == nil && fields[0] != "T" {
			return false
		}
	}
	return true
}

func (n *node) allStopped(pids []int) (string, error) {
	for _, pid := range pids {
		if !isStopped(pid) {
			return "", fmt.Errorf("process %d was sent SIGSTOP but goes on", pid)
		}
	}
	slices.Sort(pids)
	return fmt.Sprintf("state T (stopped) of pid %v", pids), nil
}

// sigcont lets go on what an ID wanted stopped, unless another ID does, too.
func (n *node) sigcont(id string) error {
	var errs []error
	for pid, s := range n.stopped {
		delete(s.by, id)
		if len(s.by) > 0 {
			continue
		}
		if err := s.signal(unix.SIGCONT); err != nil && !errors.Is(err, unix.ESRCH) {
			s.by[id] = true
			errs = append(errs, err)
			continue
		}
		s.close()
		delete(n.stopped, pid)
	}
	return errors.Join(errs...)
}

// forgetStopped drops those that have ended.
func (n *node) forgetStopped() {
	for pid, s := range n.stopped {
		if !s.alive() {
			s.close()
			delete(n.stopped, pid)
		}
	}
}
