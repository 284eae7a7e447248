package vdso

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tell says the time whenever it is asked, while other threads read it all the
// time. It exits when the monotonic clock goes wrong.
func tell(threads int) {
	began := time.Now()
	var running sync.WaitGroup
	running.Add(threads)
	for range threads {
		go func() {
			runtime.LockOSThread()
			running.Done()
			for last := time.Now(); ; {
				now := time.Now()
				if now.Sub(last) < 0 || now.Sub(began) > time.Hour {
					fmt.Fprintln(os.Stderr, "the monotonic clock jumped from", last, "to", now)
					os.Exit(1)
				}
				last = now
			}
		}()
	}
	running.Wait()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(time.Now().UnixNano())
	}
}

type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t testing.TB, program string, arguments ...string) *child {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "needs root: writes to the memory of other processes")
	}
	c := &child{Cmd: exec.Command(program, arguments...)}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	return c
}

func startTelling(t testing.TB, threads int) *child {
	t.Helper()
	c := start(t, "/proc/self/exe", "tell", strconv.Itoa(threads))
	c.ask(t)
	return c
}

// ask returns what the child says when it is asked for the time.
func (c *child) ask(t testing.TB) string {
	t.Helper()
	if _, err := io.WriteString(c.in, "?\n"); err != nil {
		t.Fatal(err)
	}
	if !c.out.Scan() {
		t.Fatalf("the child has ended: %v", c.out.Err())
	}
	return c.out.Text()
}

// off insists that the child's clock is off by an offset.
func (c *child) off(t testing.TB, offset time.Duration) {
	t.Helper()
	before := time.Now()
	ns, err := strconv.ParseInt(c.ask(t), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the clock", time.Unix(0, ns), before.Add(offset), time.Now().Add(offset))
}

func within(t testing.TB, what string, is, from, to time.Time) {
	t.Helper()
	if is.Before(from) || is.After(to) {
		t.Errorf("%s shows %v; want between %v and %v", what, is, from, to)
	}
}

func open(t testing.TB, pid int) *Process {
	t.Helper()
	p, err := Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func set(t testing.TB, p *Process, offset time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	setTo(ctx, t, p, Clock{Of: Realtime, Offset: offset, Until: present(t).In(time.Minute)})
}

func setTo(ctx context.Context, t testing.TB, p *Process, c Clock) {
	t.Helper()
	if err := p.Set(ctx, c); err != nil {
		t.Fatal(err)
	}
	if got, ours, err := p.Clock(); err != nil || !ours || got != c {
		t.Fatalf("read back %+v, %v, %v; want %+v", got, ours, err, c)
	}
}

func TestOffsets(t *testing.T) {
	for _, threads := range []int{0, 8} {
		t.Run(fmt.Sprint(threads, " busy threads"), func(t *testing.T) {
			c := startTelling(t, threads)
			p := open(t, c.Process.Pid)
			if is, ours, err := p.Clock(); ours || is != (Clock{}) || err != nil {
				t.Errorf("before: %+v, %v, %v", is, ours, err)
			}
			c.off(t, 0)
			for _, offset := range []time.Duration{
				time.Minute, -time.Hour - 5*time.Second, time.Nanosecond, 0, 20 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour,
			} {
				set(t, p, offset)
				c.off(t, offset)
			}
			if err := p.Set(t.Context(), Clock{}); err != nil {
				t.Fatal(err)
			}
			c.off(t, 0)
		})
	}
}

// The jumps are written while many threads are in and around them, over and
// over: a thread that came to stand between them would crash.
func TestInstallUnderLoad(t *testing.T) {
	for range 10 {
		c := startTelling(t, 6)
		set(t, open(t, c.Process.Pid), time.Hour)
		c.off(t, time.Hour)
		c.Process.Kill()
		c.Wait()
	}
}

func TestOffsetEndsByItself(t *testing.T) {
	c := startTelling(t, 0)
	p := open(t, c.Process.Pid)
	set(t, p, time.Hour)
	past := Clock{Of: Realtime, Offset: time.Hour, Until: present(t)}
	if err := p.Set(t.Context(), past); err != nil {
		t.Fatal(err)
	}
	c.off(t, 0)
}

// bash tells the time by gettimeofday ($EPOCHREALTIME) and by time
// ($EPOCHSECONDS), through a C library.
const bashTells = `while read; do echo "$EPOCHREALTIME $EPOCHSECONDS"; done`

func startBash(t testing.TB, script string) *child {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash: it tells the time by the C library")
	}
	c := start(t, bash, "-c", script)
	if len(c.ask(t)) < 10 {
		t.Skip("needs bash 5 or later, which has $EPOCHREALTIME")
	}
	return c
}

func (c *child) bashOff(t testing.TB, offset time.Duration) {
	t.Helper()
	before := time.Now().Add(offset)
	var micro, seconds string
	if _, err := fmt.Sscan(c.ask(t), &micro, &seconds); err != nil {
		t.Fatal(err)
	}
	after := time.Now().Add(offset)
	us, err := strconv.ParseInt(strings.NewReplacer(".", "", ",", "").Replace(micro), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "gettimeofday", time.UnixMicro(us), before.Truncate(time.Microsecond), after)
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	const lag = 20 * time.Millisecond // of the coarse clock
	within(t, "time", time.Unix(s, 0), before.Add(-lag).Truncate(time.Second), after)
}

func TestCLibrary(t *testing.T) {
	c := startBash(t, bashTells)
	p := open(t, c.Process.Pid)
	c.bashOff(t, 0)
	for _, offset := range []time.Duration{time.Hour, -90 * time.Second, 1500 * time.Millisecond} {
		set(t, p, offset)
		c.bashOff(t, offset)
	}
}

// A forked child inherits the clock as a copy, which can be set by itself.
func TestForkedChild(t *testing.T) {
	c := startBash(t, `read; echo 1234567890; read; echo $$; (echo $BASHPID; `+bashTells+`)`)
	parent := open(t, c.Process.Pid)
	set(t, parent, time.Hour)
	c.ask(t) // It forks now.
	if !c.out.Scan() {
		t.Fatal("no forked child")
	}
	pid, err := strconv.Atoi(c.out.Text())
	if err != nil || pid == c.Process.Pid {
		t.Fatalf("the forked child's pid is %q", c.out.Text())
	}
	c.bashOff(t, time.Hour)
	set(t, parent, 2*time.Hour)
	c.bashOff(t, time.Hour)
	set(t, open(t, pid), 2*time.Hour)
	c.bashOff(t, 2*time.Hour)
}

// Once it has executed another program, a process has to be opened again.
func TestExecutedProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := startBash(t, `read; echo 1234567890; read; exec "`+self+`" tell 2`)
	p := open(t, c.Process.Pid)
	set(t, p, time.Hour)
	io.WriteString(c.in, "go\n")
	c.off(t, 0) // Answered by the new program.
	if _, _, err := p.Clock(); err == nil {
		t.Error("the clock of the program that is no more was read")
	}
	if err := p.Set(t.Context(), Clock{}); err == nil {
		t.Error("the clock of the program that is no more was set")
	}
	set(t, open(t, c.Process.Pid), time.Hour)
	c.off(t, time.Hour)
}

