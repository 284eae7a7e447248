package ssh

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A harbour is some hosts, each with a real sshd, made out of namespaces.
type harbour struct {
	dir    string
	config Config
	hosts  []Host
}

// newHarbour makes n hosts, or skips and says why it cannot.
func newHarbour(t *testing.T, n int, env ...string) *harbour {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: hosts are made out of namespaces")
	}
	for _, program := range []string{"ip", "nsenter", "unshare", "ssh-keygen", "/usr/sbin/sshd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (iproute2, util-linux, openssh-server): %v", program, err)
		}
	}
	h := &harbour{dir: t.TempDir()}
	t.Cleanup(func() { h.script(t, "down") })
	h.script(t, "up", append([]string{strconv.Itoa(n)}, env...)...)
	var err error
	if h.config, err = ReadConfig(filepath.Join(h.dir, "config")); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		host, err := h.config.Host(fmt.Sprintf("h%d", i+1), Host{})
		if err != nil {
			t.Fatal(err)
		}
		h.hosts = append(h.hosts, host)
	}
	return h
}

func (h *harbour) script(t *testing.T, do string, rest ...string) {
	t.Helper()
	args := []string{"../../.ci/hosts", do, h.dir}
	env := os.Environ()
	for _, r := range rest {
		if strings.Contains(r, "=") {
			env = append(env, r)
		} else {
			args = append(args, r)
		}
	}
	c := exec.Command("bash", args...)
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s hosts: %v\n%s", do, err, out)
	}
}

// spec is a cluster of all hosts, whose nodes are this program as an echo.
func (h *harbour) spec(t *testing.T) Spec {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Run: "test-run", Agent: self, Lease: 20 * time.Second, Control: Control{
		Command: []string{"/echo", "echo", "{ip}:7000", "{data}/diary"}, Binary: self,
		Env: map[string]string{"MOTTO": "it's {name}"},
	}}
	for i, host := range h.hosts {
		s.Members = append(s.Members, Member{Node: fmt.Sprintf("n%d", i+1), Host: host, Address: host.Address})
	}
	s.Control.Fill = func(i int, data, text string) string {
		return strings.NewReplacer("{ip}", s.Members[i].Address, "{name}", s.Members[i].Node, "{data}", data).Replace(text)
	}
	return s
}

func up(t *testing.T, s Spec) *Cluster {
	t.Helper()
	c, err := Up(t.Context(), s, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Errorf("down: %v", err)
		}
	})
	return c
}

// echo is what a node of the tests does: it answers each connection with its
// motto, its clock, and how often it was started.
func echo(address, diary string) error {
	f, err := os.OpenFile(diary, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	fmt.Fprintln(f, "started")
	fmt.Println("listening at", address)
	text, err := os.ReadFile(diary)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "%s|%d|%d\n", os.Getenv("MOTTO"), time.Now().UnixNano(), strings.Count(string(text), "started"))
		_ = conn.Close()
	}
}

