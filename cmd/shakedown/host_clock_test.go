package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostClockScenario sets the clock of one machine an hour ahead and of another one
// an hour back, for longer than the test takes.
const hostClockScenario = `version: 1
name: host-clock-killed
system: {use: abd, hosts: [h1, h2, h3], allow_host_clock: true, ssh: {config: %s/config}}
workload: {use: register, clients: 3, keys: 2, rate: 5/s, mix: {read: 1, write: 1}, timeout: 3s}
phases:
  - name: storm
    for: 10m
    faults:
      - {fault: clock, of: host, target: n1, skew: 1h, at: 1s, for: 9m}
      - {fault: clock, of: host, target: n2, skew: -1h, at: 1s, for: 9m}
`

// Clocks of whole machines are set right again, and who keeps them goes on, after
// the orchestrator was killed (by the agents), and after it was killed with its
// agents (by `shakedown clean`). The machines are real ones, if emulated: nobody
// may try this at the machine that he works at.
//
//	.ci/machines up /tmp/machines 3
//	SHAKEDOWN_MACHINES=/tmp/machines go test ./cmd/shakedown -run TestClocksOfMachines -v
func TestClocksOfMachines(t *testing.T) {
	dir := os.Getenv("SHAKEDOWN_MACHINES")
	if dir == "" {
		t.Skip("SHAKEDOWN_MACHINES names no folder of .ci/machines, whose clocks this sets")
	}
	m := &machines{dir: dir, file: filepath.Join(t.TempDir(), "clock.yaml"), runs: t.TempDir()}
	if err := os.WriteFile(m.file, fmt.Appendf(nil, hostClockScenario, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	m.eventually(t, "every clock is right at first", m.right)

	run := m.start(t)
	kill(t, run)
	m.eventually(t, "the agents set the clocks right", m.right)

	run = m.start(t)
	if err := run.Process.Signal(syscall.SIGSTOP); err != nil { // or it would start other agents
		t.Fatal(err)
	}
	for _, host := range m.names() {
		m.ssh(t, host, "pkill -KILL agent-")
	}
	kill(t, run)
	for host, off := range map[string]time.Duration{"h1": time.Hour, "h2": -time.Hour} {
		if got := m.off(t, host); (got - off).Abs() > time.Minute {
			t.Errorf("%s is off by %v and not by %v: there is nothing to set right", host, got, off)
		}
	}
	out, err := exec.Command("shakedown", "clean", "--out", m.runs).CombinedOutput()
	if err != nil {
		t.Errorf("clean: %v\n%s", err, out)
	}
	if err := m.right(t); err != nil {
		t.Errorf("after clean: %v\n%s", err, out)
	}
}

// machines are those that .ci/machines made in dir.
type machines struct{ dir, file, runs string }

func (m *machines) names() []string { return []string{"h1", "h2", "h3"} }

// ssh runs a command on a machine.
func (m *machines) ssh(t *testing.T, host, command string) string {
	t.Helper()
	out, err := exec.Command("ssh", "-F", filepath.Join(m.dir, "config"), "-o", "BatchMode=yes", host, command).Output()
	if err != nil {
		t.Fatalf("%s on %s: %v", command, host, err)
	}
	return strings.TrimSpace(string(out))
}

// off is how far a machine's clock is from this one's, which it began with.
func (m *machines) off(t *testing.T, host string) time.Duration {
	t.Helper()
	before := time.Now()
	seconds, err := strconv.ParseInt(m.ssh(t, host, "date +%s"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	middle := before.Add(time.Since(before) / 2)
	return time.Unix(seconds, 0).Sub(middle)
}

// right returns an error unless all clocks are right, their keepers at work, and
// nothing is noted any more.
func (m *machines) right(t *testing.T) error {
	t.Helper()
	for _, host := range m.names() {
		if off := m.off(t, host); off.Abs() > 10*time.Second {
			return fmt.Errorf("%s is off by %v", host, off)
		}
		state := m.ssh(t, host, "systemctl is-active systemd-timesyncd || true; ls /run/shakedown-host-clock.json 2>/dev/null || true")
		if state != "active" {
			return fmt.Errorf("on %s: %s", host, state)
		}
	}
	return nil
}

// start begins a run, and waits until two clocks are wrong.
func (m *machines) start(t *testing.T) *exec.Cmd {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	run := exec.Command("shakedown", "run", m.file, "--seed", "1", "--out", m.runs)
	run.Stdout, run.Stderr = out, out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() })
	m.eventually(t, "two clocks are seen to be wrong", func(*testing.T) error {
		text, err := os.ReadFile(out.Name())
		if err == nil && strings.Count(string(text), "the host's own clock is off by") < 2 {
			err = fmt.Errorf("so far:\n%s", text)
		}
		return err
	})
	return run
}

// kill ends a run by force.
func kill(t *testing.T, run *exec.Cmd) {
	t.Helper()
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // It says that it was killed.
}

// eventually waits until there is no error. Emulated machines take their time.
func (m *machines) eventually(t *testing.T, what string, try func(*testing.T) error) {
	t.Helper()
	err := try(t)
	for end := time.Now().Add(3 * time.Minute); err != nil; err = try(t) {
		if time.Now().After(end) {
			t.Fatalf("not within three minutes: %s: %v", what, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}
