package docker

import (
	"context"
	"errors"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

const (
	// removeTry bounds one attempt to remove one thing.
	removeTry = 15 * time.Second
	// removeTries is how often it is attempted.
	removeTries = 3
	// removePause is how long to wait before the next attempt.
	removePause = 100 * time.Millisecond
)

// A thing is something in the engine that bears our mark.
type thing struct {
	kind    string // container, network, volume, image
	id      string
	name    string
	labels  map[string]string
	running bool // of a container
	created time.Time
}

// remove removes all containers, volumes and networks of a run. What is gone
// already is no error.
func (e *Engine) remove(ctx context.Context, run string) error {
	things, err := e.list(ctx, run)
	if err != nil {
		return err
	}
	return e.removeThings(ctx, things)
}

// removeThings removes containers first, since they hold the rest.
func (e *Engine) removeThings(ctx context.Context, things []thing) error {
	container := func(t thing) bool { return t.kind == "container" }
	other := func(t thing) bool { return t.kind != "container" }
	return errors.Join(e.removeKind(ctx, things, container), e.removeKind(ctx, things, other))
}

// removeKind removes what is selected, all at a time.
func (e *Engine) removeKind(ctx context.Context, things []thing, selected func(thing) bool) error {
	errs := make(chan error)
	count := 0
	for _, t := range things {
		if selected(t) {
			count++
			go func() { errs <- e.removeOne(ctx, t) }()
		}
	}
	var all []error
	for range count {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// removeOne removes one thing, trying again a few times: a container may be on
// its way out already, and a volume or network may be held by it until then.
func (e *Engine) removeOne(ctx context.Context, t thing) error {
	var err error
	for range removeTries {
		if err = e.tryRemove(ctx, t); err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if t.kind == "volume" && t.labels[labelRole] == roleDisks {
			err = errors.Join(err, e.sweepDisks(ctx, t.id))
		}
		select {
		case <-ctx.Done():
			return failed(errors.Join(err, ctx.Err()), "", "remove %s %s", t.kind, t.name)
		case <-time.After(removePause):
		}
	}
	return failed(err, "", "remove %s %s", t.kind, t.name)
}

func (e *Engine) tryRemove(ctx context.Context, t thing) error {
	ctx, cancel := context.WithTimeout(ctx, removeTry)
	defer cancel()
	switch t.kind {
	case "network":
		return e.api.NetworkRemove(ctx, t.id)
	case "volume":
		return e.api.VolumeRemove(ctx, t.id, true)
	case "image":
		return e.removeImage(ctx, t.id)
	}
	err := e.api.ContainerRemove(ctx, t.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if !errdefs.IsConflict(err) {
		return err
	}
	// Somebody is removing it already. Wait until it is gone.
	gone, errs := e.api.ContainerWait(ctx, t.id, container.WaitConditionRemoved)
	select {
	case <-gone:
		return nil
	case err := <-errs:
		return err
	}
}

// list finds everything that bears our mark: of one run, or of all when run
// is empty. Images are not of a run.
func (e *Engine) list(ctx context.Context, run string) ([]thing, error) {
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: ours(run)})
	if err != nil {
		return nil, failed(err, "", "list containers")
	}
	networks, err := e.api.NetworkList(ctx, network.ListOptions{Filters: ours(run)})
	if err != nil {
		return nil, failed(err, "", "list networks")
	}
	volumes, err := e.api.VolumeList(ctx, volume.ListOptions{Filters: ours(run)})
	if err != nil {
		return nil, failed(err, "", "list volumes")
	}
	var things []thing
	for _, c := range containers {
		things = append(things, thing{kind: "container", id: c.ID, name: containerName(c), labels: c.Labels,
			running: c.State == container.StateRunning, created: time.Unix(c.Created, 0)})
	}
	for _, n := range networks {
		things = append(things, thing{kind: "network", id: n.ID, name: n.Name, labels: n.Labels, created: n.Created})
	}
	for _, v := range volumes.Volumes {
		things = append(things, thing{kind: "volume", id: v.Name, name: v.Name, labels: v.Labels})
	}
	return things, nil
}

func containerName(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return c.Names[0][1:] // docker's names begin with a slash
}
