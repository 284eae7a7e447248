package ssh

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Every kind of fault of the catalog is done to real hosts and taken back, or is
// known not to make sense there. A new kind without an entry fails the test.
func TestEveryFaultOnHosts(t *testing.T) {
	h := newHarbour(t, 2)
	s := h.spec(t)
	s.FaultyDisk = true
	c := up(t, s)
	awaitHear(t, c, "n1")
	pair := [][2]string{{"n1", "n2"}}
	on := map[string][]agent.Request{
		"partition": {{Do: agent.Cut, Pairs: pair}, {Do: agent.Dropped}, {Do: agent.Mend}},
		"latency":   {{Do: agent.Slow, Pairs: pair, Slowdown: &agent.Slowdown{Delay: time.Millisecond, Duplicate: 0.1}}, {Do: agent.Slowed}, {Do: agent.Hasten}},
		"connections": {{Do: agent.ResetConnections, Pairs: pair}, {Do: agent.RefuseConnections, Pairs: pair},
			{Do: agent.RefusedConnections}, {Do: agent.AllowConnections}},
		"dns":   {{Do: agent.MissayNames, Names: &agent.Names{Nodes: []string{"n1"}, Answer: "none"}}, {Do: agent.MissaidNames}, {Do: agent.MendNames}},
		"pause": {{Do: agent.Freeze, Node: "n1"}, {Do: agent.Frozen, Node: "n1"}, {Do: agent.Thaw, Node: "n1"}},
		"clock": {{Do: agent.SetClock, Node: "n1", Clock: &agent.Clock{Offset: time.Hour}}, {Do: agent.ReadClock, Node: "n1"}, {Do: agent.ResetClock, Node: "n1"}},
		"resources": {{Do: agent.Limit, Node: "n1", Limits: &agent.Limits{CPUs: 0.5, Memory: 512 << 20, Pids: 200, Files: 100}},
			{Do: agent.Limited, Node: "n1"}, {Do: agent.Unlimit, Node: "n1"}},
		"disk": {{Do: agent.HurtDisk, Node: "n1", Disk: &agent.Disk{Kind: "slow", Delay: time.Millisecond}}, {Do: agent.DiskHits, Node: "n1"}, {Do: agent.MendDisk, Node: "n1"}},
		"kill": {{Do: agent.Stop, Node: "n2"}, {Do: agent.Kill, Node: "n1"}},
	}
	// What is not for the agent: containers are made anew, or the scenario's own
	// commands are run.
	off := []string{"rolling", "membership", "custom"}
	for _, fault := range nemesis.Faults() {
		requests, ok := on[fault]
		if !ok && !slices.Contains(off, fault) {
			t.Errorf("nobody has said what %s does on hosts", fault)
		}
		if fault == "kill" {
			continue // last, below
		}
		for _, r := range requests {
			r.ID = fault
			ask(t, c, r)
		}
	}
	for _, r := range on["kill"] {
		r.ID = "kill"
		ask(t, c, r)
	}
	for _, n := range c.Nodes() {
		await(t, n+" is down", func() bool { exited, err := c.Exited(t.Context()); return err == nil && exited[n] != "" })
		if err := c.Restart(t.Context(), n); err != nil {
			t.Error(err)
		}
		awaitHear(t, c, n)
	}
	if r := ask(t, c, agent.Request{Do: agent.Heal}); !strings.Contains(r.Evidence, "nothing to heal") {
		t.Errorf("left in force: %s", r.Evidence)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	for _, host := range h.hosts {
		h.clean(t, host)
	}
}

// With the connection goes the agent, and with it the disk that it served: it is
// mounted again, and that it was gone is said. An agent that is killed leaves a
// dead mount, which is taken away first.
func TestLostConnectionMountsTheDiskAgain(t *testing.T) {
	for what, loses := range map[string]string{
		"connection": `for p in /proc/[0-9]*; do [ "${p#/proc/}" = 1 ] || ! grep -q '^sshd' $p/cmdline || kill -KILL "${p#/proc/}"; done`,
		"agent":      `pkill -KILL -f '[.]cache/shakedown/agent'`,
	} {
		t.Run(what, func(t *testing.T) { mountsTheDiskAgain(t, loses) })
	}
}

// What an agent that was killed had done to its node is healed by the next one:
// the node runs again, unlimited, and nothing of it is left in the end.
func TestKilledAgentOfAHost(t *testing.T) {
	h := newHarbour(t, 2)
	s := h.spec(t)
	c := up(t, s)
	awaitHear(t, c, "n1")
	ask(t, c, agent.Request{Do: agent.Limit, ID: "l", Node: "n1", Limits: &agent.Limits{Pids: 50}})
	ask(t, c, agent.Request{Do: agent.Freeze, ID: "p", Node: "n1"})
	ask(t, c, agent.Request{Do: agent.Cut, ID: "c", Pairs: [][2]string{{"n2", "n1"}}})
	if _, _, _, err := hear(c, "n1"); err == nil {
		t.Fatal("a frozen node answers")
	}
	_, _ = login(t, h.hosts[0]).Run(t.Context(), `pkill -KILL -f '[.]cache/shakedown/agent'`, nil)
	awaitHear(t, c, "n1")
	for _, r := range []agent.Request{{Do: agent.Thaw, ID: "p", Node: "n1"}, {Do: agent.Unlimit, ID: "l", Node: "n1"}, {Do: agent.Mend, ID: "c"}} {
		ask(t, c, r)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/shakedown-n[0-9]-" + s.Run + "-*"); len(groups) > 0 {
		t.Errorf("left: %v", groups)
	}
}

func mountsTheDiskAgain(t *testing.T, loses string) {
	t.Helper()
	h := newHarbour(t, 1)
	s := h.spec(t)
	s.FaultyDisk = true
	var mu sync.Mutex
	var warned []string
	s.Warn = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, text)
	}
	c := up(t, s)
	awaitHear(t, c, "n1")
	_, _ = login(t, h.hosts[0]).Run(t.Context(), loses, nil)
	ask(t, c, agent.Request{Do: agent.HurtDisk, ID: "d", Node: "n1", Disk: &agent.Disk{Kind: "slow", Delay: time.Millisecond}})
	member := c.member("n1")
	if out, err := member.run(t.Context(), fmt.Sprintf("grep -c %s/disk/mount /proc/self/mounts; cat %s/diary", quote(member.dir()), quote(member.data()))); err != nil || !strings.HasPrefix(out, "1\nstarted") {
		t.Errorf("the disk holds %q, %v", out, err)
	}
	ask(t, c, agent.Request{Do: agent.MendDisk, ID: "d", Node: "n1"})
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/shakedown-n[0-9]-" + s.Run + "-*"); len(groups) > 0 {
		t.Errorf("left: %v", groups)
	}
	mu.Lock()
	defer mu.Unlock()
	if all := strings.Join(warned, "; "); !strings.Contains(all, "the disk of n1 went with the connection") {
		t.Errorf("warned of %q", warned)
	}
}

