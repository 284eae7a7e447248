package cli

import (
	"io/fs"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A run ends when an agent of either dies; a cluster that does not say so would
// go on without faults.
var _, _ runner.Losable = (*docker.Cluster)(nil), (*docker.Fleet)(nil)

// filledSystem has something in every field that docker should hear of.
func filledSystem() scenarios.System {
	return scenarios.System{
		Command: []string{"/abd"}, Env: map[string]string{"A": "b"}, Peers: "{ip}", Data: "/data", Restart: "always", Versions: map[string]string{"n1": "2"},
		Limits: scenarios.Limits{CPUs: 0.5, MemoryBytes: 1 << 20},
		Build: &scenarios.Build{
			Recipe: "abd", Version: "1", Kind: "go", Module: "example.org/m", ModuleVersion: "v1.0.0", Package: "example.org/m/p",
			Replace: []string{"a => b v1"}, Source: []string{"main.go"}, Binary: "/abd",
			Packages: []string{"p"}, Without: []string{"q"}, Files: map[string]string{"/start": "start.sh"},
		},
	}
}

// zeroFields are the names of the fields of a struct that nobody has set.
func zeroFields(v any) []string {
	var out []string
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			out = append(out, value.Type().Field(i).Name)
		}
	}
	return out
}

// Without this a new field could be read from scenarios and never reach docker.
func TestEveryFieldReachesDocker(t *testing.T) {
	p := &runner.Plan{Scenario: &scenarios.Scenario{Name: "s", System: filledSystem()}, Nodes: []string{"n1"},
		Faults: []nemesis.Injection{{Fault: nemesis.FaultDisk}}}
	if zero := zeroFields(specOf("run", "image", map[string]string{"2": "image:2"}, p)); !slices.Equal(zero, []string{"Shared"}) { // which docker.UpFleet fills in
		t.Errorf("docker.Spec: %v are not set", zero)
	}
	images := fstest.MapFS{"abd/main.go": {Data: []byte("package main")}, "abd/start.sh": {Data: []byte("#!/bin/sh")}, "etcd/recipe.yaml": {}}
	build, err := buildOf(p.Scenario.System.Build, images)
	if err != nil {
		t.Fatal(err)
	}
	if zero := zeroFields(build); zero != nil {
		t.Errorf("docker.Build: %v are not set", zero)
	}
	if _, err := fs.Stat(build.Source, "main.go"); err != nil {
		t.Errorf("the source is not that of the recipe: %v", err)
	}
	if build.Files["/start"] != "#!/bin/sh" {
		t.Errorf("the file is not that of the recipe: %q", build.Files)
	}
}

// Without this the source of another recipe could be built for a module.
func TestBuildOfAModuleHasNoSource(t *testing.T) {
	build, err := buildOf(&scenarios.Build{Recipe: "etcd", Module: "example.org/m"}, fstest.MapFS{})
	if err != nil || build.Source != nil {
		t.Errorf("source %v, error %v; want none", build.Source, err)
	}
}
