package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// execLimit is how much of a command's output is read, in bytes.
const execLimit = 64 << 10

// Exec runs a command in a node and returns what it printed, 64 KiB at most,
// both streams in one. A command that ends with another code than 0 is an
// error, as is one that the node's image does not have.
func (c *Cluster) Exec(ctx context.Context, name string, command []string) (string, error) {
	n := c.node(name)
	if n == nil {
		return "", failed(errors.New("there is no such node"), "", "run %q on node %s", command, name)
	}
	out, err := c.exec(ctx, n.id, command)
	return out, failed(err, execHint(err), "run %q on node %s", command, name)
}

func (c *Cluster) exec(ctx context.Context, id string, command []string) (string, error) {
	made, err := c.engine.api.ContainerExecCreate(ctx, id, container.ExecOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return "", err
	}
	stream, err := c.engine.api.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, stream.Close) // or reading would not end with ctx
	defer stop()
	raw, err := io.ReadAll(io.LimitReader(stream.Reader, execLimit))
	out := printed(raw)
	if ctx.Err() != nil {
		return out, fmt.Errorf("it has not ended: %w", context.Cause(ctx))
	}
	if err != nil {
		return out, err
	}
	i, err := c.engine.api.ContainerExecInspect(ctx, made.ID)
	if err != nil {
		return out, err
	}
	if i.ExitCode != 0 {
		return out, fmt.Errorf("it ended with exit code %d: %s", i.ExitCode, strings.TrimSpace(out))
	}
	return out, nil
}

// printed is what a command printed, of both streams. What the engine itself
// has to say, of a command that could not be started, comes as it is.
func printed(raw []byte) string {
	var out strings.Builder
	_, err := stdcopy.StdCopy(&out, &out, bytes.NewReader(raw)) // which ends anywhere, by the limit
	if err != nil && out.Len() == 0 {
		return string(raw)
	}
	return out.String()
}

func execHint(err error) string {
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "no such file"), strings.Contains(err.Error(), "executable file not found"), strings.Contains(err.Error(), "code 127"), strings.Contains(err.Error(), "code 126"):
		return "the node's image does not have that command: run it on the orchestrator, make an HTTP call, or use an image that has it"
	case strings.Contains(err.Error(), "paused"), strings.Contains(err.Error(), "not running"):
		return "a command can only run on a node that runs"
	}
	return ""
}
