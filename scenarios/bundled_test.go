package scenarios

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A bundled scenario that does not parse is a program that does not run.
func TestBundledScenariosParse(t *testing.T) {
	files, err := fs.Glob(Bundled(), "*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("bundled are %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			src, err := fs.ReadFile(Bundled(), file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse("scenarios/"+file, src, testRecipes(t))
			if err != nil {
				t.Fatalf("\n%v", err)
			}
			if s.Name != strings.TrimSuffix(file, ".yaml") {
				t.Errorf("%s holds the scenario %q; a scenario is found by its name", file, s.Name)
			}
			if s.About == "" || len(s.Tags) == 0 {
				t.Error("about and tags are what a reader chooses by")
			}
		})
	}
}

// Every kind of fault has a scenario in which it is done to etcd, which must
// stand it, and in which it must take hold.
func TestEveryFaultHasAScenario(t *testing.T) {
	files, err := fs.Glob(Bundled(), "etcd-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		src, err := fs.ReadFile(Bundled(), file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse("scenarios/"+file, src, testRecipes(t))
		if err != nil || s.Expect != "valid" || !s.Earned.EveryFaultTookHold {
			continue // TestBundledScenariosParse tells what is wrong
		}
		for _, p := range s.Phases {
			for _, f := range p.Faults {
				shown[f.Fault] = true
			}
		}
	}
	for _, w := range Faults() {
		if !shown[w.Name] {
			t.Errorf("no scenario shows %s on etcd", w.Name)
		}
	}
}

// The recipes that come with the program are read by the same rules.
func TestRecipesOfTheProductParse(t *testing.T) {
	files, err := filepath.Glob("../docker/images/*/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there is no ../docker/images/*/recipe.yaml")
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		if _, err := ParseRecipe(name, readFile(t, file)); err != nil {
			t.Errorf("\n%v", err)
		}
	}
}
