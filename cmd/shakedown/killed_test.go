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
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
	nft "github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// killedScenario is a short run of a tiny system with one fault, and a cut
// beside it. Every one is at work while somebody is killed.
const killedScenario = `version: 1
name: killed
system: {use: abd, nodes: 2, data: /data%s}
workload: {use: register, clients: 2, keys: 2, rate: 50/s, mix: {read: 1, write: 1}}
settle: {healthy_within: 15s}
phases:
  - name: storm
    for: 1500ms
    faults:
      - {name: it, at: 100ms, for: 700ms, %s}
      - {name: beside, fault: partition, pairs: [n2 -> clients], at: 50ms, for: 800ms}
`

// killedMembers is for the fault that takes a node out of the cluster: three nodes,
// and who is a member in a folder on this machine.
const killedMembers = `, membership: {
  member: {run: [ls, %[1]s], on: orchestrator, says: "{name}"},
  remove: {run: [rm, "%[1]s/{name}"], on: orchestrator},
  add: {run: [touch, "%[1]s/{name}"], on: orchestrator}}`

// killedText is the scenario for a fault in a form; members is the folder of those.
func killedText(fault, form, members string) []byte {
	text, more := killedScenario, ""
	if fault == "membership" {
		text, more = strings.Replace(text, "nodes: 2", "nodes: 3", 1), fmt.Sprintf(killedMembers, members)
	}
	return fmt.Appendf(nil, text, more, "fault: "+fault+", "+form)
}

// killedFaults are the faults, each in the forms that leave different things
// behind.
func killedFaults() map[string][]string {
	return map[string][]string{
		"partition":   {"groups: [[n1], [n2]]", "between: clients, target: n1"},
		"connections": {"kind: reset-and-refuse, between: clients, target: n1", "kind: refuse, pairs: [n1 -> n2]"},
		"latency":     {"target: n1, delay: 20ms", "target: n1, loss: 20%, duplicate: 20%"},
		"dns":         {"target: n1, answer: servfail"},
		"kill":        {"target: n1", "target: n1, how: crash-loop, up_for: 100ms", "target: n1, how: stop"},
		"pause":       {"target: n1", "target: n1, how: sigstop"},
		"clock":       {"target: n1, skew: 90s", "target: n1, freeze: true"},
		"disk":        {"kind: slow, takes: 1ms, target: n1", "kind: power-failure, target: n1"},
		"resources":   {"target: n1, cpus: 0.1", "target: n1, pids: 40", "target: n1, files: 60", "target: n1, memory: 48MiB"},
		"rolling":     {"target: n1"},
		"membership":  {"target: n1"},
		"custom":      {`target: n1, inject: {url: "http://{ip}:8080/healthz"}, verify: {url: "http://{ip}:8080/healthz"}, heal: {url: "http://{ip}:8080/healthz"}`},
	}
}

// A killPoint is a moment in the life of a run at which something of ours is
// killed with SIGKILL.
type killPoint struct {
	victim string // orchestrator, agent, both
	fault  string
	stage  history.Stage // of the fault; empty: in the phase, or while the cluster is coming up
	phase  string        // after the storm: heal, settle, final-reads, end
	form   string        // of the fault
	wait   time.Duration // after that
	keep   bool          // the nodes, with --keep
}

func (p killPoint) String() string {
	if p.phase != "" {
		return fmt.Sprintf("%s in %s after %s", p.victim, p.phase, p.fault)
	}
	if p.stage == "" {
		return fmt.Sprintf("%s %v after the start with %s", p.victim, p.wait, p.fault)
	}
	return fmt.Sprintf("%s in %s of %s", p.victim, p.stage, p.fault)
}

// drawKillPoints goes through every victim at every stage of every fault, in an
// order and with forms and delays that the seed draws.
func drawKillPoints(n int, seed uint64) []killPoint {
	rng := rand.New(rand.NewPCG(seed, 9))
	var all []killPoint
	for len(all) < n {
		var round []killPoint
		for fault, forms := range killedFaults() {
			for _, victim := range []string{"orchestrator", "agent", "both"} {
				for _, stage := range []history.Stage{"", history.StageSetUp, history.StageInject, history.StageInForce, history.StageHeal, history.StageHealed} {
					round = append(round, killPoint{victim: victim, fault: fault, stage: stage, form: fmt.Sprint(len(forms))})
				}
			}
		}
		slices.SortFunc(round, func(a, b killPoint) int { return strings.Compare(a.String(), b.String()) })
		rng.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		for _, p := range round {
			forms := killedFaults()[p.fault]
			p.form = forms[rng.IntN(len(forms))]
			p.wait = time.Duration(rng.IntN(30)) * time.Millisecond
			if p.stage == "" {
				p.wait = time.Duration(rng.IntN(1500)) * time.Millisecond
			}
			p.keep = rng.IntN(2) == 0
			all = append(all, p)
		}
	}
	return all[:n]
}

