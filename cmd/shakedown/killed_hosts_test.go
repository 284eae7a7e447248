package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// killedHostsScenario has a cut and a frozen node in force for a long time.
const killedHostsScenario = `version: 1
name: killed-hosts
system: {use: abd, hosts: [h1, h2, h3], ssh: {config: %s/config}}
workload: {use: register, clients: 3, keys: 2, rate: 50/s, mix: {read: 1, write: 1}}
phases:
  - name: storm
    for: 20s
    faults:
      - {fault: partition, groups: [[n1], [n2, n3]], at: 300ms, for: 19s}
      - {fault: pause, target: n3, at: 500ms, for: 19s}
`

// Killed together with the agents on its hosts, a run leaves a frozen node, rules
// and files there. `shakedown clean`, or the next run, takes them away.
func TestKilledOnHosts(t *testing.T) {
	for _, program := range []string{"ip", "nsenter", "unshare", "ssh", "/usr/sbin/sshd"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skipf("hosts are made out of namespaces, which takes root and %s: %v", program, err)
		}
	}
	dir := t.TempDir()
	hosts := filepath.Join(dir, "hosts")
	script := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("bash", append([]string{"../../.ci/hosts"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("hosts %v: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() { script("down", hosts) })
	script("up", hosts, "3")
	file, runs := filepath.Join(dir, "killed.yaml"), filepath.Join(dir, "runs")
	if err := os.WriteFile(file, fmt.Appendf(nil, killedHostsScenario, hosts), 0o600); err != nil {
		t.Fatal(err)
	}

	run := killOnHosts(t, hosts, file, runs)
	out, err := exec.Command("shakedown", "clean", "--out", runs).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "removed host the files of n3 on h3 of run "+run) {
		t.Errorf("clean: %v\n%s", err, out)
	}
	nothingOnHosts(t, hosts, runs)

	run = killOnHosts(t, hosts, file, runs)
	out, err = exec.Command("shakedown", "run", file, "--seed", "2", "--out", runs, "--set", "phases.storm.for=3s", "--set",
		"phases.storm.faults.0.for=1s", "--set", "phases.storm.faults.1.for=1s").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "run "+run+" was killed with 2 faults in force: undone") {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	nothingOnHosts(t, hosts, runs)
}

// killOnHosts begins a run, kills it with its agents once its faults are in
// force, and returns its ID.
func killOnHosts(t *testing.T, hosts, file, runs string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("shakedown", "run", file, "--seed", "1", "--out", runs)
	cmd.Stdout, cmd.Stderr = &out, &out
	before, _ := os.Readlink(filepath.Join(runs, "latest")) // of an earlier run, or there is none yet
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var id string
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case err := <-ended:
			t.Fatalf("the run has ended by itself: %v\n%s", err, out.String())
		case <-deadline:
			_ = cmd.Process.Kill()
			<-ended
			t.Fatalf("the faults were not in force in time:\n%s", out.String())
		case <-time.After(50 * time.Millisecond):
		}
		link, err := os.Readlink(filepath.Join(runs, "latest"))
		text, readErr := os.ReadFile(filepath.Join(runs, "latest", store.HistoryFile))
		if id = filepath.Base(link); link != before && errors.Join(err, readErr) == nil && strings.Count(string(text), `"stage":"in-force"`) >= 2 {
			break
		}
	}
	// Stopped, it cannot start other agents meanwhile; and the agents go before
	// it, or they would heal at once.
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	onHosts(t, hosts, "pkill -KILL -f '[.]cache/shakedown/agent'")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended // killed, as it says
	return id
}

// onHosts runs a command on every host and returns what they print.
func onHosts(t *testing.T, hosts, command string) (all string) {
	t.Helper()
	for i := range 3 {
		out, _ := exec.Command("ssh", "-F", filepath.Join(hosts, "config"), fmt.Sprintf("h%d", i+1), command).CombinedOutput()
		all += string(out)
	}
	return all
}

func nothingOnHosts(t *testing.T, hosts, runs string) {
	t.Helper()
	if left := onHosts(t, hosts, "ls .cache/shakedown/runs 2>/dev/null; ps ax -o args= | grep -E '[.]cache/shakedown|/program' | grep -v grep"); left != "" {
		t.Errorf("left on the hosts: %s", left)
	}
	made, err := os.ReadDir(filepath.Join(runs, "killed-hosts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range made {
		if groups, _ := filepath.Glob("/sys/fs/cgroup/*/shakedown-n[0-9]-" + run.Name() + "-*"); len(groups) > 0 {
			t.Errorf("left: %v", groups)
		}
	}
	if left, err := store.Left(runs); err != nil || len(left) > 0 {
		t.Errorf("left in the journal: %+v, %v", left, err)
	}
}