// hear asks a node, and gives up soon.
func hear(c *Cluster, node string) (motto string, off time.Duration, starts int, err error) {
	conn, err := net.DialTimeout("tcp", c.Address(node)+":7000", time.Second)
	if err != nil {
		return "", 0, 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	line := make([]byte, 256)
	n, err := conn.Read(line)
	if err != nil {
		return "", 0, 0, err
	}
	parts := strings.Split(strings.TrimSpace(string(line[:n])), "|")
	ns, _ := strconv.ParseInt(parts[1], 10, 64)
	starts, _ = strconv.Atoi(parts[2])
	return parts[0], time.Until(time.Unix(0, ns)).Round(time.Minute), starts, nil
}

// awaitHear waits for a node to answer.
func awaitHear(t *testing.T, c *Cluster, node string) (off time.Duration, starts int) {
	t.Helper()
	await(t, node+" answers", func() bool {
		motto, o, s, err := hear(c, node)
		off, starts = o, s
		return err == nil && motto == "it's "+node
	})
	return off, starts
}

func ask(t *testing.T, c *Cluster, r agent.Request) agent.Reply {
	t.Helper()
	reply, err := c.Ask(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// The life of nodes on hosts: started with their own words, killed and started
// again on the same data, frozen, shown another time, and gone in the end
// without a trace.
func TestHostsFromUpToDown(t *testing.T) {
	h := newHarbour(t, 3)
	c := up(t, h.spec(t))
	if got := c.Nodes(); !slices.Equal(got, []string{"n1", "n2", "n3"}) {
		t.Errorf("nodes %v", got)
	}
	for _, n := range c.Nodes() {
		if off, starts := awaitHear(t, c, n); off != 0 || starts != 1 {
			t.Errorf("%s is off by %v and was started %d times", n, off, starts)
		}
	}
	t.Run("kill", func(t *testing.T) { killOnHosts(t, c) })
	t.Run("pause", func(t *testing.T) { pauseOnHosts(t, c) })
	t.Run("clock", func(t *testing.T) { clockOnHosts(t, c) })
	t.Run("partition", func(t *testing.T) { partitionOnHosts(t, h, c) })
	t.Run("latency", func(t *testing.T) { latencyOnHosts(t, c) })
	dir := t.TempDir()
	if err := c.Collect(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "n2", "stdout.log")); err != nil || strings.Count(string(log), "listening at") != 2 {
		t.Errorf("the log of n2: %q, %v", log, err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, host := range h.hosts {
		h.clean(t, host)
	}
}

func killOnHosts(t *testing.T, c *Cluster) {
	ask(t, c, agent.Request{Do: agent.Kill, ID: "k", Node: "n2"})
	exited, err := c.Exited(t.Context())
	if err != nil || len(exited) != 1 || !strings.Contains(exited["n2"], "listening at") {
		t.Errorf("exited %v, %v", exited, err)
	}
	if err := c.Restart(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	if _, starts := awaitHear(t, c, "n2"); starts != 2 {
		t.Errorf("its diary says that it was started %d times", starts)
	}
	if err := c.Restart(t.Context(), "n1"); err != nil {
		t.Error(err)
	}
	if _, starts := awaitHear(t, c, "n1"); starts != 1 {
		t.Error("a node that runs was started again")
	}
}

func pauseOnHosts(t *testing.T, c *Cluster) {
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n3"})
	if _, _, _, err := hear(c, "n3"); err == nil {
		t.Error("a frozen node answers")
	}
	awaitHear(t, c, "n1")
	ask(t, c, agent.Request{Do: agent.Thaw, ID: "p", Node: "n3"})
	awaitHear(t, c, "n3")
}

func clockOnHosts(t *testing.T, c *Cluster) {
	ask(t, c, agent.Request{Do: agent.SetClock, ID: "c", Node: "n1", Clock: &agent.Clock{Offset: time.Hour}})
	if off, _ := awaitHear(t, c, "n1"); off != time.Hour {
		t.Errorf("off by %v", off)
	}
	if off, _ := awaitHear(t, c, "n2"); off != 0 {
		t.Errorf("another node is off by %v", off)
	}
	ask(t, c, agent.Request{Do: agent.Heal})
	if off, _ := awaitHear(t, c, "n1"); off != 0 {
		t.Errorf("healed, and off by %v", off)
	}
}

func partitionOnHosts(t *testing.T, h *harbour, c *Cluster) {
	h.reach(t, 0, 1, true)
	ask(t, c, agent.Request{Do: agent.Cut, ID: "cut", Pairs: [][2]string{{"n1", "n2"}, {"n2", "n1"}}})
	h.reach(t, 0, 1, false)
	h.reach(t, 1, 0, false)
	h.reach(t, 0, 2, true)
	awaitHear(t, c, "n2") // Clients reach it.
	r := ask(t, c, agent.Request{Do: agent.Dropped, ID: "cut"})
	if r.Number == 0 || !strings.Contains(r.Evidence, "n1") || !strings.Contains(r.Evidence, "n2: ") {
		t.Errorf("dropped: %+v", r)
	}
	ask(t, c, agent.Request{Do: agent.Mend, ID: "cut"})
	h.reach(t, 0, 1, true)
	_, err := c.Ask(t.Context(), agent.Request{Do: agent.Cut, ID: "all", Pairs: [][2]string{{"clients", "n1"}}})
	if err == nil || !strings.Contains(err.Error(), "by ports only") {
		t.Errorf("cut us off: %v", err)
	}
	ask(t, c, agent.Request{Do: agent.Cut, ID: "port", Pairs: [][2]string{{"clients", "n1"}, {"n1", "clients"}}, Ports: []uint16{7000}})
	if _, _, _, err := hear(c, "n1"); err == nil {
		t.Error("clients reach a node that they are cut off from")
	}
	h.reach(t, 1, 0, true)
	ask(t, c, agent.Request{Do: agent.Mend, ID: "port"})
	awaitHear(t, c, "n1")
}

func latencyOnHosts(t *testing.T, c *Cluster) {
	took := func() time.Duration {
		r := ask(t, c, agent.Request{Do: agent.RoundTrip, Pairs: [][2]string{{"n1", "n2"}}})
		return time.Duration(r.Number)
	}
	ask(t, c, agent.Request{Do: agent.Slow, ID: "slow", Pairs: [][2]string{{"n1", "n2"}}, Slowdown: &agent.Slowdown{Delay: 500 * time.Millisecond}})
	if d := took(); d < 500*time.Millisecond {
		t.Errorf("a round trip takes %v", d)
	}
	ask(t, c, agent.Request{Do: agent.Hasten, ID: "slow"})
	if d := took(); d >= 500*time.Millisecond {
		t.Errorf("hastened, a round trip takes %v", d)
	}
}

// reach sees whether one host's node can be reached from another host.
func (h *harbour) reach(t *testing.T, from, to int, want bool) {
	t.Helper()
	try := fmt.Sprintf(`timeout 1 bash -c 'exec 3<>/dev/tcp/%s/7000 && cat <&3' || echo no`, h.hosts[to].Address)
	out, err := login(t, h.hosts[from]).Run(t.Context(), try, nil)
	if got := !strings.Contains(out, "no\n"); err != nil || got != want {
		t.Errorf("%s reaches %s: %v, want %v (%q, %v)", h.hosts[from].Name, h.hosts[to].Name, got, want, out, err)
	}
}

// clean insists that a host has no node, no agent and no files of a run.
func (h *harbour) clean(t *testing.T, host Host) {
	t.Helper()
	out, err := login(t, host).Run(t.Context(), "ps ax -o args= | grep -E '[.]cache/shakedown|program' | grep -v grep; ls .cache/shakedown/runs 2>/dev/null", nil)
	if strings.TrimSpace(out) != "" {
		t.Errorf("%s is not clean: %s %v", host.Name, out, err)
	}
}

// A connection that breaks in the middle of a fault: the agent heals by
// itself, we say so once, and the next request finds a new agent.
func TestLostConnectionHealsAndComesBack(t *testing.T) {
	h := newHarbour(t, 1)
	s := h.spec(t)
	var mu sync.Mutex
	var warned []string
	s.Warn = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, text)
	}
	c := up(t, s)
	awaitHear(t, c, "n1")
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n1"})
	if _, _, _, err := hear(c, "n1"); err == nil {
		t.Fatal("a frozen node answers")
	}
	// Whoever serves our sessions is killed, as a reboot of a router would.
	_, _ = login(t, h.hosts[0]).Run(t.Context(), `for p in /proc/[0-9]*; do [ "${p#/proc/}" = 1 ] || ! grep -q '^sshd' $p/cmdline || kill -KILL "${p#/proc/}"; done`, nil)
	awaitHear(t, c, "n1")
	if r := ask(t, c, agent.Request{Do: agent.Thaw, ID: "p", Node: "n1"}); r.Evidence != "not frozen by it" {
		t.Errorf("the new agent says %q", r.Evidence)
	}
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "q", Node: "n1"})
	ask(t, c, agent.Request{Do: agent.Thaw, ID: "q", Node: "n1"})
	mu.Lock()
	defer mu.Unlock()
	if len(warned) != 1 || !strings.Contains(warned[0], "the connection to h1, the host of n1, was lost") {
		t.Errorf("warned of %q", warned)
	}
}

// One host that cannot be used: the error names it and says what to do, and
// nothing is left on the others.
func TestOneBadHostStopsTheStart(t *testing.T) {
	h := newHarbour(t, 2)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	strange := filepath.Join(h.dir, "strange")
	if err := os.WriteFile(strange, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		spoil func(*testing.T, *Spec)
		wants string
	}{
		"refuses": {func(t *testing.T, s *Spec) { s.Members[1].Host.Port = freePort(t) }, "connection refused"},
		"hangs": {func(t *testing.T, s *Spec) {
			s.Members[1].Host.Address, s.Members[1].Host.Port = "127.0.0.1", silent.Addr().(*net.TCPAddr).Port
			s.Members[1].Host.Within = 300 * time.Millisecond
		}, "deadline exceeded"},
		"has another key":       {func(t *testing.T, s *Spec) { s.Members[1].Host.KnownHosts = []string{strange} }, "the key of h2 is not known"},
		"lacks the program":     {func(t *testing.T, s *Spec) { s.Control.Binary, s.Control.Command = nil, []string{"/no/such/program"} }, "No such file"},
		"cannot be prepared":    {func(t *testing.T, s *Spec) { s.Control.Prepare = "[ {name} != n2 ] || { echo no luck >&2; exit 7; }" }, "no luck"},
		"runs another's node":   {func(t *testing.T, s *Spec) { h.occupy(t, h.hosts[1]) }, "in use by the run earlier"},
		"has a foreign program": {func(t *testing.T, s *Spec) { s.Agent = []byte("#!/bin/sh\nexit 1\n") }, "talk to the agent on"},
	} {
		t.Run(name, func(t *testing.T) {
			s := h.spec(t)
			tt.spoil(t, &s)
			_, err := Up(t.Context(), s, func(string) {})
			if err == nil || !strings.Contains(err.Error(), tt.wants) || !strings.Contains(err.Error(), "node n2 on h2") {
				t.Errorf("%v; want it to name h2 and to say %q", err, tt.wants)
			}
			h.clean(t, h.hosts[0])
		})
	}
}

// occupy lets a node of another run live on a host.
func (h *harbour) occupy(t *testing.T, host Host) {
	t.Helper()
	other := h.spec(t)
	other.Run = "earlier"
	other.Members = slices.DeleteFunc(other.Members, func(m Member) bool { return m.Host.Name != host.Name })
	up(t, other)
}

// A host without room for the agent says so.
func TestFullHost(t *testing.T) {
	h := newHarbour(t, 1, "HOST_DISK=1m")
	_, err := Up(t.Context(), h.spec(t), func(string) {})
	if err == nil || !strings.Contains(err.Error(), "No space left on device") {
		t.Errorf("%v", err)
	}
}

// What is left after a death of both ends, us and the agent, is found and
// taken away by a sweep, which leaves alone what it should.
func TestSweepHosts(t *testing.T) {
	h := newHarbour(t, 2)
	s := h.spec(t)
	c := up(t, s)
	awaitHear(t, c, "n1")
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n1"})
	c.hush() // as if we had died …
	c.beats.Wait()
	for _, host := range h.hosts { // … and the agents with us
		if _, err := login(t, host).Run(t.Context(), `pkill -KILL -f '[.]cache/shakedown/agent'`, nil); err != nil {
			t.Fatal(err)
		}
	}
	other := s
	other.Run = "another"
	if was, err := Sweep(t.Context(), other, false); err != nil || len(was) != 0 {
		t.Errorf("of another run: %v, %v", was, err)
	}
	if was, err := Sweep(t.Context(), s, true); err != nil || len(was) != 2 {
		t.Errorf("dry: %v, %v", was, err)
	}
	was, err := Sweep(t.Context(), s, false)
	if err != nil || len(was) != 4 {
		t.Errorf("swept %v, %v", was, err)
	}
	for _, host := range h.hosts {
		h.clean(t, host)
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/shakedown-n[0-9]-" + s.Run + "-*"); len(groups) > 0 {
		t.Errorf("left: %v", groups)
	}
}
