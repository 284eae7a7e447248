package docker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

// A probing cluster runs one node FROM scratch that tells what it sees.
type probing struct {
	*Cluster
	t testing.TB
}

func startProbe(t testing.TB) probing {
	t.Helper()
	e := engine(t)
	img, err := e.Image(t.Context(), Build{Recipe: "probe", Binary: "/probe", Source: os.DirFS("testdata/probe")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := probing{up(t, e, Spec{Run: runName(t), Scenario: "test", Image: img.Ref, Command: []string{"/probe"}, Nodes: []string{"n1"}}), t}
	p.answers()
	return p
}

// says asks the node from beside it; the error is that it does not answer.
func (p probing) says(what string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*time.Second)
	defer cancel()
	_, text, err := request(ctx, "GET", "http://"+p.Address("n1")+":8080/"+what, "")
	return text, err
}

func (p probing) answers() {
	p.t.Helper()
	eventually(p.t, "the node answers", func() error { _, err := p.says("clock"); return err })
}

func (p probing) ask(r agent.Request) agent.Reply {
	p.t.Helper()
	r.ID, r.Node = "f", "n1"
	reply, err := p.Ask(p.t.Context(), r)
	if err != nil && !reply.Pending {
		p.t.Fatalf("%s: %v", r.Do, err)
	}
	return reply
}

// clock is by how much the node says that its clock is off.
func (p probing) clock() (off time.Duration) {
	p.t.Helper()
	var wall int64
	eventually(p.t, "the node tells the time", func() error {
		text, err := p.says("clock")
		if err == nil {
			_, err = fmt.Sscan(text, &wall)
		}
		return err
	})
	return time.Until(time.Unix(0, wall))
}

// nodeFaults are all faults of a node and its processes that leave it running:
// how each is asked for, how it is seen from beside the node or inside of it,
// and how it is taken back.
func nodeFaults() map[string]struct {
	inject, heal agent.Request
	felt         func(p probing) bool
} {
	type fault = struct {
		inject, heal agent.Request
		felt         func(p probing) bool
	}
	clock := func(c agent.Clock, felt func(p probing) bool) fault {
		return fault{agent.Request{Do: agent.SetClock, Clock: &c}, agent.Request{Do: agent.ResetClock}, felt}
	}
	limit := func(l agent.Limits, felt func(p probing) bool) fault {
		return fault{agent.Request{Do: agent.Limit, Limits: &l}, agent.Request{Do: agent.Unlimit}, felt}
	}
	silent := func(p probing) bool { _, err := p.says("clock"); return err != nil }
	refused := func(what, words string) func(p probing) bool {
		return func(p probing) bool { text, _ := p.says(what); return strings.Contains(text, words) }
	}
	return map[string]fault{
		"pause":   {agent.Request{Do: agent.Freeze}, agent.Request{Do: agent.Thaw}, silent},
		"sigstop": {agent.Request{Do: agent.Freeze, How: agent.BySigstop}, agent.Request{Do: agent.Thaw}, silent},
		"sigstop of one process": {agent.Request{Do: agent.Freeze, How: agent.BySigstop, Process: "probe"},
			agent.Request{Do: agent.Thaw}, silent},
		"skew": clock(agent.Clock{Offset: time.Hour}, func(p probing) bool { off := p.clock(); return off.Round(time.Minute) == time.Hour }),
		"drift": clock(agent.Clock{Rate: vdso.PerBillion}, func(p probing) bool {
			before := p.clock()
			time.Sleep(20 * time.Millisecond)
			after := p.clock()
			return after > before+15*time.Millisecond && after > 0
		}),
		"freeze": clock(agent.Clock{Rate: vdso.Still}, func(p probing) bool {
			first, _ := p.says("clock")
			second, _ := p.says("clock")
			a, _, _ := strings.Cut(first, " ")
			b, _, _ := strings.Cut(second, " ")
			return a != "" && a == b
		}),
		"strobe": clock(agent.Clock{Offset: time.Hour, Period: 10 * time.Millisecond}, func(p probing) bool {
			seen := map[time.Duration]bool{}
			for range 100 {
				off := p.clock()
				seen[off.Round(time.Minute)] = true
			}
			return seen[time.Hour] && seen[0]
		}),
		"pids":  limit(agent.Limits{Pids: 25}, refused("fork", "resource temporarily unavailable")),
		"files": limit(agent.Limits{Files: 40}, refused("open", "too many open files")),
	}
}

// Of each fault the node, or who stands beside it, feels nothing before; feels
// it while it is in force, and after a restart meanwhile; and nothing after it
// was taken back.
func TestNodeFaultsAreFelt(t *testing.T) {
	p := startProbe(t)
	for name, f := range nodeFaults() {
		t.Run(name, func(t *testing.T) {
			p := probing{p.Cluster, t}
			if f.felt(p) {
				t.Error("it is felt before")
			}
			t.Log(p.ask(f.inject).Evidence)
			eventually(t, "it is felt", felt(p, f.felt))
			p.ask(agent.Request{Do: agent.Kill})
			if err := p.Restart(t.Context(), "n1"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is felt after a restart", felt(p, f.felt))
			t.Log(p.ask(f.heal).Evidence)
			p.answers()
			if f.felt(p) {
				t.Error("it is felt after it was taken back")
			}
		})
	}
}

func felt(p probing, is func(probing) bool) func() error {
	return func() error {
		if !is(p) {
			return fmt.Errorf("it is not")
		}
		return nil
	}
}

// A tenth of a processor is felt as time that passes while nothing is done.
func TestProcessorLimitOfANode(t *testing.T) {
	p := startProbe(t)
	p.ask(agent.Request{Do: agent.Limit, Limits: &agent.Limits{CPUs: 0.1}})
	begin := time.Now()
	if text, err := p.says("work"); text != "ok" || time.Since(begin) < 300*time.Millisecond {
		t.Errorf("%q, %v; 50ms of work took %v of a tenth of a processor", text, err, time.Since(begin))
	}
	if r := p.ask(agent.Request{Do: agent.Limited}); r.Number == 0 {
		t.Errorf("%+v", r)
	}
	if r := p.ask(agent.Request{Do: agent.Unlimit}); !strings.Contains(r.Evidence, "now as before, read back") {
		t.Errorf("%+v", r)
	}
}

// A node that uses more memory than it may is killed by the kernel, which the
// engine sees, too, and runs again after the heal.
func TestMemoryLimitOfANode(t *testing.T) {
	p := startProbe(t)
	p.ask(agent.Request{Do: agent.Limit, Limits: &agent.Limits{Memory: 32 << 20}})
	eventually(t, "the node dies", func() error {
		if text, err := p.says("grow"); err == nil {
			return fmt.Errorf("it says %s", text)
		}
		return nil
	})
	eventually(t, "the engine sees it", func() error {
		how, err := p.Exited(t.Context())
		if err == nil && !strings.Contains(how["n1"], "exit code 137") {
			err = fmt.Errorf("it says %q", how["n1"])
		}
		return err
	})
	if r := p.ask(agent.Request{Do: agent.Limited}); r.Number == 0 || !strings.Contains(r.Evidence, "32 MiB of memory: came to it ") {
		t.Errorf("%+v", r)
	}
	p.ask(agent.Request{Do: agent.Unlimit})
	if err := p.Restart(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	p.answers()
	for range 10 {
		if text, err := p.says("grow"); text != "ok" {
			t.Errorf("after the heal: %q, %v", text, err)
		}
	}
}

// A node that is told to stop, and one of which a process is killed by name,
// is down until it is started.
func TestWaysToKillANode(t *testing.T) {
	p := startProbe(t)
	for name, r := range map[string]agent.Request{
		"stop": {Do: agent.Stop}, "process": {Do: agent.Kill, Process: "probe"},
	} {
		t.Log(name, p.ask(r).Evidence)
		eventually(t, "it is gone", func() error {
			if r := p.ask(agent.Request{Do: agent.Stopped}); r.Number > 0 {
				return fmt.Errorf("%s", r.Evidence)
			}
			return nil
		})
		if _, err := p.says("clock"); err == nil {
			t.Errorf("%s: it still answers", name)
		}
		if err := p.Restart(t.Context(), "n1"); err != nil {
			t.Fatal(err)
		}
		p.answers()
	}
}

// The logs of a paused node can be collected, and a cluster with one goes down.
func TestPausedNodeIsCollectedAndRemoved(t *testing.T) {
	for _, how := range []string{agent.ByFreezer, agent.BySigstop} {
		t.Run(how, func(t *testing.T) {
			p := startProbe(t)
			p.ask(agent.Request{Do: agent.Freeze, How: how})
			dir := t.TempDir()
			if err := p.Collect(t.Context(), dir); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "n1", "stdout.log"))
			if err != nil || !strings.Contains(string(text), "listening") {
				t.Errorf("its log is %q, %v", text, err)
			}
			if _, err := p.Ask(t.Context(), agent.Request{Do: agent.Frozen, ID: "f", Node: "n1"}); err != nil {
				t.Errorf("it is not paused any more: %v", err)
			}
		}) // And then it is removed.
	}
}
