package agent

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// beHungry is the process whose resources are limited. It does what it is told
// on each line, and says how it went: "ok", or the error.
func beHungry() error {
	h := &hungry{}
	does := map[string]func() error{
		"grow": h.grow, "fork": h.fork, "open": h.open, "close": h.close,
		"work": func() error { return work(50 * time.Millisecond) },
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		begin := time.Now()
		err := does[lines.Text()]()
		fmt.Printf("%d %s\n", time.Since(begin), said(err))
	}
	return nil
}

func said(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

type hungry struct {
	memory [][]byte
	files  []int
}

// grow takes a mebibyte and touches every page of it.
func (h *hungry) grow() error {
	m, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	for i := 0; i < len(m); i += 4096 {
		m[i] = 1
	}
	h.memory = append(h.memory, m)
	return nil
}

func (h *hungry) fork() error { return exec.Command("/proc/self/exe", "nothing").Run() }

func (h *hungry) open() error {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		h.files = append(h.files, fd)
	}
	return err
}

func (h *hungry) close() error {
	for _, fd := range h.files {
		unix.Close(fd)
	}
	h.files = nil
	return nil
}

// work uses the processor for so long.
func work(d time.Duration) error {
	for used := processorTime(); processorTime()-used < d; {
	}
	return nil
}

func processorTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}
