package images

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// TestEverythingIsEmbedded compares what is embedded and what the recipes name
// with what lies in their folders.
func TestEverythingIsEmbedded(t *testing.T) {
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		found++
		var recipe struct {
			Build struct{ Source []string }
		}
		text, err := fs.ReadFile(FS(), path.Join(f.Name(), "recipe.yaml"))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := yaml.Unmarshal(text, &recipe); err != nil {
			t.Error(err)
		}
		slices.Sort(recipe.Build.Source)
		sources := goFiles(t, os.DirFS(f.Name()))
		if diff := cmp.Diff(sources, recipe.Build.Source); diff != "" {
			t.Errorf("%s: the recipe does not name the sources beside it:\n%s", f.Name(), diff)
		}
		sub, err := fs.Sub(FS(), f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sources, goFiles(t, sub)); diff != "" {
			t.Errorf("%s: not all sources are embedded:\n%s", f.Name(), diff)
		}
	}
	if found < 2 {
		t.Errorf("only %d recipes were found", found)
	}
}

func goFiles(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	names, err := fs.Glob(fsys, "*.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, "_test.go") })
}
