package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// offenders are files that break one rule each, by the name of the rule. Those
// in testdata/tidy begin with a line "// as PATH", which says where they
// pretend to stand, and mark the lines that must be complained of with "// bad".
func offenders(t *testing.T) map[string]goFile {
	t.Helper()
	out := map[string]goFile{
		"long-function": parse(t, "history/long.go", []byte("package history\n\nfunc long() { // bad\n"+strings.Repeat("\tlong()\n", maxFunction-1)+"}\n")),
		"long-file":     parse(t, "history/long.go", []byte("package history // bad\n"+strings.Repeat("\n", maxFile))),
	}
	files, err := filepath.Glob(filepath.Join("testdata", "tidy", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		as, found := strings.CutPrefix(strings.SplitN(string(text), "\n", 2)[0], "// as ")
		if !found {
			t.Fatalf("%s does not say where it pretends to stand", file)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".go")] = parse(t, as, text)
	}
	return out
}

// Without this a rule could be blind and nobody would know.
func TestTidyFindsOffenders(t *testing.T) {
	all := offenders(t)
	for name, rule := range rules() {
		f, ok := all[name]
		if !ok {
			t.Errorf("rule %s has no offender", name)
			continue
		}
		var want, got []int
		for i, line := range strings.Split(f.text, "\n") {
			if strings.Contains(line, "// bad") {
				want = append(want, i+1)
			}
		}
		for _, c := range rule(f) {
			got = append(got, c.line)
		}
		slices.Sort(got)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("rule %s complains of the lines %v of its offender, want %v", name, got, want)
		}
	}
}

// Without this the walls could be one line off, in the direction that annoys.
func TestTidyAllowsUpToTheWall(t *testing.T) {
	function := parse(t, "history/long.go", []byte("package history\n\nfunc long() {\n"+strings.Repeat("\tlong()\n", maxFunction-2)+"}\n"))
	if got := longFunctions(function); got != nil {
		t.Errorf("a function of %d lines is complained of: %v", maxFunction, got)
	}
	file := parse(t, "history/long.go", []byte("package history\n"+strings.Repeat("\n", maxFile-1)))
	if got := longFile(file); got != nil {
		t.Errorf("a file of %d lines is complained of: %v", maxFile, got)
	}
}

// Without this a stray folder at the top could go unseen.
func TestTidyTopLevelFindsOffenders(t *testing.T) {
	got := topLevel([]string{".git", "runs", "a", "stray"}, []string{"a", "b"})
	want := []string{"stray has no place at the top level", "b is missing at the top level"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
