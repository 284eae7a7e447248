package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// tailLines is how much of a command's output an error shows.
const tailLines = 20

// goTool is the local go command, at work in a directory of its own.
type goTool struct {
	path     string
	dir      string
	version  string
	env      []string
	title    string
	progress func(string)
}

// findGo looks for the go command and prepares it to build static linux
// programs in dir, with the user's own proxy, toolchain and other settings.
func findGo(ctx context.Context, dir, arch string) (goTool, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return goTool{}, failed(err, "install Go from https://go.dev/dl and put it on the PATH, "+
			"or give the scenario an image: that the engine has", "find the go command")
	}
	cmd := exec.CommandContext(ctx, path, "env", "-json", "GOVERSION", "GOFLAGS")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	text, err := cmd.Output()
	if err != nil {
		return goTool{}, fmt.Errorf("go env: %w", err)
	}
	var user struct{ GOVERSION, GOFLAGS string }
	if err := json.Unmarshal(text, &user); err != nil {
		return goTool{}, fmt.Errorf("go env: %w", err)
	}
	return goTool{path: path, dir: dir, version: user.GOVERSION, env: append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GO111MODULE=on", "GOWORK=off", "GOTMPDIR="+dir,
		// The last of several wins, so the user's other flags stay.
		"GOFLAGS="+strings.TrimSpace(user.GOFLAGS+" -mod=mod -buildvcs=false"))}, nil
}

func (g goTool) writeFiles(files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs the go command and says what it is at. The error holds the last
// lines that it printed.
func (g goTool) run(ctx context.Context, phase string, args ...string) error {
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	killWithChildren(cmd)
	cmd.WaitDelay = 5 * time.Second
	seen := &buildOutput{}
	cmd.Stdout, cmd.Stderr = seen, seen
	stop := g.say(phase, seen)
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", phase, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%s: go %s: %w\n%s", phase, args[0], err, seen.tail())
	}
	return nil
}

// say reports the phase at once and then now and again, until stop is called.
func (g goTool) say(phase string, seen *buildOutput) (stop func()) {
	return sayMeanwhile(g.progress, g.title+": "+phase, seen.count)
}

// buildOutput takes what the go command prints: it counts the lines that tell
// of progress and keeps the last of the others.
type buildOutput struct {
	mu         sync.Mutex
	partial    []byte
	downloaded int
	compiled   int
	last       []string
}

// Write takes a piece of output. It never fails.
func (o *buildOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		line, rest, ok := bytes.Cut(o.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		o.partial = rest
		o.line(string(line))
	}
}

func (o *buildOutput) line(s string) {
	switch {
	case strings.HasPrefix(s, "go: downloading "):
		o.downloaded++
	case strings.HasPrefix(s, "go: added "):
	case s != "" && !strings.ContainsAny(s, " :\t"):
		o.compiled++ // go build -v prints the bare path of each package
	default:
		o.last = append(o.last, s)
		o.last = o.last[max(0, len(o.last)-tailLines):]
	}
}

func (o *buildOutput) count() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.compiled > 0:
		return fmt.Sprintf(", %d packages so far", o.compiled)
	case o.downloaded > 0:
		return fmt.Sprintf(", %d so far", o.downloaded)
	}
	return ""
}

// tail is the end of what was printed, without the lines about progress.
func (o *buildOutput) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.last
	if len(o.partial) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(o.partial))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
