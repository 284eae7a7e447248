package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A process is one that cannot be mistaken for a later one of the same pid:
// it is held by a pidfd.
type process struct {
	pid     int
	fd      int
	started uint64 // clock ticks after boot
}

func openProcess(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil, fmt.Errorf("open process %d: %w (has it ended, or are we in another pid namespace?)", pid, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	started, err := startTime(pid)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open process %d: %w", pid, err), unix.Close(fd))
	}
	return &process{pid: pid, fd: fd, started: started}, nil
}

func (p *process) close() {
	_ = unix.Close(p.fd) // Nothing was written to it that could be lost.
}

// same reports whether p is the process that has its pid now.
func (p *process) same(other *process) bool {
	return p != nil && other != nil && p.pid == other.pid && p.started == other.started
}

// alive reports whether the process has not ended yet; a zombie has.
func (p *process) alive() bool {
	ended, err := p.ended(0)
	return err == nil && !ended
}

// ended waits at most so long for the process to end.
func (p *process) ended(wait time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return n > 0, err
}

// signal sends a signal. A process that has ended is no error to a caller who
// looks for [unix.ESRCH].
func (p *process) signal(s unix.Signal) error {
	if err := unix.PidfdSendSignal(p.fd, s, nil, 0); err != nil {
		return fmt.Errorf("send %s to process %d: %w", unix.SignalName(s), p.pid, err)
	}
	return nil
}

// untilEnded waits until the process has ended or ctx has.
func (p *process) untilEnded(ctx context.Context) error {
	const look = 50 * time.Millisecond // at whether ctx has ended
	for {
		ended, err := p.ended(look)
		if ended || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// startTime is when a process started, in clock ticks after boot.
func startTime(pid int) (uint64, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

// statFields are those of /proc/<pid>/stat after the name of the program,
// which may contain anything: the first is the state, the third of the file.
func statFields(pid int) ([]string, error) { return statFieldsOf(fmt.Sprintf("/proc/%d/stat", pid)) }

func statFieldsOf(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("%s: %q", file, clip(string(text)))
	}
	return fields, nil
}

// cpuTime is what processes have used of the processor, all threads together.
// Those that have ended count nothing.
func cpuTime(pids []int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, thread := range threads {
			sum += threadTime(pid, thread.Name())
		}
	}
	return sum
}

// threadTime is exact where the kernel keeps scheduler statistics, and counts
// in ticks of 10 ms where it does not.
func threadTime(pid int, tid string) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, tid))
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
		ns, _ := strconv.ParseInt(fields[0], 10, 64)
		return time.Duration(ns)
	}
	number, _ := strconv.Atoi(tid)
	fields, err := statFields(number)
	if err != nil {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}
