package hostclock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Linux is the kernel that we run on. To change its clock takes SYS_TIME, which
// root on a host has, and no agent in a container.
type Linux struct{}

// Now implements [Kernel].
func (Linux) Now() (real, sinceBoot time.Duration, err error) {
	var r, b unix.Timespec
	if err := errors.Join(unix.ClockGettime(unix.CLOCK_REALTIME, &r), unix.ClockGettime(unix.CLOCK_BOOTTIME, &b)); err != nil {
		return 0, 0, fmt.Errorf("read the clocks: %w", err)
	}
	return time.Duration(r.Nano()), time.Duration(b.Nano()), nil
}

// What of linux/timex.h we speak, which is not in package unix.
const (
	adjSetOffset = 0x0100
	adjNano      = 0x2000
)

// Step implements [Kernel], by one change relative to what the clock is: nothing
// is lost of the time that passes meanwhile.
func (Linux) Step(by time.Duration) error {
	seconds := int64(by / time.Second)
	rest := int64(by % time.Second)
	if rest < 0 { // the kernel wants the part below a second to be positive
		seconds, rest = seconds-1, rest+int64(time.Second)
	}
	t := unix.Timex{Modes: adjSetOffset | adjNano, Time: unix.Timeval{Sec: seconds, Usec: rest}}
	if _, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t); err != nil {
		return fmt.Errorf("set the clock by %v: %w (CAP_SYS_TIME is needed)", by, err)
	}
	return nil
}

// Boot implements [Kernel].
func (Linux) Boot() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}

// keepers are the names of programs that keep the time, as the kernel cuts them.
func keepers() []string {
	return []string{"chronyd", "ntpd", "ntpd-rs", "ntp-daemon", "systemd-timesyn", "openntpd", "ptp4l", "phc2sys"}
}

// Keepers implements [Kernel].
func (Linux) Keepers() ([]Program, error) {
	all, err := programs("/proc", keepers())
	for i, p := range all {
		all[i].Unit = watcher(p.Pid)
	}
	return all, err
}

// watcher is the unit of systemd that the process belongs to, if it has a watchdog.
func watcher(pid int) string {
	groups, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)) // It may have ended.
	for line := range strings.Lines(string(groups)) {
		unit := filepath.Base(strings.TrimSpace(line))
		if !strings.HasSuffix(unit, ".service") {
			continue
		}
		patience, err := exec.Command("systemctl", "show", "-p", "WatchdogUSec", "--value", unit).Output()
		if err == nil && !slices.Contains([]string{"", "0", "infinity"}, strings.TrimSpace(string(patience))) {
			return unit
		}
	}
	return ""
}

// programs lists the processes of those names.
func programs(proc string, wanted []string) ([]Program, error) {
	names, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "comm"))
	if err != nil {
		return nil, err
	}
	var out []Program
	for _, file := range names {
		text, err := os.ReadFile(file)
		name := strings.TrimSpace(string(text))
		pid, notPid := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || notPid != nil || !slices.Contains(wanted, name) {
			continue
		}
		if born, err := bornAt(proc, pid); err == nil { // It may have ended.
			out = append(out, Program{Name: name, Pid: pid, Born: born})
		}
	}
	return out, nil
}

// bornAt is when a process was started, in ticks after boot.
func bornAt(proc string, pid int) (string, error) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", err
	}
	after := text[strings.LastIndexByte(string(text), ')')+1:]
	fields := strings.Fields(string(after))
	const started = 19 // the 22nd of all
	if len(fields) <= started {
		return "", fmt.Errorf("the state of process %d cannot be read", pid)
	}
	return fields[started], nil
}

// Halt implements [Kernel]. A unit that is watched is stopped.
func (Linux) Halt(p Program) error {
	if p.Unit != "" {
		return systemctl("stop", p.Unit)
	}
	return signal(p, unix.SIGSTOP)
}

// Resume implements [Kernel].
func (Linux) Resume(p Program) error {
	if p.Unit != "" {
		return systemctl("start", p.Unit)
	}
	return signal(p, unix.SIGCONT)
}

func systemctl(verb, unit string) error {
	if out, err := exec.Command("systemctl", verb, unit).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s %s: %w: %s", verb, unit, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func signal(p Program, s unix.Signal) error {
	fd, err := unix.PidfdOpen(p.Pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if born, err := bornAt("/proc", p.Pid); err != nil || born != p.Born {
		return nil // it is another process
	}
	if err := unix.PidfdSendSignal(fd, s, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}
