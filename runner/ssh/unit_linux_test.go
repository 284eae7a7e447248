package ssh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/nemesis/agent/hostclock"
)

// newSystemdHarbour makes n hosts on which systemd is process 1, or skips and
// says why it cannot.
func newSystemdHarbour(t *testing.T, n int) *harbour {
	t.Helper()
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		t.Skipf("needs systemd (the package, it need not run here): %v", err)
	}
	if out, err := exec.Command("findmnt", "-n", "-t", "cgroup2").CombinedOutput(); err != nil {
		t.Skipf("needs a cgroup2 hierarchy, which systemd has on hosts of today: %v %s", err, out)
	}
	h := newHarbour(t, n, "HOST_SYSTEMD=1")
	for _, host := range h.hosts {
		if out, err := login(t, host).Run(t.Context(), "systemctl show -p Version --value", nil); err != nil {
			log, _ := os.ReadFile(filepath.Join(h.dir, host.Name+".log"))
			t.Fatalf("systemd of %s: %q, %v\n%s", host.Name, out, err, log)
		}
	}
	return h
}

// unitSpec is the harbour's cluster, each of whose nodes is the unit db.service,
// which systemd starts again whenever it ends.
func (h *harbour) unitSpec(t *testing.T) Spec {
	t.Helper()
	s := h.spec(t)
	s.Control = Control{Unit: "db.service", Binary: s.Control.Binary, Fill: s.Control.Fill, Prepare: `cat >/run/systemd/system/db.service <<END
[Service]
Restart=always
RestartSec=10ms
StateDirectory=db
Environment="MOTTO=it's {name}"
ExecStart=$HOME/.cache/shakedown/runs/test-run/{name}/program echo {ip}:7000 /var/lib/db/diary
END
systemctl daemon-reload`}
	return s
}

// Nodes that systemd starts and stops, on hosts where it really does.
func TestUnitOnHosts(t *testing.T) {
	h := newSystemdHarbour(t, 2)
	t.Run("from up to down", func(t *testing.T) { unitFromUpToDown(t, h) })
	t.Run("swept", func(t *testing.T) { sweepUnit(t, h) })
	t.Run("keeps the time", func(t *testing.T) { unitThatKeepsTheTime(t, h) })
	t.Run("does not start", func(t *testing.T) { unitThatDoesNotStart(t, h) })
}

// Every fault of the node's processes meets the unit and lets go of it, what it
// says is in the journal, a unit that would be started again stays down until we
// start it, and in the end it is stopped, since we started it, and as it was.
func unitFromUpToDown(t *testing.T, h *harbour) {
	c := up(t, h.unitSpec(t))
	for _, n := range c.Nodes() {
		awaitHear(t, c, n)
	}
	t.Run("kill", func(t *testing.T) { killUnit(t, h, c) })
	t.Run("start often", func(t *testing.T) { startUnitOften(t, c) })
	t.Run("pause", func(t *testing.T) { pauseUnit(t, c) })
	t.Run("stop", func(t *testing.T) { stopUnit(t, c) })
	t.Run("clock", func(t *testing.T) { clockOnHosts(t, c) })
	t.Run("log", func(t *testing.T) { logsOfUnit(t, c) })
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, host := range h.hosts {
		if is := host.unit(t, "Restart", "ActiveState", "DropInPaths"); is != "Restart=always ActiveState=inactive DropInPaths=" {
			t.Errorf("the unit was left as %s", is)
		}
		h.clean(t, host)
	}
}

// unit are properties of the host's unit, in systemd's order.
func (h Host) unit(t *testing.T, properties ...string) string {
	t.Helper()
	out, err := login(t, h).Run(t.Context(), "systemctl show -p "+strings.Join(properties, ",")+" db.service", nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(out), " ")
}

