package vdso

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A teller is a program that says what clocks say, in nanoseconds, on a line.
type teller struct {
	command func(t testing.TB) []string
	clocks  []told
}

// told is what one number of the line is.
type told struct {
	name       string
	id         int           // the kernel's
	resolution time.Duration // what it leaves off, or lags behind
}

// tick is more than the coarse clocks lag behind.
const tick = 20 * time.Millisecond

// tellers are the ways in which programs ask for the time: Go's own, the two C
// libraries, each linked in both ways, and what is built on them.
func tellers() map[string]teller {
	fromC := []told{
		{"CLOCK_REALTIME", 0, 0}, {"CLOCK_REALTIME_COARSE", 5, tick}, {"gettimeofday", 0, time.Microsecond}, {"time", 5, time.Second + tick},
		{"CLOCK_MONOTONIC", 1, 0}, {"CLOCK_MONOTONIC_COARSE", 6, tick}, {"CLOCK_MONOTONIC_RAW", 4, 0}, {"CLOCK_BOOTTIME", 7, 0},
	}
	return map[string]teller{
		"Go, static":    {func(testing.TB) []string { return []string{"/proc/self/exe", "tell", "0"} }, []told{{"time.Now", 0, 0}}},
		"glibc":         {compiled("gcc"), fromC},
		"glibc, static": {compiled("gcc", "-static"), fromC},
		"musl":          {compiled("musl-gcc"), fromC},
		"musl, static":  {compiled("musl-gcc", "-static"), fromC},
		"CPython":       {python, []told{{"time.time", 0, 0}, {"time.monotonic", 1, 0}, {"datetime.now", 0, time.Microsecond}}},
		"JVM":           {jvm, []told{{"currentTimeMillis", 0, time.Millisecond}, {"Instant.now", 0, time.Microsecond}, {"nanoTime", 1, 0}}},
	}
}

func compiled(compiler string, flags ...string) func(testing.TB) []string {
	return func(t testing.TB) []string {
		program := filepath.Join(t.TempDir(), "clocks")
		run(t, compiler, append(flags, "-o", program, "testdata/clocks.c")...)
		return []string{program}
	}
}

func python(t testing.TB) []string {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path, "-u", "-c", `
import datetime, sys, time
epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
for line in sys.stdin:
    now = datetime.datetime.now(datetime.timezone.utc) - epoch
    micro = (now.days * 86400 + now.seconds) * 10**6 + now.microseconds
    print(time.time_ns(), time.monotonic_ns(), micro * 1000)
`}
		}
	}
	skip(t, "needs python3")
	return nil
}

func jvm(t testing.TB) []string {
	dir := t.TempDir()
	run(t, "javac", "-d", dir, "testdata/Clocks.java")
	java, err := exec.LookPath("java")
	if err != nil {
		skip(t, "needs java: %v", err)
	}
	return []string{java, "-cp", dir, "Clocks"}
}

// Every kind of clock, in every kind of program, as the program itself tells
// it; and the real one before and afterwards.
func TestClocksOfPrograms(t *testing.T) {
	for name, program := range tellers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := program.command(t)
			c := start(t, command[0], command[1:]...)
			program.tells(t, c, Clock{})
			p := open(t, programOf(t, c))
			for kind, is := range shows(t) {
				if name != "glibc" && is.Of&Monotonic != 0 {
					continue // Nasty to a runtime: Go's and Java's would wait for ever.
				}
				t.Run(kind, func(t *testing.T) {
					setTo(shortly(t), t, p, is)
					program.tells(t, c, is)
				})
			}
			setTo(shortly(t), t, p, Clock{})
			program.tells(t, c, Clock{})
		})
	}
}

// programOf waits until the child has told something: then it is the program,
// and not what starts it.
func programOf(t testing.TB, c *child) int {
	t.Helper()
	c.ask(t)
	return c.Process.Pid
}

func (p teller) tells(t testing.TB, c *child, is Clock) {
	t.Helper()
	before := present(t)
	words := strings.Fields(c.ask(t))
	after := present(t)
	if len(words) != len(p.clocks) {
		t.Fatalf("told %q; want %d numbers", words, len(p.clocks))
	}
	for i, clock := range p.clocks {
		ns, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		g := group(clock.id)
		is.tells(t, clock.name, clock.id, before[g], ns, after[g], clock.resolution)
	}
}

