package docker

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// A diskFault is one on the calls of a node that goes on running: what the node
// says of a write while it is in force.
type diskFault struct {
	name string
	disk agent.Disk
	says string
}

func diskFaults() []diskFault {
	return []diskFault{
		{"eio", agent.Disk{Kind: "eio"}, "input/output error"},
		{"enospc", agent.Disk{Kind: "enospc"}, "no space left on device"},
		{"read-only", agent.Disk{Kind: "read-only"}, "read-only file system"},
		{"full", agent.Disk{Kind: "full", Room: 4096}, "no space left on device"},
		{"slow", agent.Disk{Kind: "slow", Delay: 300 * time.Millisecond}, "ok, slowly"},
	}
}

// startDiskProbe is startProbe with a disk that can be hurt.
func startDiskProbe(t *testing.T) probing {
	t.Helper()
	e := engine(t)
	img, err := e.Image(t.Context(), Build{Recipe: "probe", Binary: "/probe", Source: os.DirFS("testdata/probe")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := probing{up(t, e, Spec{Run: runName(t), Scenario: "test", Image: img.Ref, Command: []string{"/probe"}, Nodes: []string{"n1"},
		Data: "/data", FaultyDisk: true}), t}
	p.answers()
	return p
}

// write lets the node write, and says what it says.
func (p probing) write(what string) string {
	p.t.Helper()
	begin := time.Now()
	text, err := p.says(what)
	switch {
	case err != nil:
		return err.Error()
	case text == "ok" && time.Since(begin) > 300*time.Millisecond:
		return "ok, slowly"
	}
	return text
}

func (p probing) restart() {
	p.t.Helper()
	if err := p.Restart(p.t.Context(), "n1"); err != nil {
		p.t.Fatal(err)
	}
	p.answers()
}

// Of every fault on calls the node itself is told, also after it was started
// again; while it is paused the fault comes and goes; and afterwards it is told
// nothing any more. Of every fault at rest, and of a power failure, the node
// reads what became of its data.
func TestDiskFaultsAreFelt(t *testing.T) {
	p := startDiskProbe(t)
	for _, f := range diskFaults() {
		t.Run(f.name, func(t *testing.T) {
			p := probing{p.Cluster, t}
			is := func(when, want string) {
				t.Helper()
				eventually(t, when, func() error {
					if got := p.write("write"); !strings.Contains(got, want) {
						return fmt.Errorf("it says %q, not %q", got, want)
					}
					return nil
				})
			}
			is("before", "ok")
			p.ask(agent.Request{Do: agent.HurtDisk, Disk: &f.disk})
			is("in force", f.says)
			p.ask(agent.Request{Do: agent.Kill})
			p.restart()
			is("after a restart", f.says)
			p.ask(agent.Request{Do: agent.Freeze})
			p.ask(agent.Request{Do: agent.MendDisk})
			p.ask(agent.Request{Do: agent.Thaw})
			is("healed while it was paused", "ok")
			if got := p.write("write"); got != "ok" {
				t.Errorf("healed: %q", got)
			}
		})
	}
	t.Run("power failure", func(t *testing.T) {
		p := probing{p.Cluster, t}
		for _, what := range []string{"write?text=synced", "unsynced?text=lost"} {
			if got := p.write(what); got != "ok" {
				t.Fatalf("%s: %s", what, got)
			}
		}
		p.ask(agent.Request{Do: agent.Kill})
		r := p.ask(agent.Request{Do: agent.PowerFail, Disk: &agent.Disk{Lose: "all", Seed: 1}})
		p.restart()
		if text, _ := p.says("read"); text != "synced" || r.Number == 0 {
			t.Errorf("it reads %q; %+v", text, r)
		}
	})
	for kind, want := range map[string]string{"bit-flip": "", "truncate": "", "old-copy": "old"} {
		t.Run(kind, func(t *testing.T) {
			p := probing{p.Cluster, t}
			p.write("write?text=old")
			p.ask(agent.Request{Do: agent.KeepDisk, Disk: &agent.Disk{Path: "file"}})
			p.write("write?text=new")
			p.ask(agent.Request{Do: agent.Kill})
			r := p.ask(agent.Request{Do: agent.HarmDisk, Disk: &agent.Disk{Kind: kind, Path: "file", Restore: true, Seed: 1}})
			p.restart()
			if text, _ := p.says("read"); text == "new" || want != "" && text != want || r.Number == 0 {
				t.Errorf("harmed, it reads %q; %+v", text, r)
			}
			p.ask(agent.Request{Do: agent.Kill})
			p.ask(agent.Request{Do: agent.UnharmDisk})
			p.restart()
			if text, _ := p.says("read"); text != "new" {
				t.Errorf("healed, it reads %q", text)
			}
		})
	}
}