func killUnit(t *testing.T, h *harbour, c *Cluster) {
	ask(t, c, agent.Request{Do: agent.Kill, Node: "n1"})
	await(t, "systemd has seen the end", func() bool { return h.hosts[0].unit(t, "ActiveState") == "ActiveState=failed" })
	exited, err := c.Exited(t.Context())
	if err != nil || !strings.Contains(exited["n1"], "status=9/KILL") || exited["n2"] != "" {
		t.Errorf("exited: %v, %v", exited, err)
	}
	if err := c.Restart(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	if _, starts := awaitHear(t, c, "n1"); starts != 2 {
		t.Errorf("it was started %d times", starts)
	}
}

// More starts than systemd lets a unit have in a short time.
func startUnitOften(t *testing.T, c *Cluster) {
	for range 7 {
		ask(t, c, agent.Request{Do: agent.Kill, Node: "n1"})
		if err := c.Restart(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
	}
	awaitHear(t, c, "n1")
}

func pauseUnit(t *testing.T, c *Cluster) {
	r := ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n2"})
	if !strings.Contains(r.Evidence, "cgroup v2") {
		t.Errorf("frozen: %s", r.Evidence)
	}
	if _, _, _, err := hear(c, "n2"); err == nil {
		t.Error("a frozen unit answers")
	}
	ask(t, c, agent.Request{Do: agent.Thaw, ID: "p", Node: "n2"})
	awaitHear(t, c, "n2")
}

func stopUnit(t *testing.T, c *Cluster) {
	ask(t, c, agent.Request{Do: agent.Stop, ID: "s", Node: "n2"})
	await(t, "the unit has ended", func() bool {
		return ask(t, c, agent.Request{Do: agent.Stopped, ID: "s", Node: "n2"}).Down
	})
	if err := c.Restart(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	awaitHear(t, c, "n2")
}

// The journal is followed while the node runs, and kept in the end.
func logsOfUnit(t *testing.T, c *Cluster) {
	followed, err := c.Follow(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	defer followed.Close()
	heard := make(chan string, 1)
	go func() {
		var all strings.Builder
		piece := make([]byte, 4096)
		for !strings.Contains(all.String(), "listening at") {
			n, err := followed.Read(piece)
			all.Write(piece[:n])
			if err != nil {
				break
			}
		}
		heard <- all.String()
		_, _ = io.Copy(io.Discard, followed)
	}()
	// It may not be listening to the journal yet: what is said is said again.
	for said := ""; said == ""; {
		ask(t, c, agent.Request{Do: agent.Kill, Node: "n2"})
		if err := c.Restart(t.Context(), "n2"); err != nil {
			t.Fatal(err)
		}
		awaitHear(t, c, "n2")
		select {
		case said = <-heard:
			if !strings.Contains(said, "listening at") {
				t.Errorf("followed: %q", said)
			}
		case <-time.After(time.Second):
		}
	}
	dir := t.TempDir()
	if err := c.Collect(t.Context(), dir); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "n1", "stdout.log"))
	if n := strings.Count(string(log), "Started db.service"); err != nil || n != 9 {
		t.Errorf("the journal of n1 has %d starts, not 9: %v\n%s", n, err, log)
	}
}

// A unit that there is not, and one that ends at once, are said to be so.
func unitThatDoesNotStart(t *testing.T, h *harbour) {
	for _, test := range []struct{ unit, line, wants string }{
		{"no-such.service", "", "no unit of that name"},
		{"bad.service", "ExecStart=/bin/false", "status=1/FAILURE"},
		{"bad", "ExecStart=/no/such/program", "status=203/EXEC"},
	} {
		s := h.unitSpec(t)
		s.Members = s.Members[:1]
		s.Control.Prepare = fmt.Sprintf("printf '[Service]\\n%s\\n' >/run/systemd/system/bad.service && systemctl daemon-reload", test.line)
		s.Control.Unit = test.unit
		_, err := Up(t.Context(), s, func(string) {})
		if err == nil || !strings.Contains(err.Error(), test.wants) {
			t.Errorf("%s: %v", test.unit, err)
		}
		h.clean(t, h.hosts[0])
	}
}

// After a death of both ends the unit is found, stopped, and given back.
func sweepUnit(t *testing.T, h *harbour) {
	s := h.unitSpec(t)
	s.Members = s.Members[:1]
	c := up(t, s)
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n1"})
	c.hush() // as if we had died …
	c.beats.Wait()
	if _, err := login(t, h.hosts[0]).Run(t.Context(), `pkill -KILL -f '[.]cache/shakedown/agent'`, nil); err != nil { // … and the agent with us
		t.Fatal(err)
	}
	was, err := Sweep(context.WithoutCancel(t.Context()), s, false)
	if err != nil || len(was) != 2 {
		t.Errorf("swept %v, %v", was, err)
	}
	if is := h.hosts[0].unit(t, "ActiveState", "DropInPaths"); is != "ActiveState=inactive DropInPaths=" {
		t.Errorf("the unit was left as %s", is)
	}
	h.clean(t, h.hosts[0])
}

// A program that keeps the time, and is watched by systemd, is stopped as a unit
// and started again: one that only stood still would be replaced by another. No
// clock is set here; it is not even allowed to be.
func unitThatKeepsTheTime(t *testing.T, h *harbour) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	c := login(t, h.hosts[1])
	for _, do := range []struct {
		command string
		stdin   io.Reader
	}{
		{"cat >systemd-timesyncd && chmod 700 systemd-timesyncd", bytes.NewReader(self)},
		{`printf '[Service]\nWatchdogSec=3min\nRestart=always\nRestartSec=0\nExecStart=/root/systemd-timesyncd echo 127.0.0.1:7001 /root/diary\n' >/run/systemd/system/timesync.service
systemctl daemon-reload && systemctl start timesync`, nil},
		{"./systemd-timesyncd keepers halt >halted", nil},
	} {
		if _, err := c.Run(t.Context(), do.command, do.stdin); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ command, wants string }{
		{"cat halted; systemctl is-active timesync || true", `"unit":"timesync.service"`},
		{"systemctl is-active timesync || true", "inactive"},
		{"./systemd-timesyncd keepers resume <halted; systemctl is-active timesync", "\nactive"},
	} {
		out, err := c.Run(t.Context(), step.command, nil)
		if err != nil || !strings.Contains(out, step.wants) {
			t.Errorf("%s: %q, %v; want %q", step.command, out, err, step.wants)
		}
	}
}

// keepers halts the programs that keep the time, and says which, or lets those go
// on that it is told of.
func keepers(do string, in io.Reader, out io.Writer) error {
	var all []hostclock.Program
	var errs []error
	if do == "resume" {
		errs = append(errs, json.NewDecoder(in).Decode(&all))
		for _, p := range all {
			errs = append(errs, hostclock.Linux{}.Resume(p))
		}
		return errors.Join(errs...)
	}
	all, err := hostclock.Linux{}.Keepers()
	for _, p := range all {
		if p.Pid != os.Getpid() {
			errs = append(errs, hostclock.Linux{}.Halt(p))
		}
	}
	return errors.Join(err, errors.Join(errs...), json.NewEncoder(out).Encode(all))
}