// A host that refuses is known before anything is built, with what to do about it.
func TestGreet(t *testing.T) {
	h := newHarbour(t, 2)
	s := h.spec(t)
	if err := Greet(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.Members[1].Host.Port = freePort(t)
	err := Greet(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "node n2 on h2") || strings.Contains(err.Error(), "node n1") {
		t.Errorf("%v", err)
	}
	for _, host := range h.hosts {
		h.clean(t, host)
	}
}

// Doctor's look at hosts: each fault's needs are tried there, and nothing is left.
func TestExamineHosts(t *testing.T) {
	h := newHarbour(t, 2)
	s := h.spec(t)
	s.Run = "doctor"
	s.Members[1].Host.Port = freePort(t)
	found := Examine(t.Context(), s)
	if len(found) != 2 || found[0].Err != nil || found[1].Err == nil || found[1].Node != "n2" {
		t.Fatalf("found %+v", found)
	}
	tried := map[string]bool{}
	for _, a := range found[0].Abilities {
		tried[a.Fault] = true
		t.Logf("%s by %s: %v, %s", a.Fault, a.Backend, a.OK, a.Detail)
	}
	for _, fault := range []string{"partition", "connections", "dns", "latency", "kill", "pause", "clock", "resources", "disk"} {
		if !tried[fault] {
			t.Errorf("%s was not tried", fault)
		}
	}
	h.clean(t, h.hosts[0])
}
