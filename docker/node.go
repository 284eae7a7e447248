package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

const (
	// restartLimit bounds one restart of one node.
	restartLimit = 30 * time.Second
	// startTries is how often a node is started that ended at once, on a
	// restart. A node that was killed behind our back may look alive to the
	// engine for a moment.
	startTries = 3
	// startPause is how long the engine has to notice, before the next try.
	startPause = 100 * time.Millisecond
	// firstMoments is how long a new node is watched: most that cannot run
	// with what they were given end at once.
	firstMoments = 300 * time.Millisecond
	// lastLines is how much of a node's log an error shows.
	lastLines = "20"
	// logSize and logFiles bound a node's log on the engine's disk.
	logSize, logFiles = "64m", "2"
)

// A node is one container of a cluster.
type node struct {
	name  string
	index int // among all nodes, of other engines, too
	ip    string
	id    string // of the container
	// image and volume are what the container is made of; former are the
	// containers that the node had before.
	image  string
	volume string
	former []string

	starting sync.Mutex // held while it is being started
	// suspended is whether its restart policy is, guarded by starting.
	suspended bool
	// killed is set from the agent's kill until the engine has seen it.
	killed atomic.Bool
}

// create makes the node's volume and container.
func (c *Cluster) create(ctx context.Context, n *node, x expander) error {
	ctx, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	name, marks := dockerName(c.spec.Run, n.name), labels(c.spec.Run, c.spec.Scenario, labelNode, n.name, labelRole, roleNode)
	if c.spec.Data != "" && c.disks == "" {
		if _, err := c.engine.api.VolumeCreate(ctx, volume.CreateOptions{Name: n.volume, Labels: marks}); err != nil {
			return failed(err, "", "create volume of node %s", n.name)
		}
	}
	host := c.hostConfig(n.volume)
	if c.disks != "" {
		host.Mounts = []mount.Mount{c.diskOf(n.name)}
	}
	config := &container.Config{
		Image: n.image, Hostname: c.hostname(n), Labels: marks,
		Cmd: x.command(n.index, c.spec.Command), Env: x.environment(n.index, c.spec.Env),
	}
	made, err := c.engine.api.ContainerCreate(ctx, config, host, c.endpoint(n), nil, name)
	n.id = made.ID
	return failed(err, "", "create node %s", n.name)
}

func (c *Cluster) hostConfig(volumeName string) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:   container.NetworkMode(c.network()),
		RestartPolicy: c.policy(),
		LogConfig: container.LogConfig{Type: "json-file",
			Config: map[string]string{"max-size": logSize, "max-file": logFiles}},
		Resources: container.Resources{
			NanoCPUs: int64(c.spec.CPUs * 1e9),
			Memory:   c.spec.MemoryBytes, MemorySwap: c.spec.MemoryBytes, // equal: no swap
		},
	}
	h.ExtraHosts = c.spec.Shared.hosts()
	if c.spec.Data != "" {
		h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: volumeName, Target: c.spec.Data}}
	}
	return h
}

// network is the name of the network that the nodes are on.
func (c *Cluster) network() string {
	if c.spec.Shared != nil {
		return c.spec.Shared.Network
	}
	return dockerName(c.spec.Run)
}

// hostname is that of a node's container; one on the host's network has the
// host's.
func (c *Cluster) hostname(n *node) string {
	if c.spec.Shared.ofHosts() {
		return ""
	}
	return n.name
}

// endpoint is a node's place on the network; nil on a host's, of which it is no
// part of its own.
func (c *Cluster) endpoint(n *node) *network.NetworkingConfig {
	if c.spec.Shared.ofHosts() {
		return nil
	}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		c.network(): {
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: n.ip},
			Aliases:    []string{n.name},
		},
	}}
}

