package scenarios

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionOfPackages(t *testing.T) {
	for version, want := range map[string]string{"": "15", `, version: "17"`: "17"} {
		src := `{version: 1, name: x, system: {use: db` + version + `},
  phases: [{name: calm, for: 10s}], workload: {use: register}, checks: [{check: linearizable, model: register}]}`
		s, err := Parse("x.yaml", []byte(src), testRecipes(t))
		if err != nil {
			t.Fatal(err)
		}
		build := &Build{Recipe: "db", Version: want, Kind: "debian", Binary: "/start",
			Packages: []string{"db-{version}", "dash"}, Without: []string{"*perl*"}, Files: map[string]string{"/start": "start.sh"}}
		if diff := cmp.Diff(build, s.System.Build); diff != "" || s.System.Version != want {
			t.Errorf("%s: %s", s.System.Version, diff)
		}
		if diff := cmp.Diff([]string{"/start"}, s.System.Command); diff != "" {
			t.Error(diff)
		}
	}
}
