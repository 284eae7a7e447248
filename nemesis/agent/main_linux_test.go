package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cgroup"
	"github.com/shakedown-dev/shakedown/nemesis/agent/otherkernel"
	"github.com/shakedown-dev/shakedown/nemesis/agent/playground/playtest"
)

// TestMain lets this binary be the throw-away processes of the tests.
func TestMain(m *testing.M) {
	otherkernel.Init()
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "agent-probe-child":
		exitOn(ProbeChild(context.Background(), os.Stdin, os.Stdout))
	case "spin":
		for {
			_ = time.Now()
		}
	case "parent":
		exitOn(beParent())
	case "late-parent":
		io.ReadFull(os.Stdin, make([]byte, 2)) // "?\n"
		fmt.Println(time.Now().UnixNano(), 0)
		exitOn(beParent())
	case "hungry":
		exitOn(beHungry())
	case "nothing":
		os.Exit(0)
	case "stubborn":
		exitOn(beStubborn())
	case "agent":
		exitOn(Serve(context.Background(), os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beParent passes its input on to a process that it executes.
func beParent() error {
	c := exec.Command("/proc/self/exe", "agent-probe-child")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		playtest.Skip(t, "needs root: changes other processes, cgroups and network namespaces")
	}
}

// A bench is an agent in conversation, over the network of a playground.
type bench struct {
	*Conn
	agent  *agent
	served chan error
	end    sync.Once
}

// newBench starts an agent whose bridges are in the network namespace with
// that file descriptor.
func newBench(t testing.TB, netns int) *bench {
	t.Helper()
	needRoot(t)
	near, far := net.Pipe()
	b := &bench{Conn: Dial(near), agent: newAgent(netns), served: make(chan error, 1)}
	go func() { b.served <- b.agent.run(context.Background(), far, far) }()
	t.Cleanup(func() { b.hangUp(t) })
	return b
}

// hangUp does what the orchestrator's death does, and waits for the agent to
// have healed everything.
func (b *bench) hangUp(t testing.TB) {
	t.Helper()
	b.end.Do(func() {
		b.Close()
		select {
		case err := <-b.served:
			if err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("the agent ended: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the agent has not ended")
		}
	})
}

// ask insists on an answer without an error.
func (b *bench) ask(t testing.TB, r Request) Reply {
	t.Helper()
	reply, err := b.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// refused insists on an error with these words.
func (b *bench) refused(t testing.TB, words string, r Request) {
	t.Helper()
	if _, err := b.Do(t.Context(), r); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: error %v; want one with %q", describe(r), err, words)
	}
}

// A child is a throw-away process.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	end sync.Once
}

// startChild starts this binary as one of the processes of TestMain, or
// another program if the path is absolute.
func startChild(t testing.TB, what ...string) *child {
	t.Helper()
	return startAs(t, nil, what...)
}

// startAs starts a child as somebody else.
func startAs(t testing.TB, who *syscall.Credential, what ...string) *child {
	t.Helper()
	needRoot(t)
	if !strings.HasPrefix(what[0], "/") {
		what = append([]string{"/proc/self/exe"}, what...)
	}
	c := &child{Cmd: exec.Command(what[0], what[1:]...)}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	var err error
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	c.out = bufio.NewScanner(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

func (c *child) stop() {
	c.end.Do(func() {
		c.Process.Kill()
		c.Wait()
	})
}

// startJailed starts a child in a cgroup of its own.
func startJailed(t testing.TB, what ...string) (*child, cgroup.Group) {
	t.Helper()
	needRoot(t)
	g, err := cgroup.Make(os.Getpid(), cgroup.Freezer, fmt.Sprintf("shakedown-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeGroup(t, g) })
	c := startChild(t, what...)
	if err := g.Add(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return c, g
}

func removeGroup(t testing.TB, g cgroup.Group) {
	t.Helper()
	eventually(t, "the cgroup can be removed", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		g.Thaw(ctx)
		return g.Remove() == nil
	})
}

// now asks a probe child what time it is, and how long it has been running.
func (c *child) now(t testing.TB) (wall time.Time, since time.Duration) {
	t.Helper()
	io.WriteString(c.in, "?\n")
	var ns, mono int64
	if !c.out.Scan() {
		t.Fatalf("the child says nothing: %v", c.out.Err())
	}
	if _, err := fmt.Sscan(c.out.Text(), &ns, &mono); err != nil {
		t.Fatalf("the child says %q: %v", c.out.Text(), err)
	}
	return time.Unix(0, ns), time.Duration(mono)
}

// skewed reports whether the child's clock is off by an offset, within the
// time that it takes to ask it.
func (c *child) skewed(t testing.TB, offset time.Duration) bool {
	t.Helper()
	before := time.Now()
	wall, _ := c.now(t)
	return between(wall.Add(-offset), before, time.Now())
}

// between allows for coarse clocks, which lag behind by a tick.
func between(t, from, to time.Time) bool {
	const tick = 20 * time.Millisecond
	return !t.Before(from.Add(-tick)) && !t.After(to)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