// Restart starts a node that is down and returns when its process runs and the
// agent knows it. A node that runs already is left as it is. Address and data
// are those from before.
func (c *Cluster) Restart(ctx context.Context, name string) error {
	n := c.node(name)
	if n == nil {
		return failed(errors.New("there is no such node"), "", "restart node %s", name)
	}
	ctx, cancel := context.WithTimeout(ctx, restartLimit)
	defer cancel()
	if n.killed.Load() {
		if err := c.waitEnded(ctx, n); err != nil {
			return failed(err, "", "restart node %s", name)
		}
	}
	var err error
	for range startTries {
		if err = c.start(ctx, n); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
	return err
}

// waitEnded waits until the engine knows that the node's process has ended.
func (c *Cluster) waitEnded(ctx context.Context, n *node) error {
	ended, errs := c.engine.api.ContainerWait(ctx, n.id, container.WaitConditionNotRunning)
	select {
	case <-ended:
		n.killed.Store(false)
		return nil
	case err := <-errs:
		return fmt.Errorf("wait for its end: %w", err)
	}
}

// start starts the node, unless it runs, and tells the agent about it.
func (c *Cluster) start(ctx context.Context, n *node) error {
	n.starting.Lock()
	defer n.starting.Unlock()
	during, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if err := c.engine.api.ContainerStart(during, n.id, container.StartOptions{}); err != nil {
		return failed(err, "", "start node %s", n.name)
	}
	i, err := c.engine.api.ContainerInspect(during, n.id)
	if err != nil {
		return failed(err, "", "look at node %s", n.name)
	}
	if !i.State.Running || i.State.Pid == 0 {
		return c.endedAtOnce(during, n)
	}
	if err := c.resume(during, n); err != nil {
		return err
	}
	_, err = c.agent().ask(during, agent.Request{
		Do: agent.Register, Node: n.name, Pid: i.State.Pid, Addresses: []string{n.ip},
	})
	if err != nil {
		// Most often the process was gone before the agent could look at it,
		// which the engine notices a moment later than the agent.
		if ended := c.survive(during, n); ended != nil {
			return ended
		}
	}
	return failed(err, "", "tell the agent about node %s", n.name)
}

// survive returns an error if the node ends in its first moments.
func (c *Cluster) survive(ctx context.Context, n *node) error {
	watch, cancel := context.WithTimeout(ctx, firstMoments)
	defer cancel()
	ended, errs := c.engine.api.ContainerWait(watch, n.id, container.WaitConditionNotRunning)
	select {
	case <-ended:
	case <-errs: // most often because the moments are over
	}
	return c.stillRuns(ctx, n)
}

// stillRuns returns an error that says how the node ended, if it did.
func (c *Cluster) stillRuns(ctx context.Context, n *node) error {
	i, err := c.engine.api.ContainerInspect(ctx, n.id)
	if err != nil {
		return failed(err, "", "look at node %s", n.name)
	}
	if i.State.Running {
		return nil
	}
	return c.endedAtOnce(ctx, n)
}

func (c *Cluster) endedAtOnce(ctx context.Context, n *node) error {
	how, err := c.howEnded(ctx, n)
	if err != nil {
		how = "it is not running, and why cannot be said: " + err.Error()
	}
	return failed(errors.New(how), "does the image fit the command, the environment and the limits?", "start node %s", n.name)
}

// Exited tells of the nodes that are not running how they ended, with the last
// lines of their logs.
func (c *Cluster) Exited(ctx context.Context) (map[string]string, error) {
	exited, mu := map[string]string{}, sync.Mutex{}
	errs := c.each(func(_ int, n *node) error {
		how, err := c.howEnded(ctx, n)
		if err == nil && how != "" {
			mu.Lock()
			defer mu.Unlock()
			exited[n.name] = how
		}
		return failed(err, "", "look at node %s", n.name)
	})
	return exited, errors.Join(errs...)
}

// howEnded is empty for a node that runs.
func (c *Cluster) howEnded(ctx context.Context, n *node) (string, error) {
	i, err := c.engine.api.ContainerInspect(ctx, n.id)
	if err != nil || i.State.Running {
		return "", err
	}
	how := fmt.Sprintf("it ended with exit code %d", i.State.ExitCode)
	switch {
	case i.State.OOMKilled:
		how += ", killed because it used more than its memory limit"
	case i.State.Error != "":
		how += ": " + i.State.Error
	}
	last, err := c.lastLog(ctx, n)
	switch {
	case err != nil:
		return how + "; its log cannot be read: " + err.Error(), nil
	case last == "":
		return how + " and logged nothing", nil
	}
	return how + "; the last lines it logged:\n" + indent(last), nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
