package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// engineCutScenario freezes a node of an engine over SSH for longer than the way
// there will last.
const engineCutScenario = `version: 1
name: engine-cut
system: {use: abd, nodes: 3, ssh: {config: %s/config}, docker: {network: %s, engines: [ssh://h1]}}
workload: {use: register, clients: 3, keys: 2, rate: 50/s, mix: {read: 1, write: 1}}
phases:
  - name: storm
    for: 90s
    faults:
      - {fault: pause, target: n2, at: 300ms, for: 80s}
`

// In the middle of a run nothing comes through any more on the way to an engine,
// and neither end is told. The run ends soon, as one whose environment failed, and
// not with a verdict on the system; the agent heals by itself; and once the engine
// can be reached again, `shakedown clean` takes away what is left there.
func TestEngineIsCutOff(t *testing.T) {
	c := newEngineCut(t)
	out, ended := c.start(t)
	c.eventually(t, "a frozen node", func() bool { return c.freezers(t)["FROZEN"] == 1 })
	c.link(t, "down")
	select {
	case err := <-ended:
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 || !strings.Contains(out.String(), "did the way to the engine break?") {
			t.Errorf("the run: %v\n%s", err, out.String())
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the run goes on as if nothing was:\n%s", out.String())
	}
	c.eventually(t, "the nodes alone, thawed", func() bool {
		states := c.freezers(t)
		return states["THAWED"] == 3 && len(states) == 1
	})
	c.link(t, "up")
	if out, err := c.shakedown(c.environ(), "clean"); err != nil || strings.Count(out, "removed container") != 3 {
		t.Errorf("clean: %v\n%s", err, out)
	}
	if out, err := c.shakedown(nil, "clean", "--dry-run"); err != nil || strings.Contains(out, "of run "+c.run()) {
		t.Errorf("left: %v\n%s", err, out)
	}
}

// An engineCut is the docker engine of this machine, reached over SSH through a
// host that can be cut off, and a network for the nodes.
type engineCut struct{ dir, network string }

func newEngineCut(t *testing.T) *engineCut {
	t.Helper()
	for _, program := range []string{"docker", "ip", "nsenter", "unshare", "ssh", "/usr/sbin/sshd", "/var/run/docker.sock"} {
		if _, err := os.Stat(program); err == nil {
			continue
		}
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skipf("a host is made out of namespaces, which takes root and %s: %v", program, err)
		}
	}
	if !haveDocker(t) {
		t.Skip("needs a docker engine")
	}
	c := &engineCut{dir: t.TempDir(), network: fmt.Sprintf("engine-cut-%d", os.Getpid())}
	hosts := filepath.Join(c.dir, "hosts")
	t.Cleanup(func() { c.must(t, "../../.ci/hosts", "down", hosts) })
	c.must(t, "../../.ci/hosts", "up", hosts, "1")
	t.Cleanup(func() { c.must(t, "docker", "network", "rm", c.network) })
	c.must(t, "docker", "network", "create", "--subnet", fmt.Sprintf("10.95.%d.0/24", 20+os.Getpid()%200), c.network)
	if err := os.WriteFile(c.file(), fmt.Appendf(nil, engineCutScenario, hosts, c.network), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// environ is one in which this machine seems to have no engine: it is reached
// over SSH or not at all.
func (*engineCut) environ() []string { return append(os.Environ(), "DOCKER_HOST=unix:///nowhere") }

func (c *engineCut) file() string { return filepath.Join(c.dir, "cut.yaml") }

// start begins the run.
func (c *engineCut) start(t *testing.T) (out *bytes.Buffer, ended <-chan error) {
	t.Helper()
	cmd, done := exec.Command("shakedown", "run", c.file(), "--seed", "1", "--out", filepath.Join(c.dir, "runs")), make(chan error, 1)
	out = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, c.environ()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	go func() { done <- cmd.Wait() }()
	return out, done
}

// run is the run's ID; "none" before there is one.
func (c *engineCut) run() string {
	link, err := os.Readlink(filepath.Join(c.dir, "runs", "latest"))
	if err != nil {
		return "none"
	}
	return filepath.Base(link)
}

// freezers counts the states of the freezers of all containers of the run.
func (c *engineCut) freezers(t *testing.T) map[string]int {
	t.Helper()
	states := map[string]int{}
	for _, id := range strings.Fields(c.must(t, "docker", "ps", "-q", "--no-trunc", "--filter", "label=shakedown.run="+c.run())) {
		state := "THAWED"
		if text, _ := os.ReadFile("/sys/fs/cgroup/freezer/docker/" + id + "/freezer.state"); len(text) > 0 {
			state = strings.TrimSpace(string(text))
		}
		if text, _ := os.ReadFile("/sys/fs/cgroup/system.slice/docker-" + id + ".scope/cgroup.freeze"); strings.TrimSpace(string(text)) == "1" {
			state = "FROZEN"
		}
		states[state]++
	}
	return states
}

// link takes the host off its network, and puts it there again.
func (c *engineCut) link(t *testing.T, updown string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "hosts", "tag"))
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, "ip", "-n", strings.Fields(string(text))[0]+"-h1", "link", "set", "eth0", updown)
}

func (c *engineCut) shakedown(environ []string, args ...string) (string, error) {
	cmd := exec.Command("shakedown", append(args, "--out", filepath.Join(c.dir, "runs"))...)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must runs a program that is not to fail, and returns what it prints.
func (c *engineCut) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (c *engineCut) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never seen: %s", what)
		}
	}
}
