package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
	"github.com/google/nftables"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
	nft "github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// killedScenario has a fault of every class in force at about the same time, on
// two nodes of a tiny system.
const killedScenario = `version: 1
name: killed
system: {use: abd, nodes: 2, data: /data}
workload: {use: register, clients: 2, keys: 2, rate: 50/s, mix: {read: 1, write: 1}}
phases:
  - name: storm
    for: 4s
    faults:
      - {fault: partition, groups: [[n1], [n2]], at: 300ms, for: 1500ms}
      - {fault: latency, target: n1, delay: 20ms, at: 300ms, for: 2s}
      - {fault: pause, target: n1, at: 400ms, for: 1s}
      - {fault: kill, target: n2, at: 500ms, for: 1s}
      - {fault: clock, target: n1, skew: 90s, at: 1500ms, for: 1s}
      - {fault: disk, kind: slow, takes: 1ms, target: n2, at: 2800ms, for: 500ms}
`

// A killPoint is a moment in the life of a run at which something of ours is
// killed with SIGKILL.
type killPoint struct {
	victim string // orchestrator, agent, both
	fault  string
	stage  history.Stage // of the fault; empty: while the cluster is coming up
	wait   time.Duration // after that
}

func drawKillPoint(rng *rand.Rand) killPoint {
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	return killPoint{
		victim: pick("orchestrator", "agent", "both"),
		fault:  pick("partition", "latency", "pause", "kill", "clock", "disk"),
		stage: history.Stage(pick("", string(history.StageSetUp), string(history.StageInject), string(history.StageInForce),
			string(history.StageHeal), string(history.StageHealed))),
		wait: time.Duration(rng.IntN(30)) * time.Millisecond,
	}
}

// Killed with SIGKILL at any moment, alone or together, the orchestrator and its
// agent leave nothing that `shakedown clean` does not undo. Each moment takes
// some ten seconds, so it runs only where asked for:
//
//	SHAKEDOWN_KILL_POINTS=200 go test ./cmd/shakedown -run TestKilledAtAnyMoment -timeout 2h -v
//
// SHAKEDOWN_KILL_SEED=7 draws others.
func TestKilledAtAnyMoment(t *testing.T) {
	points, _ := strconv.Atoi(os.Getenv("SHAKEDOWN_KILL_POINTS"))
	if points == 0 {
		t.Skip("kills runs at real nodes for a long time; set SHAKEDOWN_KILL_POINTS=200 for that")
	}
	if !haveDocker(t) || os.Getuid() != 0 {
		t.Skip("needs a docker engine, and root to look for what is left")
	}
	seed, _ := strconv.ParseUint(os.Getenv("SHAKEDOWN_KILL_SEED"), 10, 64)
	rng := rand.New(rand.NewPCG(seed, 9))
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	reached := map[string]int{}
	for i := range points {
		p := drawKillPoint(rng)
		t.Run(fmt.Sprintf("%d %s in %s of %s", i, p.victim, p.stage, p.fault), func(t *testing.T) {
			(&killing{t: t, api: api, point: p, dir: t.TempDir()}).try()
			if !t.Failed() {
				reached[p.victim]++
			}
		})
	}
	t.Logf("nothing was left after %v", reached)
}

// A killing is one run that is killed.
type killing struct {
	t     *testing.T
	api   *client.Client
	point killPoint
	dir   string
	run   string
	out   bytes.Buffer
}

func (k *killing) try() {
	k.t.Helper()
	file := filepath.Join(k.dir, "killed.yaml")
	if err := os.WriteFile(file, []byte(killedScenario), 0o600); err != nil {
		k.t.Fatal(err)
	}
	before, foreign, begun := mounts(k.t), k.foreign(), time.Now()
	cmd := exec.Command("shakedown", "run", "--seed", "1", "--out", filepath.Join(k.dir, "runs"), file)
	cmd.Stdout, cmd.Stderr = &k.out, &k.out
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	k.await(ended)
	time.Sleep(k.point.wait) // the moment is what is tested
	if k.point.victim != "orchestrator" {
		k.killAgents()
	}
	if k.point.victim != "agent" {
		_ = cmd.Process.Kill() // it may have ended by itself
	}
	select {
	case <-ended: // however it ended
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		k.t.Fatalf("it does not end\n%s", k.out.String())
	}
	k.eventually("the agent ends", func() error {
		if n := len(k.agents()); n > 0 {
			return fmt.Errorf("%d are there", n)
		}
		return nil
	})
	k.clean()
	k.nothingLeft(before, foreign, begun)
}

