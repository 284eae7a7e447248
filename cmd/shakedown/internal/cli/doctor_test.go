package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// Without this the doctor could call a machine well that cannot make a fault,
// or ill for want of a way that it does not need.
func TestAbilities(t *testing.T) {
	for _, test := range []struct {
		ability agent.Ability
		another bool
		status  string
		detail  string
	}{
		{agent.Ability{Fault: "pause", Backend: "freezer, cgroup v1", OK: true, Detail: "tried"}, true, wellOK, "freezer, cgroup v1: tried"},
		{agent.Ability{Fault: "pause", Detail: "no freezer", Hint: "mount it"}, true, wellWarn, "no freezer"},
		{agent.Ability{Fault: "clock", Detail: "no vDSO"}, false, wellFailed, "no vDSO"},
	} {
		got := abilitySymptom(test.ability, test.another)
		want := symptom{test.ability.Fault, test.status, test.detail, test.ability.Hint}
		if got != want {
			t.Errorf("%+v: %+v, want %+v", test.ability, got, want)
		}
	}
}

// Without this a warning could fail a CI job, or a failure pass one.
func TestDiagnosis(t *testing.T) {
	for status, want := range map[string]int{wellOK: 0, wellWarn: 0, wellFailed: 3} {
		if got := diagnosis([]symptom{{Status: wellOK}, {Status: status}}); got != want {
			t.Errorf("with one %s the exit code is %d, want %d", status, got, want)
		}
	}
}

// Without this the doctor would call the image of the program ill, in which there
// is no Go, though it runs what the engine has; or Go well that does not work.
func TestToolchainIsNotThere(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if s := toolchain(t.Context()); s.Status != wellWarn || !strings.Contains(s.Hint, "image:") {
		t.Errorf("without Go: %+v", s)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s := toolchain(t.Context()); s.Status != wellFailed {
		t.Errorf("with a go command that fails: %+v", s)
	}
}

// Without this a password could be pasted into a bug report.
func TestProxyWithoutPasswords(t *testing.T) {
	for in, want := range map[string]string{
		"https://proxy.example.org,direct":                          "https://proxy.example.org,direct",
		"https://me:secret@a.example.org|http://token@b.org,direct": "https://…@a.example.org|http://…@b.org,direct",
		"off": "off",
	} {
		if got := withoutPasswords(in); got != want {
			t.Errorf("withoutPasswords(%q) = %q, want %q", in, got, want)
		}
	}
}

// Without this a machine whose memory cannot be told could be called short of it.
func TestAvailableMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	for text, want := range map[string]uint64{
		"MemTotal: 9 kB\nMemAvailable:    2048 kB\n": 2 << 20,
		"MemTotal: 9 kB\n":                           0,
		"MemAvailable: lots kB\n":                    0,
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, ok := availableMemory(file)
		if got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, ok, want)
		}
	}
	if _, ok := availableMemory(file + ".none"); ok {
		t.Error("memory is told from a file that is not there")
	}
}

// Without this a line of the doctor could lose its word, its hint, or be two.
func TestPrintSymptoms(t *testing.T) {
	var b strings.Builder
	r := &root{env: Env{Stdout: &b, Getenv: func(string) string { return "" }}}
	r.printSymptoms([]symptom{{"docker", wellFailed, "it does\nnot answer", "start it"}, {Name: "cpu", Status: wellOK, Detail: "2"}})
	want := "failed  docker     it does not answer\n                    hint: start it\nok      cpu        2\n"
	if b.String() != want {
		t.Errorf("printed %q, want %q", b.String(), want)
	}
	if s := disk(filepath.Join(t.TempDir(), "none")); s.Status != wellWarn {
		t.Errorf("a folder that is not there: %+v, want a warning", s)
	}
}