// A child that was made by vfork has its parent's memory until it executes its
// program. That it was opened before must not pass for the program's clock.
func TestVforkedChild(t *testing.T) {
	spawn, program := compiled("gcc")(t)[0], filepath.Join(t.TempDir(), "vfork")
	run(t, "gcc", "-o", program, "testdata/vfork.c")
	c := start(t, program, spawn)
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid)
	var pid int
	for deadline := time.Now().Add(10 * time.Second); pid == 0; {
		text, _ := os.ReadFile(children)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		if time.Now().After(deadline) {
			t.Fatal("it has no child")
		}
	}
	p := open(t, pid)
	setTo(shortly(t), t, p, Clock{Of: Realtime, Offset: time.Hour, Until: present(t).In(time.Minute)})
	c.ask(t) // It executes the program, which answers.
	if is, _, err := p.Clock(); !errors.Is(err, errOther) {
		t.Errorf("the program's clock is %+v, %v", is, err)
	}
	again := open(t, pid)
	if is, patched, err := again.Clock(); patched || err != nil {
		t.Errorf("opened again, its clock is %+v, %v", is, err)
	}
	setTo(shortly(t), t, again, Clock{Of: Realtime, Offset: time.Hour, Until: present(t).In(time.Minute)})
	if ns, err := strconv.ParseInt(strings.Fields(c.ask(t))[0], 10, 64); err != nil || time.Until(time.Unix(0, ns)).Round(time.Minute) != time.Hour {
		t.Errorf("it tells %d, %v", ns, err)
	}
}

func shortly(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A strobe flips by itself, over and over.
func TestStrobe(t *testing.T) {
	c := startTelling(t, 2)
	p := open(t, c.Process.Pid)
	now := present(t)
	strobe := Clock{Of: Realtime, Offset: time.Hour, Other: -time.Hour, Period: 5 * time.Millisecond, From: now, Until: now.In(time.Minute)}
	setTo(shortly(t), t, p, strobe)
	seen := map[time.Duration]int{}
	for deadline := time.Now().Add(10 * time.Second); seen[time.Hour] < 20 || seen[-time.Hour] < 20; {
		before := time.Now()
		ns, err := strconv.ParseInt(c.ask(t), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seen[time.Unix(0, ns).Sub(before).Round(time.Minute)]++
		if time.Now().After(deadline) {
			t.Fatalf("seen %v", seen)
		}
	}
	if len(seen) != 2 {
		t.Errorf("seen %v; want two offsets", seen)
	}
}

// Whoever asks while the clock is being changed sees the one or the other,
// never a part of each.
func TestChangesAreWhole(t *testing.T) {
	c := startTelling(t, 2)
	p := open(t, c.Process.Pid)
	now := present(t)
	a := Clock{Of: Realtime, Offset: time.Hour, From: now, Until: now.In(time.Hour)}
	b := Clock{
		Of: Realtime, Offset: -20 * time.Hour, Other: -20 * time.Hour, Period: time.Millisecond,
		Rate: PerBillion, From: now.In(-time.Hour), Until: now.In(2 * time.Hour),
	}
	setTo(shortly(t), t, p, a)
	done := make(chan error, 1)
	stop := make(chan bool)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := p.Set(context.Background(), []Clock{a, b}[i%2]); err != nil {
				done <- err
				return
			}
		}
	}()
	seen := map[time.Duration]int{}
	for range 5000 {
		ns, err := strconv.ParseInt(c.ask(t), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seen[time.Until(time.Unix(0, ns)).Round(time.Hour)]++
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(seen) != 2 || seen[time.Hour] == 0 || seen[-19*time.Hour] == 0 {
		t.Errorf("seen %v; want one and minus nineteen hours", seen)
	}
}

// TestMain lets this binary be the processes whose clocks are changed.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "tell" {
		threads, err := strconv.Atoi(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		tell(threads)
		os.Exit(0)
	}
	os.Exit(m.Run())
}
