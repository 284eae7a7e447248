package main

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	checks "github.com/shakedown-dev/shakedown/checkers/catalog"
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

func words(all []scenarios.Word) []string {
	var out []string
	for _, w := range all {
		out = append(out, w.Name)
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
