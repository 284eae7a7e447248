//go:build amd64 || arm64

package vdso

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxSteps is how many instructions a thread is stepped to get it out of five
// bytes; a signal handler that it enters may take a few more.
const maxSteps = 64

// tracees are the threads of a process that we have stopped.
type tracees struct {
	pid    int
	seized map[int]bool // all that we trace; true: stopped
	held   []held       // signals that came while stepping
}

type held struct {
	tid    int
	signal unix.Signal
}

// whileStopped runs f while no thread of the process runs. They go on in any
// case: those that cannot be told to are let go by the kernel when the tracing
// thread ends, which it does here.
func whileStopped(ctx context.Context, pid int, f func(*tracees) error) error {
	return onThrowawayThread(func() error {
		t := &tracees{pid: pid, seized: map[int]bool{}}
		defer t.release()
		if err := t.stopAll(ctx); err != nil {
			return err
		}
		return f(t)
	})
}

// onThrowawayThread runs f on an operating system thread of its own, which
// ends afterwards and with it everything that it traces.
func onThrowawayThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // And never unlocked: the thread ends with the goroutine.
		if unix.Gettid() == unix.Getpid() {
			// The first thread of a process cannot end; hold it, and take another.
			defer runtime.UnlockOSThread()
			result <- onThrowawayThread(f)
			return
		}
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("a bug in shakedown: %v", p)
			}
		}()
		result <- f()
	}()
	return <-result
}

// stopAll stops threads until there is none that it does not know: those that
// still run may start others.
func (t *tracees) stopAll(ctx context.Context) error {
	for {
		fresh, err := t.seizeNew()
		if err != nil || len(fresh) == 0 {
			return err
		}
		for _, tid := range fresh {
			if err := t.untilStopped(ctx, tid); err != nil {
				return err
			}
		}
	}
}

// seizeNew begins to trace the threads that it did not know yet, and asks
// them to stop.
func (t *tracees) seizeNew() ([]int, error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", t.pid))
	if err != nil {
		return nil, err
	}
	var fresh []int
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			return nil, err
		}
		if _, known := t.seized[tid]; known {
			continue
		}
		if err := unix.PtraceSeize(tid); err != nil {
			if ended(t.pid, tid) {
				continue
			}
			return nil, fmt.Errorf("trace thread %d: %w%s", tid, err, tracedBy(tid))
		}
		t.seized[tid] = false
		fresh = append(fresh, tid)
		if err := unix.PtraceInterrupt(tid); err != nil && !errors.Is(err, unix.ESRCH) {
			return nil, fmt.Errorf("stop thread %d: %w", tid, err)
		}
	}
	return fresh, nil
}

// ended reports whether a thread does not run any more. Such a one cannot be
// traced, and need not be.
func ended(pid, tid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	if err != nil {
		return true
	}
	state := strings.TrimSpace(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// tracedBy says who traces a thread already, if somebody does.
func tracedBy(tid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	for line := range strings.Lines(string(text)) {
		if name, pid, _ := strings.Cut(strings.TrimSpace(line), ":\t"); name == "TracerPid" && pid != "0" {
			return fmt.Sprintf(" (process %s, perhaps a debugger, traces it)", pid)
		}
	}
	return " (CAP_SYS_PTRACE is needed)"
}

// untilStopped waits until a thread stands where it was interrupted. A signal
// that arrives in between is delivered first, which the thread notices no
// earlier than we let it run.
func (t *tracees) untilStopped(ctx context.Context, tid int) error {
	for {
		status, err := t.wait(ctx, tid)
		if err != nil {
			return err
		}
		switch {
		case !status.Stopped():
			delete(t.seized, tid) // It has ended.
			return nil
		case status>>16 == unix.PTRACE_EVENT_STOP:
			t.seized[tid] = true
			return nil
		}
		if err := unix.PtraceCont(tid, int(status.StopSignal())); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("pass on a signal to thread %d: %w", tid, err)
		}
	}
}

// wait waits for news of a thread, but never longer than ctx allows: one that
// the freezer holds has no news.
func (t *tracees) wait(ctx context.Context, tid int) (unix.WaitStatus, error) {
	pause := 20 * time.Microsecond
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("wait for thread %d: %w", tid, err)
		case got == tid:
			return status, nil
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("thread %d does not stop: %w", tid, ctx.Err())
		}
		time.Sleep(pause)
		pause = min(2*pause, time.Millisecond)
	}
}

// stepOut moves each thread on until it is out of the way.
func (t *tracees) stepOut(ctx context.Context, inWay func(pointer uint64) bool) error {
	for tid := range t.seized {
		for range maxSteps {
			at, err := pointer(tid)
			if err != nil {
				return fmt.Errorf("read the registers of thread %d: %w", tid, err)
			}
			if !inWay(at) {
				break
			}
			if err := t.step(ctx, tid); err != nil {
				return err
			}
		}
	}
	return nil
}

// step executes one instruction of a thread. A signal that arrives is kept
// back: its handler would return into the very bytes that we are about to
// change.
func (t *tracees) step(ctx context.Context, tid int) error {
	if err := unix.PtraceSingleStep(tid); err != nil {
		return fmt.Errorf("step thread %d: %w", tid, err)
	}
	status, err := t.wait(ctx, tid)
	if err != nil {
		return err
	}
	if !status.Stopped() {
		return fmt.Errorf("thread %d has ended", tid)
	}
	if s := status.StopSignal(); s != unix.SIGTRAP && status>>16 == 0 {
		t.held = append(t.held, held{tid, s})
	}
	return nil
}

// release lets all threads go on, and gives them the signals that were kept
// back.
func (t *tracees) release() {
	for tid := range t.seized {
		_ = unix.PtraceDetach(tid) // One that did not stop is let go with our thread.
	}
	for _, h := range t.held {
		_ = unix.Tgkill(t.pid, h.tid, h.signal) // It may have ended.
	}
}