func TestOthersAreNotTouched(t *testing.T) {
	c, other := startTelling(t, 0), startTelling(t, 0)
	set(t, open(t, c.Process.Pid), time.Hour)
	other.off(t, 0)
	if _, ours, err := open(t, other.Process.Pid).Clock(); ours || err != nil {
		t.Errorf("another process: changed is %v, %v", ours, err)
	}
	if _, ours, err := open(t, os.Getpid()).Clock(); ours || err != nil {
		t.Errorf("ourselves: changed is %v, %v", ours, err)
	}
}

// Signals that arrive while a thread is being stopped are not lost.
func TestSignalsGetThrough(t *testing.T) {
	const script = `n=0; trap 'n=$((n+1))' USR1; echo ready; while read -r x || [ $? -gt 128 ]; do echo "$n $EPOCHSECONDS"; done`
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	c := start(t, bash, "-c", script)
	if !c.out.Scan() {
		t.Fatal("no bash")
	}
	for i := range 20 {
		if err := c.Process.Signal(unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		threadsStop(t, c.Process.Pid)
		deadline := time.Now().Add(10 * time.Second)
		for {
			var n, s int
			if _, err := fmt.Sscan(c.ask(t), &n, &s); err != nil {
				t.Fatal(err)
			}
			if n == i+1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("of %d signals %d arrived", i+1, n)
			}
		}
	}
}

func threadsStop(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := whileStopped(ctx, pid, func(*tracees) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// A thread that stands within the bytes to be overwritten is stepped out of
// them, and signals in that time are kept for later.
func TestStepOut(t *testing.T) {
	c := startTelling(t, 2)
	deadline := time.Now().Add(15 * time.Second)
	for stepBusy(t, c.Process.Pid) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no thread was ever caught at work")
		}
	}
	c.off(t, 0) // It goes on.
}