// await waits for the point, or the end of the run if it does not come to it.
func (k *killing) await(ended chan error) {
	for deadline := time.Now().Add(awaitLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if k.run == "" {
			if link, err := os.Readlink(filepath.Join(k.dir, "runs", "latest")); err == nil {
				k.run = filepath.Base(link)
				k.t.Cleanup(func() { k.cleanQuietly() })
			}
		}
		if k.run != "" && (k.point.stage == "" && len(k.agents()) > 0 || k.point.stage != "" && k.there()) {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			return
		default:
		}
	}
	k.t.Fatalf("it never comes to that\n%s", k.out.String())
}

// there tells whether the history has come to the point.
func (k *killing) there() bool {
	text, err := os.ReadFile(filepath.Join(k.dir, "runs", "killed", k.run, "history.jsonl"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(text) {
		var op history.Op
		if !bytes.Contains(line, []byte(`"stage":"`+string(k.point.stage)+`"`)) || json.Unmarshal(line, &op) != nil {
			continue
		}
		if op.F == k.point.fault {
			return true
		}
	}
	return false
}

func (k *killing) list(labels ...string) []container.Summary {
	f := filters.NewArgs()
	for _, l := range labels {
		f.Add("label", l)
	}
	all, err := k.api.ContainerList(context.Background(), container.ListOptions{All: true, Filters: f})
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

func (k *killing) agents() []container.Summary {
	return k.list("shakedown.run="+k.run, "shakedown.role=agent")
}

func (k *killing) killAgents() {
	for _, c := range k.agents() {
		_ = k.api.ContainerKill(context.Background(), c.ID, "KILL") // it may have ended by itself
	}
}

// foreign are the containers that are not ours.
func (k *killing) foreign() (ids []string) {
	for _, c := range k.list() {
		if c.Labels["shakedown"] == "" && c.State == container.StateRunning {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (k *killing) clean() {
	out, err := exec.Command("shakedown", "clean", "--out", filepath.Join(k.dir, "runs"), k.run).CombinedOutput()
	if err != nil {
		k.t.Errorf("clean: %v\n%s", err, out)
	}
}

func (k *killing) cleanQuietly() {
	_ = exec.Command("shakedown", "clean", k.run).Run() // what the test has found is told already
}

// nothingLeft looks for what is left: of the run in docker, in the host's rules,
// queues and mounts; and whether what is not ours is as it was.
func (k *killing) nothingLeft(before, foreign []string, begun time.Time) {
	k.t.Helper()
	out, err := exec.Command("shakedown", "clean", "--dry-run", "--out", filepath.Join(k.dir, "runs"), k.run).CombinedOutput()
	if err != nil || string(out) != "nothing to remove\n" {
		k.t.Errorf("left after clean: %v\n%s", err, out)
	}
	if left, err := store.Left(filepath.Join(k.dir, "runs")); err != nil || len(left) > 0 {
		k.t.Errorf("left in the journal: %+v, %v", left, err)
	}
	if names := tablesOf(k.t, k.run); len(names) > 0 {
		k.t.Errorf("left in the host's rules: %v", names)
	}
	for _, m := range mounts(k.t) {
		if !slices.Contains(before, m) && strings.Contains(m, k.run) {
			k.t.Errorf("left mounted: %s", m)
		}
	}
	now := k.foreign()
	for _, id := range foreign {
		if !slices.Contains(now, id) {
			k.t.Errorf("container %s, which is not ours, has gone", id)
		}
	}
	if moved := clockMoved(begun).Abs(); moved > time.Second {
		k.t.Errorf("the host's clock has moved by %s", moved)
	}
}

func (k *killing) eventually(what string, ok func() error) {
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	k.t.Errorf("%s: %v", what, err)
}

// tablesOf are the tables of the run in the host's bridge family.
func tablesOf(t *testing.T, run string) (names []string) {
	err := nft.Talk(t.Context(), 0, func(c *nftables.Conn) error {
		tables, err := c.ListTablesOfFamily(nftables.TableFamilyBridge)
		for _, table := range tables {
			if table.Name == nft.TableName(run) {
				names = append(names, table.Name)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

// mounts are the host's, as this process sees them.
func mounts(t *testing.T) []string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err := errors.Join(err, t.Context().Err()); err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// clockMoved is how far the wall clock has moved against the monotonic one.
func clockMoved(since time.Time) time.Duration {
	now := time.Now()
	return now.Round(0).Sub(since.Round(0)) - now.Sub(since)
}
