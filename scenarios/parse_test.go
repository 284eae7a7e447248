package scenarios

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden compares got with the file, or rewrites the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
		t.Errorf("%s differs; rewrite with -update and read it (-want +got):\n%s", file, diff)
	}
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the expected files in testdata")
	os.Exit(m.Run())
}

func glob(t *testing.T, pattern string, atLeast int) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < atLeast {
		t.Fatalf("%s: %d files, %v; expected at least %d", pattern, len(files), err, atLeast)
	}
	return files
}

// What a scenario says, and every default, arrives in the Scenario.
func TestValid(t *testing.T) {
	for _, file := range glob(t, "testdata/valid-*.yaml", 5) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Parse(file, readFile(t, file), testRecipes(t))
			if err != nil {
				t.Fatalf("\n%v", err)
			}
			got, err := json.MarshalIndent(s, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", string(got)+"\n")
		})
	}
}

// Every rule has an offender, and what the user then reads is in a file that
// can be read too.
func TestInvalid(t *testing.T) {
	for _, file := range glob(t, "testdata/invalid-*.yaml", 40) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Parse(file, readFile(t, file), testRecipes(t))
			if err == nil || s != nil {
				t.Fatalf("accepted: %v, %v", s, err)
			}
			checkFindings(t, file, err)
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestInvalidRecipes(t *testing.T) {
	for _, file := range glob(t, "testdata/bad-recipes/*.yaml", 9) {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			r, err := ParseRecipe(name, readFile(t, file))
			if err == nil || r != nil {
				t.Fatalf("accepted: %v, %v", r, err)
			}
			checkFindings(t, "docker/images/"+name+"/recipe.yaml", err)
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// checkFindings sees that all findings can be shown and stand in order.
func checkFindings(t *testing.T, path string, err error) {
	t.Helper()
	found, ok := err.(Diagnostics)
	if !ok || len(found) == 0 {
		t.Fatalf("the error is no Diagnostics but %T", err)
	}
	line := 0
	for _, d := range found {
		if d.Path != path || d.Line < 1 || d.Column < 1 || d.Message == "" {
			t.Errorf("a finding without its place or message: %+v", d)
		}
		if d.Line < line {
			t.Errorf("line %d comes after line %d", d.Line, line)
		}
		line = d.Line
		if strings.ContainsAny(d.Excerpt+d.Summary(), "\n\r\x00\x07\x1b") {
			t.Errorf("%q would do things to a terminal", d.String())
		}
	}
}

// A file too large is not looked at: no list of its mistakes.
func TestTooLarge(t *testing.T) {
	_, err := Parse("x.yaml", make([]byte, maxFile+1), nil)
	want := "x.yaml:1:1: the file has 1048577 bytes, which is too much for a scenario; at most 1048576 are read"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Without any recipe, a system must come from an image, and the message does
// not suggest what is not there.
func TestWithoutRecipes(t *testing.T) {
	_, err := Parse("x.yaml", []byte("version: 1\nname: x\nsystem: {use: etcd}\nphases: [{name: a, for: 1s}]\n"), nil)
	want := "x.yaml:3:15: system.use: unknown system \"etcd\"\n    system: {use: etcd}\n                  ^"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A scenario must not write into the recipe that the next one reads.
func TestRecipeStaysAsItWas(t *testing.T) {
	recipes := testRecipes(t)
	before, err := json.Marshal(recipes)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range glob(t, "testdata/valid-*.yaml", 5) {
		s, err := Parse(file, readFile(t, file), recipes)
		if err != nil {
			t.Fatal(err)
		}
		if s.System.Build != nil {
			s.System.Build.Version = "changed"
		}
		for i := range s.System.Command {
			s.System.Command[i] = "changed"
		}
		if s.System.Ports != nil {
			s.System.Ports["changed"] = 1
		}
	}
	after, err := json.Marshal(recipes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the recipes changed (-before +after):\n%s", diff)
	}
}

// The line of a fault is what a report points to.
func TestFaultKnowsItsLine(t *testing.T) {
	s, err := Parse("x.yaml", readFile(t, "testdata/valid-everything.yaml"), testRecipes(t))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(readFile(t, "testdata/valid-everything.yaml")), "\n")
	for _, f := range s.Phases[1].Faults {
		if !strings.Contains(lines[f.Place.Line-1], "fault: "+f.Fault) {
			t.Errorf("%s is not in line %d: %s", f.Name, f.Place.Line, lines[f.Place.Line-1])
		}
	}
}
