package scenarios

import (
	"os"
	"path/filepath"
	"testing"
)

// testRecipes are the recipes in testdata: the product's own change with the
// systems they build, and no test here should.
func testRecipes(t testing.TB) Recipes {
	t.Helper()
	files, err := filepath.Glob("testdata/recipes/*/recipe.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recipes in testdata: %v", err)
	}
	out := Recipes{}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		r, err := ParseRecipe(name, readFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = r
	}
	return out
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
