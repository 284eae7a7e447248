package scenarios

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever is in a file, the answer is a complete scenario or findings that
// can be shown, and never both, a panic or a flood.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/bad-recipes/*.yaml", "*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			f.Add(string(readFile(f, file)), "system.nodes=3")
		}
	}
	recipes := testRecipes(f)
	f.Fuzz(func(t *testing.T, src, set string) {
		s, err := ParseWith("f.yaml", []byte(src), recipes, []string{set})
		checkOutcome(t, s != nil, err)
		if s != nil {
			checkComplete(t, s)
		}
		r, err := ParseRecipe("f", []byte(src))
		checkOutcome(t, r != nil, err)
	})
}

func checkOutcome(t *testing.T, got bool, err error) {
	t.Helper()
	if got == (err != nil) {
		t.Fatalf("got something: %v, and the error is %v", got, err)
	}
	if err == nil {
		return
	}
	found := err.(Diagnostics)
	if len(found) == 0 || len(found) > maxFindings+1 {
		t.Fatalf("%d findings", len(found))
	}
	for _, d := range found {
		if d.Line < 1 || d.Column < 1 || d.Message == "" || len(d.Excerpt) > 4*maxExcerpt {
			t.Fatalf("%+v", d)
		}
		if strings.Count(d.Pointer(), "") > maxExcerpt+2 {
			t.Fatalf("the caret is off the screen: %+v", d)
		}
	}
}

// checkComplete sees that nothing is left for others to fill in.
func checkComplete(t *testing.T, s *Scenario) {
	t.Helper()
	sys, w := s.System, s.Workload
	if s.Name == "" || sys.Nodes < 1 || sys.Ports["client"] < 1 || sys.Ready.Within <= 0 || (sys.Image == "") == (sys.Build == nil) {
		t.Fatalf("incomplete: %+v", s)
	}
	if s.Client.Use == "" || w.Use == "" || w.Clients < 1 || w.Keys < 1 || w.OperationsPerKey < 1 || w.Timeout <= 0 ||
		!slices.ContainsFunc(kindOfWorkload(w.Use).changes, func(f string) bool { return w.Mix[f] > 0 }) {
		t.Fatalf("incomplete: %+v", s)
	}
	if len(s.Phases) == 0 || len(s.Checks) == 0 || s.Settle.HealthyWithin <= 0 || s.Expect == "" {
		t.Fatalf("incomplete: %+v", s)
	}
	for _, p := range s.Phases {
		seen := map[string]bool{}
		for _, f := range p.Faults {
			if f.Name == "" || seen[f.Name] || f.For <= 0 || f.At == nil && f.Every <= 0 || (f.Clock != nil) != (f.Fault == "clock") {
				t.Fatalf("incomplete: %+v", f)
			}
			seen[f.Name] = true
		}
	}
	for _, c := range s.Checks {
		if c.Check == "" || c.Timeout <= 0 || c.Check == "linearizable" && c.Model == "" {
			t.Fatalf("incomplete: %+v", c)
		}
	}
}
