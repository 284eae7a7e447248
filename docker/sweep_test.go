package docker

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

func hello() agent.Request { return agent.Request{Do: agent.Hello} }

func TestUnattended(t *testing.T) {
	now := time.Unix(1e9, 0)
	of := func(run, role string, running bool, age time.Duration) thing {
		return thing{name: run + " " + role, labels: labels(run, "s", labelRole, role), running: running, created: now.Add(-age)}
	}
	things := []thing{
		of("attended", roleNode, true, time.Hour), of("attended", roleAgent, true, time.Hour),
		of("starting", roleNode, false, time.Second), of("starting", roleAgent, false, time.Second),
		of("half made", roleNode, false, time.Hour), of("half made", roleAgent, false, time.Hour),
		of("left", roleNode, true, time.Hour), of("left", "", false, time.Hour),
	}
	var got []string
	for _, th := range unattended(things, now) {
		got = append(got, th.name)
	}
	if diff := cmp.Diff([]string{"half made node", "half made agent", "left node", "left "}, got); diff != "" {
		t.Error(diff)
	}
}

// abandon takes the agent away from a cluster, as if everything that could
// heal it had been killed.
func abandon(t *testing.T, e *Engine, c *Cluster) {
	t.Helper()
	if err := e.api.ContainerRemove(t.Context(), c.agent().id, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
}

// TestSweep sweeps one run only, for real: other tests share the engine, and
// have left things of their own there on purpose.
func TestSweep(t *testing.T) {
	e := engine(t)
	img := abdImage(t, e)
	stays := up(t, e, abdSpec(runName(t)+"-stays", img, 1))
	left := up(t, e, abdSpec(runName(t)+"-left", img, 2))
	foreign := foreigners(t, e, img)
	freeze(t, e, left.node("n1").id)
	abandon(t, e, left)

	dry, err := e.Sweep(t.Context(), SweepOptions{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := sweptOf(dry, left.spec.Run); n != 5 {
		t.Errorf("would remove %d things of the run that is left, want 2 nodes, 2 volumes, a network: %v", n, dry)
	}
	if things, err := e.list(t.Context(), left.spec.Run); err != nil || len(things) != 5 {
		t.Errorf("a dry run left %d of 5 things (%v)", len(things), err)
	}
	if n := sweptOf(dry, stays.spec.Run); n != 0 {
		t.Errorf("would remove %d things of a run that goes on: %v", n, dry)
	}
	if n := sweptOf(dry, ""); n != 0 {
		t.Errorf("would remove what is of no run: %v", dry)
	}
	swept, err := e.Sweep(t.Context(), SweepOptions{Run: left.spec.Run})
	if err != nil {
		t.Fatal(err)
	}
	if sweptOf(swept, left.spec.Run) != 5 || sweptOf(swept, stays.spec.Run) != 0 {
		t.Errorf("removed %v", swept)
	}
	nothingLeft(t, e, left.spec.Run)
	write(t, stays, "n1", "x", "still here")
	for _, id := range foreign {
		if !inspect(t, e, id).State.Running {
			t.Errorf("%s is not ours and does not run any more", id)
		}
	}
	again, err := e.Sweep(t.Context(), SweepOptions{Run: left.spec.Run})
	if err != nil || len(again) != 0 {
		t.Errorf("a second sweep removed %v (%v)", again, err)
	}
}

// A request that was under way when the orchestrator was killed is carried out
// after the sweep has looked. What it made goes too; what others made stays.
func TestSweepOfWhatComesLate(t *testing.T) {
	e := engine(t)
	dead, other := runName(t)+"-dead", runName(t)+"-other"
	for _, run := range []string{dead, other} {
		n, err := e.api.NetworkCreate(t.Context(), dockerName(run), network.CreateOptions{Driver: "bridge", Labels: labels(run, "s")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.api.NetworkRemove(context.Background(), n.ID) }) // it may be gone, as it should
	}
	if late, err := e.sweepLate(t.Context(), SweepOptions{}); err != nil || len(late) != 0 {
		t.Errorf("of no run: %v, %v", late, err)
	}
	late, err := e.sweepLate(t.Context(), SweepOptions{Dead: []string{dead}})
	if err != nil || len(late) != 1 {
		t.Errorf("removed %v, %v", late, err)
	}
	nothingLeft(t, e, dead)
	if things, err := e.list(t.Context(), other); err != nil || len(things) != 1 {
		t.Errorf("of the other run there are %v, %v", things, err)
	}
}

func TestSweepOfARunThatGoesOn(t *testing.T) {
	e := engine(t)
	c := up(t, e, abdSpec(runName(t), abdImage(t, e), 1))
	swept, err := e.Sweep(t.Context(), SweepOptions{Run: c.spec.Run})
	if err != nil || sweptOf(swept, c.spec.Run) != 4 {
		t.Errorf("removed %v (%v), want a node, an agent, a volume, a network", swept, err)
	}
	nothingLeft(t, e, c.spec.Run)
	if _, err := c.Ask(t.Context(), hello()); err == nil {
		t.Error("the agent is gone and still answers")
	}
}

// foreigners are a container from our image and a network that somebody else
// made: they bear no label of ours.
func foreigners(t *testing.T, e *Engine, img Image) []string {
	t.Helper()
	ctx := context.Background()
	name := runName(t)
	if _, err := e.api.NetworkCreate(ctx, name, network.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c, err := e.api.ContainerCreate(ctx, &container.Config{Image: img.Ref,
		Cmd: []string{"/abd", "-name=n1", "-peers=n1=http://localhost:8080"}},
		&container.HostConfig{NetworkMode: container.NetworkMode(name)}, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error("somebody else's container: ", err)
		}
		if err := e.api.NetworkRemove(ctx, name); err != nil {
			t.Error("somebody else's network: ", err)
		}
	})
	if err := e.api.ContainerStart(ctx, c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return []string{c.ID}
}

// freeze freezes a container as an agent would, where the test may.
func freeze(t *testing.T, e *Engine, id string) {
	t.Helper()
	for file, word := range map[string]string{
		filepath.Join("/sys/fs/cgroup/freezer/docker", id, "freezer.state"):               "FROZEN",
		filepath.Join("/sys/fs/cgroup/system.slice/docker-"+id+".scope", "cgroup.freeze"): "1",
		filepath.Join("/sys/fs/cgroup/docker", id, "cgroup.freeze"):                       "1",
	} {
		if os.WriteFile(file, []byte(word), 0) == nil {
			return
		}
	}
	t.Log("the container could not be frozen from here; sweeping one that runs instead")
}

func TestImagesInUseAreNotSwept(t *testing.T) {
	e := engine(t)
	spec := imageSpec{Ref: "shakedown/test-sweep:1", Arch: e.arch, Labels: map[string]string{labelImage: "1"},
		Files: []file{{"/x", 0o755, []byte(runName(t))}}}
	img, err := e.load(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.api.ContainerCreate(t.Context(), &container.Config{Image: img.Ref, Cmd: []string{"/x"}}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		return e.api.ContainerRemove(context.Background(), c.ID, container.RemoveOptions{Force: true})
	}
	swept := func(leaving ...thing) bool {
		images, err := e.listImages(t.Context(), leaving)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(images, func(i thing) bool { return i.name == img.Ref })
	}
	if swept() {
		t.Error("an image that a container uses would be swept")
	}
	if !swept(thing{id: c.ID}) {
		t.Error("an image that only swept containers use would stay")
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if !swept() {
		t.Error("an image that nobody uses would stay")
	}
	if err := e.removeOne(t.Context(), thing{kind: "image", id: img.ID, name: img.Ref}); err != nil || swept() {
		t.Errorf("it was not removed (%v)", err)
	}
}
