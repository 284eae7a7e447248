package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// imageOf makes the image that a plan needs, unless the scenario names one.
func imageOf(ctx context.Context, e *docker.Engine, images fs.FS, p *runner.Plan, progress func(string)) (docker.Image, error) {
	b := p.Scenario.System.Build
	if b == nil {
		return docker.Image{Ref: p.Scenario.System.Image}, nil
	}
	build, err := buildOf(b, images)
	if err != nil {
		return docker.Image{}, err
	}
	return e.Image(ctx, build, progress)
}

// furtherImages makes the images of all versions that the plan needs besides
// its own, before anything starts.
func furtherImages(ctx context.Context, e *docker.Engine, images fs.FS, p *runner.Plan, progress func(string)) (map[string]string, error) {
	out := map[string]string{}
	s := p.Scenario.System
	for _, version := range s.VersionNames() {
		if s.Builds[version] == nil {
			out[version] = version // it is the name of an image
			if err := e.EnsureImage(ctx, version, progress); err != nil {
				return nil, err
			}
			continue
		}
		build, err := buildOf(s.Builds[version], images)
		if err != nil {
			return nil, err
		}
		img, err := e.Image(ctx, build, progress)
		if err != nil {
			return nil, err
		}
		out[version] = img.Ref
	}
	return out, nil
}

// buildOf says to docker how a scenario's image is made. The sources and files
// of a recipe lie beside it.
func buildOf(b *scenarios.Build, images fs.FS) (docker.Build, error) {
	out := docker.Build{
		Recipe: b.Recipe, Version: b.Version,
		Module: b.Module, ModuleVersion: b.ModuleVersion, Package: b.Package, Replace: b.Replace, Binary: b.Binary,
		Packages: b.Packages, Without: b.Without,
	}
	for place, name := range b.Files {
		text, err := fs.ReadFile(images, path.Join(b.Recipe, name))
		if err != nil {
			return out, fmt.Errorf("read a file of %s: %w", b.Recipe, err)
		}
		if out.Files == nil {
			out.Files = map[string]string{}
		}
		out.Files[place] = string(text)
	}
	if len(b.Source) == 0 {
		return out, nil
	}
	sources, err := fs.Sub(images, b.Recipe)
	if err != nil {
		return out, fmt.Errorf("read the source of %s: %w", b.Recipe, err)
	}
	out.Source = sources
	return out, nil
}

// specOf says to docker which nodes a plan wants.
func specOf(run, image string, further map[string]string, p *runner.Plan) docker.Spec {
	s := p.Scenario.System
	return docker.Spec{
		Run: run, Scenario: p.Scenario.Name, Nodes: p.Nodes,
		Image: image, Versions: s.Versions, Images: further, Command: s.Command, Env: s.Env, Peers: s.Peers, Data: s.Data, FaultyDisk: p.HurtsDisks(), Restart: s.Restart,
		CPUs: s.Limits.CPUs, MemoryBytes: s.Limits.MemoryBytes, Faults: kindsOf(p),
	}
}

// kindsOf are the kinds of faults that a plan holds; not nil if it holds none.
func kindsOf(p *runner.Plan) []string {
	kinds := []string{}
	for _, f := range p.Faults {
		if !slices.Contains(kinds, f.Fault) {
			kinds = append(kinds, f.Fault)
		}
	}
	return kinds
}
