package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// etcdVersion is of the server that the tests run against.
const etcdVersion = "3.5.21"

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// A node is an etcd server of the test's own, on loopback.
type node struct {
	client.Node
	args []string
	log  *os.File
	cmd  *exec.Cmd
}

// startCluster starts size nodes, n1, n2, …, and returns once each of them
// is ready. They end with the test.
func startCluster(t *testing.T, size int) []*node {
	t.Helper()
	binary := etcdBinary(t)
	ports := freePorts(t, 2*size)
	var peers []string
	for i := range size {
		peers = append(peers, fmt.Sprintf("n%d=http://127.0.0.1:%d", i+1, ports[2*i+1]))
	}
	var nodes []*node
	for i := range size {
		clients := fmt.Sprintf("http://127.0.0.1:%d", ports[2*i])
		peer := fmt.Sprintf("http://127.0.0.1:%d", ports[2*i+1])
		name := fmt.Sprintf("n%d", i+1)
		n := &node{
			Node: client.Node{Name: name, IP: "127.0.0.1", Ports: map[string]int{"client": ports[2*i]}},
			args: []string{binary, "--name", name, "--data-dir", filepath.Join(t.TempDir(), name),
				"--listen-client-urls", clients, "--advertise-client-urls", clients,
				"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
				"--initial-cluster", strings.Join(peers, ","),
				"--heartbeat-interval", "50", "--election-timeout", "500",
				"--unsafe-no-fsync", "--log-level", "warn"},
		}
		n.start(t)
		nodes = append(nodes, n)
	}
	s := New(scenarios.Client{}, scenarios.Workload{})
	for _, n := range nodes {
		eventually(t, n.Name+" is ready", func(ctx context.Context) error { return s.Ready(ctx, n.Node) })
	}
	return nodes
}

// start runs the node's process, which ends with the test at the latest.
func (n *node) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(n.args[0], n.args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.cmd, n.log = cmd, log
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it was killed, and says so
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("log of %s:\n%s", n.Name, text)
		}
		_ = log.Close() // nothing is written any more
	})
}

func (n *node) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v to %s: %v", s, n.Name, err)
	}
}

// pause freezes the node's process, and waits until it stands still: the signal
// alone does not.
func (n *node) pause(t *testing.T) {
	t.Helper()
	n.signal(t, syscall.SIGSTOP)
	eventually(t, n.Name+" stands still", func(context.Context) error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
		if err == nil && !strings.Contains(string(stat), ") T ") {
			return errors.New(string(stat))
		}
		return nil // where there is no /proc, nobody can tell
	})
}

func (n *node) resume(t *testing.T) { n.signal(t, syscall.SIGCONT) }

// kill kills the node and waits until it is gone.
func (n *node) kill(t *testing.T) {
	t.Helper()
	n.signal(t, syscall.SIGKILL)
	_ = n.cmd.Wait() // says that it was killed
}

// eventually waits until f returns nil. Each attempt gets a second.
func eventually(t *testing.T, what string, f func(context.Context) error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s: %v", patience, what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// endsAs is an error unless op ended as it should.
func endsAs(op history.Op, want history.Type) error {
	if op.Type != want {
		return fmt.Errorf("%s ended as type %d with %q, want type %d", op.F, op.Type, op.Error, want)
	}
	return nil
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all of them are held until all are chosen
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// unavailable skips the test, or fails it where nothing may be skipped.
func unavailable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1" {
		t.Fatalf("must not be skipped here: "+format, args...)
	}
	t.Skipf(format, args...)
}

// etcdBinary returns a real etcd server. It is built once by the local
// toolchain, from a module of its own so that ours does not depend on it, and
// kept in the user's cache.
func etcdBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs a real etcd, which takes longer than -short allows")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "shakedown-test")
	binary := filepath.Join(dir, "etcd-"+etcdVersion)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		unavailable(t, "no place for an etcd server: %v", err)
	}
	if err := buildEtcd(t.Context(), dir, binary); err != nil {
		unavailable(t, "no etcd server to test against: %v", err)
	}
	return binary
}

func buildEtcd(ctx context.Context, dir, binary string) error {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	module, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(module)
	files := map[string]string{
		"go.mod":  "module wrapper\n\ngo 1.22\n\nrequire go.etcd.io/etcd/server/v3 v" + etcdVersion + "\n",
		"main.go": "package main\n\nimport (\n\t\"os\"\n\n\t\"go.etcd.io/etcd/server/v3/etcdmain\"\n)\n\nfunc main() { etcdmain.Main(os.Args) }\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	build := exec.CommandContext(ctx, goTool, "build", "-mod=mod", "-o", "etcd", ".")
	build.Dir = module
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	// A test that runs at the same time finds all of it or nothing.
	return os.Rename(filepath.Join(module, "etcd"), binary)
}
