package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	if strings.HasPrefix(filepath.Base(os.Args[0]), "agent-") {
		main() // it was put on a host, under this name
		return
	}
	testscript.Main(m, map[string]func(){"shakedown": main})
}

// Without this every flag, message and exit code could change unseen.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               passThrough,
		Condition: func(name string) (bool, error) {
			switch name {
			case "docker":
				return haveDocker(t), nil
			case "root":
				return os.Getuid() == 0, nil
			}
			return false, errors.New("unknown condition " + name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exitsWith, "chop": chop, "await": await, "runid": runID, "smalldisk": smallDisk,
		},
	})
}

// passThrough hands on what the scripts' own environment hides: where docker
// is, and what the go command needs to build a node's image.
func passThrough(e *testscript.Env) error {
	for _, name := range []string{"DOCKER_HOST", "HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "SHAKEDOWN_AGENT"} {
		if value, there := os.LookupEnv(name); there {
			e.Setenv(name, value)
		}
	}
	return nil
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

// awaitLimit is how long await waits: image, nodes and health on a busy machine.
const awaitLimit = 3 * time.Minute

// await waits until a file has a line that matches: "await FILE REGEXP".
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	for deadline := time.Now().Add(awaitLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s does not match %s after %v", args[0], args[1], awaitLimit)
}

// runID sets RUN to the id of the latest run: "runid [FOLDER]". Scripts clean
// up after their own runs by it, since others may use the same engine. What a
// script that fails leaves behind is removed too.
func runID(ts *testscript.TestScript, neg bool, args []string) {
	root := "runs"
	if len(args) == 1 {
		root = args[0]
	}
	link, err := os.Readlink(ts.MkAbs(root + "/latest"))
	ts.Check(err)
	id := filepath.Base(link)
	ts.Setenv("RUN", id)
	ts.Defer(func() { sweep(ts, id) })
}

func sweep(ts *testscript.TestScript, id string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := docker.Open(ctx)
	if err != nil {
		ts.Logf("sweep run %s: %v", id, err)
		return
	}
	defer e.Close()
	if _, err := e.Sweep(ctx, docker.SweepOptions{Run: id}); err != nil {
		ts.Logf("sweep run %s: %v", id, err)
	}
}

// smallDisk mounts a file system of its own on a folder: "smalldisk FOLDER SIZE".
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: smalldisk FOLDER SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(exec.Command("mount", "-t", "tmpfs", "-o", "size="+args[1], "tmpfs", dir).Run())
	ts.Defer(func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			ts.Logf("umount %s: %v", dir, err)
		}
	})
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
