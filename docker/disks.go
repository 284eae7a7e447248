package docker

import (
	"context"
	"path"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// disksDir is where the agent has the volume of a run's disks.
const disksDir = "/disks"

// disksHint is for disks that could not be mounted.
const disksHint = "disk faults need /dev/fuse on the engine's host, and its data directory on a mount that is shared " +
	"(mount --make-rshared /): leave them out, or try another engine"

// createDisks makes the volume that holds the data of all nodes of a run whose
// disks are to be hurt, and returns where the engine's host has it. The agent
// mounts a file system for each node in there; since the volume is bound into
// its container with shared propagation, the host and through it the nodes
// see it.
func (c *Cluster) createDisks(ctx context.Context) (hostDir string, err error) {
	ctx, cancel, err := step(ctx)
	if err != nil {
		return "", err
	}
	defer cancel()
	v, err := c.engine.api.VolumeCreate(ctx, volume.CreateOptions{
		Name:   dockerName(c.spec.Run, roleDisks),
		Labels: labels(c.spec.Run, c.spec.Scenario, labelRole, roleDisks),
	})
	return v.Mountpoint, failed(err, "", "create the volume of the disks")
}

// withDisks gives an agent the volume of the disks, and what it needs to serve
// file systems for processes of any user.
func withDisks(h *container.HostConfig, hostDir string) {
	h.CapAdd = append(h.CapAdd, "CHOWN", "FOWNER", "FSETID", "MKNOD")
	h.Devices = append(h.Devices, container.DeviceMapping{
		PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm",
	})
	h.Mounts = append(h.Mounts, mount.Mount{
		Type: mount.TypeBind, Source: hostDir, Target: disksDir,
		BindOptions: &mount.BindOptions{Propagation: mount.PropagationRShared},
	})
}

// mountDisk mounts the node's file system, before the node is made.
func (c *Cluster) mountDisk(ctx context.Context, node string) error {
	if c.disks == "" {
		return nil
	}
	ctx, cancel, err := step(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	_, err = c.agent().ask(ctx, agent.Request{
		Do: agent.MountDisk, Node: node, Disk: &agent.Disk{Dir: path.Join(disksDir, node)},
	})
	return failed(err, disksHint, "mount the disk of node %s", node)
}

// diskOf is the mount of a node's data.
func (c *Cluster) diskOf(node string) mount.Mount {
	return mount.Mount{Type: mount.TypeBind, Source: path.Join(c.disks, node, "mount"), Target: c.spec.Data}
}

// sweepDisks unmounts what an agent that was killed has left in a volume, so
// that it can be removed.
func (e *Engine) sweepDisks(ctx context.Context, name string) error {
	v, err := e.api.VolumeInspect(ctx, name)
	if err != nil {
		return err
	}
	a, err := e.startAgent(ctx, hiring{run: "sweep", disks: v.Mountpoint})
	if err != nil {
		return err
	}
	_, err = a.ask(ctx, agent.Request{Do: agent.SweepDisks, Disk: &agent.Disk{Dir: disksDir}})
	if closed := a.close(ctx); err == nil {
		err = closed
	}
	return failed(err, "", "unmount the disks in volume %s", name)
}