// stepBusy moves every thread that is not in a system call, which a step would
// start again, from where it stands. It returns how many there were.
func stepBusy(t *testing.T, pid int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	busy := 0
	err := whileStopped(ctx, pid, func(threads *tracees) error {
		for tid, stopped := range threads.seized {
			before, err := pointer(tid)
			if err != nil || !stopped {
				return fmt.Errorf("thread %d: stopped is %v, %w", tid, stopped, err)
			}
			calls, err := inSystemCall(pid, tid, before)
			if err != nil {
				return err
			}
			if calls {
				continue
			}
			busy++
			alone := &tracees{pid: pid, seized: map[int]bool{tid: true}}
			if err := alone.stepOut(ctx, func(at uint64) bool { return at == before }); err != nil {
				return err
			}
			if after, err := pointer(tid); err != nil || after == before {
				return fmt.Errorf("thread %d still stands at %#x, %w", tid, after, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return busy
}

// inSystemCall tells whether a stopped thread is in a system call, or about to
// start one again.
func inSystemCall(pid, tid int, at uint64) (bool, error) {
	// "-1", where it stands, and its stack, unless it is in one.
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, tid))
	if err != nil {
		return false, err
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return false, err
	}
	defer memory.Close()
	next := make([]byte, 4)
	if _, err := memory.ReadAt(next, int64(at)); err != nil {
		return false, err
	}
	call := map[string]string{"amd64": "\x0f\x05", "arm64": "\x01\x00\x00\xd4"}[runtime.GOARCH]
	return !strings.HasPrefix(string(text), "-1 ") || strings.HasPrefix(string(next), call), nil
}

func TestTracedByAnother(t *testing.T) {
	c := startTelling(t, 0)
	p := open(t, c.Process.Pid)
	err := onThrowawayThread(func() error {
		if err := unix.PtraceSeize(c.Process.Pid); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := p.Set(ctx, Clock{Of: Realtime, Offset: time.Hour, Until: present(t).In(time.Minute)})
		if err == nil || !strings.Contains(err.Error(), "perhaps a debugger") {
			return fmt.Errorf("error %v; want one that names the tracer", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	c.off(t, 0)
	set(t, p, time.Hour) // The tracer is gone.
	c.off(t, time.Hour)
}

func TestWhatHasNoVDSO(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root: opens other processes")
	}
	if _, err := Open(2); err == nil {
		t.Error("a kernel thread was opened")
	}
	c := startTelling(t, 0)
	p := open(t, c.Process.Pid)
	c.Process.Kill()
	c.Wait()
	if _, err := Open(c.Process.Pid); err == nil {
		t.Error("a process that has ended was opened")
	}
	if err := p.Set(t.Context(), Clock{}); err == nil {
		t.Error("the clock of a process that has ended was set")
	}
}

func TestMapping(t *testing.T) {
	for _, c := range []struct {
		maps       string
		base, size uint64
		wants      string
	}{
		{"7f00-7f10 r--p 0 00:00 0 /lib/x\n7fff1000-7fff3000 r-xp 00000000 00:00 0                          [vdso]\n", 0x7fff1000, 0x2000, ""},
		{"7fff1000-7fff3000 r-xp 00000000 00:00 0 [vvar]\n", 0, 0, "no vDSO"},
		{"", 0, 0, "no vDSO"},
		{"7fff3000-7fff1000 r-xp 00000000 00:00 0 [vdso]\n", 0, 0, "cannot make sense"},
		{"0-ffffffffffff r-xp 00000000 00:00 0 [vdso]\n", 0, 0, "cannot make sense"},
		{"here [vdso]\n", 0, 0, "cannot make sense"},
	} {
		base, size, err := mapping(c.maps)
		if base != c.base || size != c.size || !strings.Contains(fmt.Sprint(err), c.wants) {
			t.Errorf("%q: %#x, %#x, %v; want %#x, %#x, %q", c.maps, base, size, err, c.base, c.size, c.wants)
		}
	}
}

func BenchmarkInstall(b *testing.B) {
	for _, threads := range []int{1, 8, 20, 32} {
		b.Run(fmt.Sprint(threads, " busy threads"), func(b *testing.B) {
			var longest time.Duration
			for b.Loop() {
				b.StopTimer()
				c := startTelling(b, threads)
				p, err := Open(c.Process.Pid)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				begin := time.Now()
				set(b, p, time.Hour)
				longest = max(longest, time.Since(begin))
				b.StopTimer()
				p.Close()
				c.Process.Kill()
				c.Wait()
				b.StartTimer()
			}
			b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
		})
	}
}

func BenchmarkChange(b *testing.B) {
	c := startTelling(b, 0)
	p := open(b, c.Process.Pid)
	set(b, p, time.Hour)
	for b.Loop() {
		set(b, p, time.Minute)
	}
}
