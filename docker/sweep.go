package docker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// youngAgent is how long a container of an agent that is not running yet is
// taken for one that is just being started.
const youngAgent = time.Minute

// SweepOptions say what to sweep.
type SweepOptions struct {
	// Run is the run to sweep, even if it is still going on; empty for all
	// that nobody attends to any more.
	Run string
	// Live sweeps also runs that are still going on, when Run is empty.
	Live bool
	// Images removes the images that were built, too, those of nodes and
	// agents that nothing uses.
	Images bool
	// Dead are runs whose program is known to have been killed; their rules in
	// the host's network are removed even if nothing else is left of them.
	Dead []string
	// DryRun only tells what would be removed.
	DryRun bool
}

// Swept is one thing that was, or would be, removed.
type Swept struct {
	Kind string `json:"kind"` // container, network, volume, image
	Name string `json:"name"`
	Run  string `json:"run,omitempty"` // empty for an image
}

// Sweep removes what runs left behind that did not end by themselves: nodes
// (frozen ones are thawed first), agents, networks, volumes, and rules in the
// host's network. A run that is still attended to, which shows in its agent
// running, is left alone unless it is asked for. It returns what it removed;
// with an error, what it tried to.
func (e *Engine) Sweep(ctx context.Context, o SweepOptions) ([]Swept, error) {
	things, err := e.list(ctx, o.Run)
	if err != nil {
		return nil, err
	}
	if o.Run != "" {
		o.Dead = append(o.Dead, o.Run)
	}
	all := len(things)
	if o.Run == "" && !o.Live {
		things = unattended(things, time.Now())
	}
	alone := o.Run == "" && len(things) == all // no run will be left
	if o.Images {
		images, err := e.listImages(ctx, things)
		if err != nil {
			return nil, err
		}
		things = append(things, images...)
	}
	if !o.DryRun {
		if err = e.sweepThings(ctx, things, o.Dead, alone); err == nil {
			var late []thing
			late, err = e.sweepLate(ctx, o)
			things = append(things, late...)
		}
	}
	var swept []Swept
	for _, t := range things {
		swept = append(swept, Swept{Kind: t.kind, Name: t.name, Run: t.labels[labelRun]})
	}
	return swept, err
}

// sweepLate removes what was not there yet of runs whose program was killed: the
// engine carries out a request that was under way, also when nobody waits for
// its end any more. It returns what there was.
func (e *Engine) sweepLate(ctx context.Context, o SweepOptions) ([]thing, error) {
	if len(o.Dead) == 0 {
		return nil, nil
	}
	things, err := e.list(ctx, o.Run)
	if err != nil {
		return nil, err
	}
	things = slices.DeleteFunc(things, func(t thing) bool { return !slices.Contains(o.Dead, t.labels[labelRun]) })
	if len(things) == 0 {
		return nil, nil
	}
	return things, e.sweepThings(ctx, things, nil, false)
}

// unattended leaves out the runs whose agent runs, or is about to.
func unattended(things []thing, now time.Time) []thing {
	attended := map[string]bool{}
	for _, t := range things {
		if t.labels[labelRole] == roleAgent && (t.running || now.Sub(t.created) < youngAgent) {
			attended[t.labels[labelRun]] = true
		}
	}
	var left []thing
	for _, t := range things {
		if !attended[t.labels[labelRun]] {
			left = append(left, t)
		}
	}
	return left
}

// sweepThings heals and removes. What could not be healed does not matter
// once it could be removed.
func (e *Engine) sweepThings(ctx context.Context, things []thing, dead []string, alone bool) error {
	runs := slices.Clone(dead)
	for _, t := range things {
		if run := t.labels[labelRun]; run != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	isAgent := func(t thing) bool { return t.labels[labelRole] == roleAgent }
	err := e.removeKind(ctx, things, isAgent) // first: it would renew what is taken back
	var healed error
	if len(runs) > 0 {
		healed = e.healLeftovers(ctx, runningNodes(things), runs, alone)
	}
	things = slices.DeleteFunc(slices.Clone(things), isAgent)
	if err := errors.Join(err, e.removeThings(ctx, things)); err != nil {
		return errors.Join(err, healed)
	}
	return nil
}

func runningNodes(things []thing) []thing {
	var nodes []thing
	for _, t := range things {
		if t.running && t.labels[labelRole] == roleNode {
			nodes = append(nodes, t)
		}
	}
	return nodes
}

// healLeftovers lets a throw-away agent heal the nodes that still run, and
// remove the rules of the runs from the host's network. An orchestrator that was
// killed leaves an agent that heals; this is for one that was killed together
// with its agent. Its rules have expired, but their empty table would stay.
// When no run is left, the tables of all are removed.
func (e *Engine) healLeftovers(ctx context.Context, nodes []thing, runs []string, alone bool) error {
	a, err := e.startAgent(ctx, hiring{run: "sweep"})
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range nodes {
		errs = append(errs, e.thaw(ctx, a, t))
	}
	if alone {
		runs = []string{"*"}
	}
	for _, run := range runs {
		_, err := a.ask(ctx, agent.Request{Do: agent.Heal, ID: run})
		errs = append(errs, err)
	}
	return errors.Join(append(errs, a.close(ctx))...)
}

// thaw thaws one node, whoever froze it: a freeze of our own, taken back,
// takes back the other one with it. Old engines cannot remove a frozen node.
func (e *Engine) thaw(ctx context.Context, a *sidecar, t thing) error {
	i, err := e.api.ContainerInspect(ctx, t.id)
	if err != nil {
		return err
	}
	for _, r := range []agent.Request{
		{Do: agent.Register, Node: t.name, Pid: i.State.Pid},
		{Do: agent.Freeze, ID: "sweep", Node: t.name},
		{Do: agent.Thaw, ID: "sweep", Node: t.name},
	} {
		if _, err := a.ask(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// listImages finds the images that we made and that no container will use
// once those in leaving are gone.
func (e *Engine) listImages(ctx context.Context, leaving []thing) ([]thing, error) {
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, failed(err, "", "list containers")
	}
	used := map[string]bool{}
	for _, c := range containers {
		leaves := slices.ContainsFunc(leaving, func(t thing) bool { return t.id == c.ID })
		used[c.ImageID] = used[c.ImageID] || !leaves
	}
	images, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelImage+"=1"))})
	if err != nil {
		return nil, failed(err, "", "list images")
	}
	var things []thing
	for _, i := range images {
		name := i.ID
		if len(i.RepoTags) > 0 {
			name = i.RepoTags[0]
		}
		if !used[i.ID] {
			things = append(things, thing{kind: "image", id: i.ID, name: name})
		}
	}
	return things, nil
}

func (e *Engine) removeImage(ctx context.Context, id string) error {
	_, err := e.api.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
	return err
}