// someKillPoints are those that every test run tries: one for each victim, and
// the agent when the storm is over.
func someKillPoints() []killPoint {
	return []killPoint{
		{victim: "orchestrator", fault: "disk", stage: history.StageInForce, form: "kind: slow, takes: 1ms, target: n1"},
		{victim: "agent", fault: "resources", stage: history.StageInForce, form: "target: n1, cpus: 0.1", keep: true},
		{victim: "both", fault: "pause", stage: history.StageInForce, form: "target: n1"},
		{victim: "agent", fault: "clock", phase: "heal", form: "target: n1, skew: 90s", keep: true},
		{victim: "agent", fault: "partition", phase: "final-reads", form: "groups: [[n1], [n2]]", keep: true},
	}
}

// Killed with SIGKILL at any moment, alone or together, the orchestrator and its
// agent leave nothing that `shakedown clean` does not undo, and whichever of them
// lives on heals the nodes by itself. A few moments are tried always, and many
// where asked for:
//
//	SHAKEDOWN_KILL_POINTS=200 go test ./cmd/shakedown -run TestKilledAtAnyMoment -timeout 2h -v
//
// SHAKEDOWN_KILL_FROM=100 begins with that one, SHAKEDOWN_KILL_SEED=7 draws others,
// and SHAKEDOWN_KILL_FAULT=clock takes of these only those of that fault.
func TestKilledAtAnyMoment(t *testing.T) {
	if !haveDocker(t) || os.Getuid() != 0 {
		t.Skip("needs a docker engine, and root to look for what is left")
	}
	number := func(name string) int { n, _ := strconv.Atoi(os.Getenv("SHAKEDOWN_KILL_" + name)); return n }
	points, from := someKillPoints(), number("FROM")
	if n := number("POINTS"); n > 0 {
		points = drawKillPoints(n, uint64(number("SEED")))
	}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	if fault := os.Getenv("SHAKEDOWN_KILL_FAULT"); fault != "" {
		points = slices.DeleteFunc(points, func(p killPoint) bool { return p.fault != fault })
	}
	begun, reached := time.Now(), map[string]int{}
	other := bystander(t, api)
	for i, p := range points[min(from, len(points)):] {
		t.Run(fmt.Sprintf("%d %s", from+i, p), func(t *testing.T) {
			(&killing{t: t, api: api, point: p, dir: t.TempDir(), other: other}).try()
			if !t.Failed() {
				reached[p.victim]++
			}
		})
	}
	t.Logf("nothing was left after %v, in %v", reached, time.Since(begun).Round(time.Second))
}

// bystander is a container that is not ours, of a program that tells the time.
func bystander(t *testing.T, api *client.Client) string {
	t.Helper()
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "first.yaml") // a first run makes the image
	if err := os.WriteFile(file, killedText("pause", "target: n1", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("shakedown", "run", "--seed", "1", "--out", t.TempDir(), file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	images, err := exec.Command("docker", "images", "-q", "shakedown/abd").Output()
	image, _, _ := strings.Cut(string(images), "\n")
	if err != nil || image == "" {
		t.Fatal("no image of abd: ", err)
	}
	name := fmt.Sprintf("bystander-%d", time.Now().UnixNano()) // of a network of its own: not every engine has a default one
	if _, err := api.NetworkCreate(ctx, name, network.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.NetworkRemove(ctx, name); err != nil {
			t.Error(err)
		}
	})
	c, err := api.ContainerCreate(ctx, &container.Config{Image: image, Cmd: []string{"/abd", "-name=n1", "-peers=n1=http://localhost:8080"}},
		&container.HostConfig{NetworkMode: container.NetworkMode(name)}, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	if err := api.ContainerStart(ctx, c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// A killing is one run that is killed.
type killing struct {
	t     *testing.T
	api   *client.Client
	point killPoint
	dir   string
	run   string
	other string // a container that is not ours
	out   bytes.Buffer
}

func (k *killing) try() {
	k.t.Helper()
	file := filepath.Join(k.dir, "killed.yaml")
	members := filepath.Join(k.dir, "members")
	text := killedText(k.point.fault, k.point.form, members)
	err := errors.Join(os.WriteFile(file, text, 0o600), os.Mkdir(members, 0o700))
	for _, name := range []string{"n1", "n2", "n3"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(members, name), nil, 0o600))
	}
	if err != nil {
		k.t.Fatal(err)
	}
	before := lookAround(k.t, k.api, "")
	cmd := exec.Command("shakedown", "run", "--seed", "1", "--out", filepath.Join(k.dir, "runs"), "--keep="+strconv.FormatBool(k.point.keep), file)
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
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		k.t.Fatalf("it does not end\n%s", k.out.String())
	}
	k.survivorsHeal()
	k.clean()
	k.nothingLeft(before)
	if k.t.Failed() {
		k.t.Logf("%s, keep %v, %v\n%s", k.point.form, k.point.keep, k.point.wait, k.out.String())
	}
}

// survivorsHeal waits for the agent's end, and insists that whoever was not
// killed has healed the nodes, if any are left.
func (k *killing) survivorsHeal() {
	k.t.Helper()
	k.eventually("the agent ends", func() error {
		for _, c := range k.agents() {
			if c.State == container.StateRunning {
				return fmt.Errorf("%s is there: %s", c.Names, c.Status)
			}
		}
		return nil
	})
	if k.point.victim == "both" {
		return
	}
	for _, c := range k.list("shakedown.run="+k.run, "shakedown.role=node") {
		k.eventually("node "+c.Names[0]+" is healed", func() error { return sound(k.t, k.api, c.ID) })
	}
	if names := tables(0, nft.TableName(k.run))(k.t); len(names) > 0 {
		k.t.Errorf("rules of the run are left, with nobody who heals: %v", names)
	}
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
		if k.run != "" && (k.point.stage == "" && k.point.phase == "" || k.there()) {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			k.t.Fatalf("it ended before it came to that: %v\n%s", err, k.out.String())
		default:
		}
	}
	k.t.Fatalf("it never comes to that\n%s", k.out.String())
}

