package main

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	checks "github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/runner/workload"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// Without this the catalog could promise what no package has, or hide what one has.
func TestCatalogIsComplete(t *testing.T) {
	c := catalog()
	var known, clients, recipes []string
	for _, k := range checks.Names() {
		known = append(known, k.Name)
	}
	for _, d := range c.Clients {
		clients = append(clients, d.Name)
	}
	files, err := fs.Glob(c.Images, "*/recipe.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recipe is embedded: %v", err)
	}
	for _, f := range files {
		recipes = append(recipes, f[:len(f)-len("/recipe.yaml")])
	}
	for _, test := range []struct {
		kind      string
		got, want []string
	}{
		{"checks", c.Checks, known},
		{"clients", clients, words(scenarios.Clients())},
		{"recipes", c.Recipes, recipes},
		{"faults", c.Faults, words(scenarios.Faults())},
		{"workloads", c.Workloads, words(scenarios.Workloads())},
	} {
		if diff := cmp.Diff(sorted(test.want), sorted(test.got)); diff != "" {
			t.Errorf("%s (-known +in the catalog):\n%s", test.kind, diff)
		}
	}
}

// Without this a scenario could name a check that no checker carries out.
func TestScenarioChecksAreKnown(t *testing.T) {
	for _, w := range scenarios.Checks() {
		if !slices.Contains(catalog().Checks, w.Name) {
			t.Errorf("scenarios can ask for the check %q, which is not in the catalog", w.Name)
		}
	}
}

// Without this a scenario could set an option that its check does not have, or
// not set one that it has. Those about the beginning are filled in.
func TestScenarioChecksHaveTheirOptions(t *testing.T) {
	known := map[string]checks.Known{}
	for _, k := range checks.Names() {
		known[k.Name] = k
	}
	for _, w := range scenarios.Checks() {
		var want []string
		k := known[w.Name]
		for _, o := range k.Options {
			if o.Name != "initial" && o.Name != "permits" {
				want = append(want, o.Name)
			}
		}
		if len(k.Models) > 0 {
			want = append(want, "model")
		}
		if len(k.Levels) > 0 {
			want = append(want, "isolation")
			if diff := cmp.Diff(sorted(k.Levels), sorted(scenarios.Levels())); diff != "" {
				t.Errorf("levels of %s (-known +in scenarios):\n%s", w.Name, diff)
			}
		}
		if diff := cmp.Diff(sorted(want), sorted(scenarios.CheckOptions(w.Name))); diff != "" {
			t.Errorf("options of %s (-known +in scenarios):\n%s", w.Name, diff)
		}
	}
	for _, w := range scenarios.Models() {
		if !slices.Contains(known["linearizable"].Models, w.Name) && !slices.Contains(known["invariant"].Models, w.Name) {
			t.Errorf("no check knows the model %q", w.Name)
		}
	}
}

// Without this a workload could be named that nothing makes, or be made for
// which a check was left out.
func TestWorkloadsAreMade(t *testing.T) {
	var made []string
	for _, k := range workload.Kinds() {
		made = append(made, k.Name)
	}
	if diff := cmp.Diff(words(scenarios.Workloads()), made); diff != "" {
		t.Errorf("workloads (-in scenarios +made):\n%s", diff)
	}
}

func words(all []scenarios.Word) []string {
	var out []string
	for _, w := range all {
		out = append(out, w.Name)
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
