package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// waitedFor are commands that a person waits for; each is to say something
// within 100 ms.
func waitedFor() []string {
	return []string{
		"version", "--help", "list", "list faults", "list checks", "list systems", "list workloads", "list scenarios --json",
		"explain partition", "explain", "schema", "man", "completion bash", "__complete run e", "__complete show ",
		"plan etcd-storm", "plan etcd-hurricane --json", "validate etcd-storm", "init -", "nonsense",
	}
}

// built is the command as users have it, without the tests.
func built(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "shakedown")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// firstByte runs the command until it says something, and then to its end.
func firstByte(b *testing.B, program string, args []string) {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	_ = w.Close() // the command has its own
	if n, err := r.Read(make([]byte, 1)); n != 1 {
		b.Fatalf("%v says nothing: %v", args, err)
	}
	b.StopTimer()
	_, _ = io.Copy(io.Discard, r)
	_ = c.Wait() // what it thinks of its arguments is not the question
	b.StartTimer()
}

// The figure to keep: the first output of each command within 100 ms.
func BenchmarkFirstOutput(b *testing.B) {
	program := built(b)
	b.Chdir(b.TempDir())
	for _, line := range waitedFor() {
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				firstByte(b, program, strings.Split(line, " "))
			}
		})
	}
}

// The figure to keep: 10 000 runs listed within 200 ms, from the second time on.
func BenchmarkListRuns(b *testing.B) {
	program := built(b)
	b.Chdir(b.TempDir())
	old := time.Now().Add(-time.Hour)
	for i := range 10_000 {
		f, err := store.Create("runs", old, fmt.Sprint("storm-", i%10), func() uint64 { return uint64(i) })
		if err != nil {
			b.Fatal(err)
		}
		for name, v := range map[string]any{
			store.RunFile:    store.RunInfo{Format: store.Format, Started: old, Seed: uint64(i)},
			store.ResultFile: store.Result{Format: store.Format, Verdict: checkers.Valid, Expect: "valid"},
		} {
			text, err := json.Marshal(v)
			if err == nil {
				err = os.WriteFile(filepath.Join(f.Path(), name), text, 0o600) // not down to the disk, as WriteJSON would
			}
			if err == nil {
				err = os.Chtimes(filepath.Join(f.Path(), name), old, old)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := os.Chtimes(f.Path(), old, old); err != nil {
			b.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "list", "runs").Output(); err != nil || strings.Count(string(out), "\n") != 10_000 {
		b.Fatalf("%v: %d lines", err, strings.Count(string(out), "\n"))
	}
	for b.Loop() {
		if err := exec.Command(program, "list", "runs").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