// there tells whether the history has come to the point: the phase, or the stage
// of the fault. One that was not seen to bite has been injected all the same.
func (k *killing) there() bool {
	text, err := os.ReadFile(filepath.Join(k.dir, "runs", "killed", k.run, "history.jsonl"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(text) {
		var op history.Op
		var step history.FaultEvent
		if k.point.phase != "" && bytes.Contains(line, fmt.Appendf(nil, `"phase":%q`, k.point.phase)) {
			return true
		}
		if !bytes.Contains(line, []byte(`/it#`)) || json.Unmarshal(line, &op) != nil || json.Unmarshal(op.Value, &step) != nil {
			continue
		}
		if step.Stage == k.point.stage || step.Stage == history.StageFailed && k.point.stage == history.StageInForce {
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

func (k *killing) clean() {
	out, err := exec.Command("shakedown", "clean", "--out", filepath.Join(k.dir, "runs"), k.run).CombinedOutput()
	if err != nil {
		k.t.Errorf("clean: %v\n%s", err, out)
	}
}

func (k *killing) cleanQuietly() {
	_ = exec.Command("shakedown", "clean", k.run).Run() // what the test has found is told already
}

// nothingLeft looks for what is left, of the run or of what it did to others.
func (k *killing) nothingLeft(before surroundings) {
	k.t.Helper()
	out, err := exec.Command("shakedown", "clean", "--dry-run", "--out", filepath.Join(k.dir, "runs"), k.run).CombinedOutput()
	if err != nil || string(out) != "nothing to remove\n" {
		k.t.Errorf("left after clean: %v\n%s", err, out)
	}
	if left, err := store.Left(filepath.Join(k.dir, "runs")); err != nil || len(left) > 0 {
		k.t.Errorf("left in the journal: %+v, %v", left, err)
	}
	k.eventually("all is as it was", func() error { return before.changed(lookAround(k.t, k.api, k.run)) })
	k.eventually("a container that is not ours is as it was", func() error { return sound(k.t, k.api, k.other) })
}

func (k *killing) eventually(what string, ok func() error) {
	k.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	k.t.Errorf("%s: %v", what, err)
}

// Without this a form that no scenario can have would count as a run that ended
// too early.
func TestKilledScenariosAreValid(t *testing.T) {
	for fault, forms := range killedFaults() {
		for _, form := range forms {
			file := filepath.Join(t.TempDir(), "killed.yaml")
			if err := os.WriteFile(file, killedText(fault, form, t.TempDir()), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("shakedown", "validate", file).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", fault, form, err, out)
			}
		}
	}
}

// An observer of the surroundings that sees nothing change would find nothing.
func TestChangedSurroundings(t *testing.T) {
	was := surroundings{"table bridge x, 3 rules": true, "queue 7700 of 3": true}
	if err := was.changed(surroundings{"table bridge x, 3 rules": true, "queue 7700 of 3": true}); err != nil {
		t.Error(err)
	}
	err := was.changed(surroundings{"table bridge x, 2 rules": true, "queue 7700 of 3": true})
	if err == nil || err.Error() != "new: table bridge x, 2 rules\ngone: table bridge x, 3 rules" {
		t.Error(err)
	}
}
