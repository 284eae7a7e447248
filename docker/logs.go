package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	// logLimit is how much is kept of each stream of a node, in bytes.
	logLimit = 64 << 20
	// lastLogLimit is how much of a log's end is shown in an error, in bytes:
	// some systems log very long lines.
	lastLogLimit = 8 << 10
)

// Collect writes for each node dir/<node>/stdout.log, stderr.log (64 MiB of
// each at most) and inspect.json, and the same in before-1, before-2, … for
// containers that it had before it was made anew. It collects what it can: the error tells
// what is missing.
func (c *Cluster) Collect(ctx context.Context, dir string) error {
	return errors.Join(c.each(func(_ int, n *node) error {
		err := c.collect(ctx, n, filepath.Join(dir, n.name))
		return failed(err, "", "collect logs of node %s", n.name)
	})...)
}

func (c *Cluster) collect(ctx context.Context, n *node, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	errs := []error{c.collectInspect(ctx, n.id, dir), c.collectLogs(ctx, n.id, dir)}
	for i, id := range n.former {
		before := filepath.Join(dir, fmt.Sprintf("before-%d", i+1))
		errs = append(errs, os.MkdirAll(before, 0o755), c.collectInspect(ctx, id, before), c.collectLogs(ctx, id, before))
	}
	return errors.Join(errs...)
}

func (c *Cluster) collectInspect(ctx context.Context, id, dir string) error {
	_, raw, err := c.engine.api.ContainerInspectWithRaw(ctx, id, false)
	if err != nil {
		return err
	}
	pretty, err := withoutSecrets(raw)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "inspect.json"), pretty, 0o644)
}

// withoutSecrets is what docker says about a container, without the values of
// its environment: images come with tokens in theirs. Those of the scenario are
// in the plan.
func withoutSecrets(raw []byte) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	if config, ok := all["Config"].(map[string]any); ok {
		if env, ok := config["Env"].([]any); ok {
			for i, v := range env {
				name, _, _ := strings.Cut(fmt.Sprint(v), "=")
				if name != "PATH" {
					env[i] = name + "=(not stored)"
				}
			}
		}
	}
	return json.MarshalIndent(all, "", "  ")
}

func (c *Cluster) collectLogs(ctx context.Context, id, dir string) error {
	stream, err := c.engine.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return err
	}
	defer stream.Close()
	stdout, err := createLog(dir, "stdout.log")
	if err != nil {
		return err
	}
	stderr, err := createLog(dir, "stderr.log")
	if err != nil {
		return errors.Join(err, stdout.Close())
	}
	_, err = stdcopy.StdCopy(&cappedWriter{w: stdout, left: logLimit}, &cappedWriter{w: stderr, left: logLimit}, stream)
	return errors.Join(err, stdout.Close(), stderr.Close())
}

// createLog makes a file that only this user reads: nodes log secrets.
func createLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Follow returns what the node logs from now on, both streams as one, over
// restarts of the node, until ctx is done or the reader is closed.
func (c *Cluster) Follow(ctx context.Context, name string) (io.ReadCloser, error) {
	n := c.node(name)
	if n == nil {
		return nil, fmt.Errorf("there is no node %q", name)
	}
	ctx, cancel := context.WithCancel(ctx)
	o := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Tail: "0"}
	stream, err := c.engine.api.ContainerLogs(ctx, n.id, o)
	if err != nil {
		cancel()
		return nil, failed(err, "", "follow the log of node %s", name)
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.CloseWithError(c.pour(ctx, n, stream, w)) // never fails
	}()
	return &followed{PipeReader: r, stop: func() { cancel(); <-done }}, nil
}

// followAgain is the pause before the log of a node that has ended is followed
// again.
const followAgain = 100 * time.Millisecond

// pour writes a log to w. The engine ends it when the node ends; it is taken up
// again from there until ctx is done.
func (c *Cluster) pour(ctx context.Context, n *node, stream io.ReadCloser, w io.Writer) error {
	for {
		_, err := stdcopy.StdCopy(w, w, stream)
		_ = stream.Close() // it was only read
		if err != nil {
			return err
		}
		since := time.Now().Format(time.RFC3339Nano)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followAgain):
		}
		stream, err = c.engine.api.ContainerLogs(ctx, n.id,
			container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Since: since})
		if err != nil {
			return err
		}
	}
}

// followed is a log that is being followed.
type followed struct {
	*io.PipeReader
	stop func()
}

// Close ends the following and waits until it has ended.
func (f *followed) Close() error {
	err := f.PipeReader.Close()
	f.stop()
	return err
}

// lastLog is the end of what the node logged, on both streams.
func (c *Cluster) lastLog(ctx context.Context, n *node) (string, error) {
	stream, err := c.engine.api.ContainerLogs(ctx, n.id,
		container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: lastLines})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	last := &tailBuffer{limit: lastLogLimit}
	if _, err := stdcopy.StdCopy(last, last, stream); err != nil {
		return "", err
	}
	return strings.TrimSpace(strings.ToValidUTF8(last.String(), "")), nil
}

// A cappedWriter lets through so many bytes and then says once that it drops
// the rest.
type cappedWriter struct {
	w    io.Writer
	left int64
	said bool
}

// Write writes what fits of p and claims to have written all of it.
func (c *cappedWriter) Write(p []byte) (int, error) {
	fits := p[:min(int64(len(p)), c.left)]
	if _, err := c.w.Write(fits); err != nil {
		return 0, err
	}
	c.left -= int64(len(fits))
	if len(fits) == len(p) || c.said {
		return len(p), nil
	}
	c.said = true
	_, err := io.WriteString(c.w, "\n[shakedown: the rest is left out]\n")
	return len(p), err
}
