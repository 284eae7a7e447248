package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shakedown-dev/shakedown/docker"
)

// The scripts in testdata/script are the specification of the command line:
// one file a command, or a kind of mistake. To have to change one is to have
// broken somebody's script.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"shakedown": main})
}

// Without this every flag, message and exit code could change unseen.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exitsWith,
			"chop":  chop,
		},
		Condition: func(name string) (bool, error) {
			if name == "docker" {
				return haveDocker(t), nil
			}
			return false, errors.New("unknown condition " + name)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("DOCKER_HOST", os.Getenv("DOCKER_HOST"))
			return nil
		},
	})
}

// exitsWith runs a command and demands its exit code, which ! cannot: "exits 4
// shakedown run". What it printed can be matched afterwards.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s did not run: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", args[1], got, want)
	}
}

// chop takes the newline from the end of a file, as if its writer had been
// killed in the middle of the last line: "chop history.jsonl".
func chop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: chop FILE")
	}
	file := ts.MkAbs(args[0])
	text := strings.TrimSuffix(ts.ReadFile(file), "\n")
	ts.Check(os.WriteFile(file, []byte(text), 0o644))
}

// haveDocker tells whether there is an engine to run on. Where one is required,
// that there is none is a failure, so that nobody takes a skip for a pass.
func haveDocker(t *testing.T) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := docker.Open(ctx)
	switch {
	case err == nil:
		_ = e.Close() // nothing was done with it
	case os.Getenv("SHAKEDOWN_REQUIRE_DOCKER") == "1":
		t.Errorf("docker is required here: %v", err)
	}
	return err == nil
}
