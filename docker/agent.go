package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

const (
	// helloLimit bounds how long a started agent may take to say hello.
	helloLimit = 15 * time.Second
	// lease is after how long a silence an agent at an engine elsewhere takes us
	// for dead, as we do it: on the way there, a connection can break without
	// either end being told.
	lease = 30 * time.Second
	// lastWords bounds the wait for what a dying agent complains of.
	lastWords = time.Second
	// agentTail is how much of what the agent complained of is kept.
	agentTail = 4 << 10
)

// agentHint is for an agent that would not start or speak.
const agentHint = "the agent needs the host's processes and network and some capabilities (never privileged); " +
	"a rootless engine or one with user namespaces cannot give them: shakedown doctor tries each"

// A sidecar is an agent container and the conversation with it.
type sidecar struct {
	engine *Engine
	id     string // of the container
	stdio  *stdio
	conn   *agent.Conn
	// complaints is the end of its standard error.
	complaints *tailBuffer
}

// A hiring says what an agent is started for.
type hiring struct {
	run, scenario string
	// name is that of its container; empty for any.
	name string
	// disks is where the engine's host has the volume of disks; empty for none.
	disks string
	// faults are the kinds that it may be asked for; nil for all.
	faults []string
	// shared says where nodes are that are not on a bridge of this engine's own.
	shared *Shared
}

// startAgent starts an agent in a container. It ends when the sidecar is closed,
// or when this program ends in whatever way: its standard input closes then,
// it heals, exits, and its container removes itself. At an engine elsewhere it
// does so as well when it has heard nothing for the length of a lease.
func (e *Engine) startAgent(ctx context.Context, h hiring) (*sidecar, error) {
	img, err := e.agentImage(ctx)
	if err != nil {
		return nil, err
	}
	during, cancel, err := step(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	config, host := agentContainer(img.Ref, h)
	c, err := e.api.ContainerCreate(during, config, host, nil, nil, h.name)
	if err != nil {
		return nil, failed(err, agentHint, "create the agent")
	}
	a := &sidecar{engine: e, id: c.ID, complaints: &tailBuffer{limit: agentTail}}
	if err := a.launch(ctx, during, h); err != nil {
		return nil, failed(errors.Join(err, a.close(ctx)), agentHint, "start the agent")
	}
	return a, nil
}

// launch attaches to the created container, starts it and exchanges hellos,
// in which it tells the agent the run, by which what it makes can be told, and
// where nodes are.
func (a *sidecar) launch(ctx, during context.Context, h hiring) error {
	stream, err := a.engine.api.ContainerAttach(during, a.id,
		container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return err
	}
	a.stdio = newStdio(stream, a.complaints)
	a.conn = agent.Dial(a.stdio)
	if err := a.engine.api.ContainerStart(during, a.id, container.StartOptions{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	hello := agent.Request{Do: agent.Hello, ID: h.run, Apart: h.shared != nil, Host: h.shared.ofHosts()}
	if a.engine.elsewhere() {
		hello.Lease = lease
		a.conn.KeepAlive(lease)
	}
	_, err = a.ask(ctx, hello)
	return err
}

func agentContainer(image string, h hiring) (*container.Config, *container.HostConfig) {
	host := &container.HostConfig{
		PidMode: "host", NetworkMode: "host", CgroupnsMode: "host",
		CapDrop: []string{"ALL"}, CapAdd: capabilities(h.faults, h.shared != nil),
		SecurityOpt:    []string{"seccomp=unconfined", "apparmor=unconfined"},
		ReadonlyRootfs: true,
		AutoRemove:     true,
		LogConfig:      container.LogConfig{Type: "none"},
		Mounts:         []mount.Mount{{Type: mount.TypeBind, Source: "/sys/fs/cgroup", Target: "/sys/fs/cgroup"}},
		Tmpfs:          map[string]string{"/tmp": ""},
	}
	if h.disks != "" {
		withDisks(host, h.disks)
	}
	return &container.Config{
		Image:     image,
		Labels:    labels(h.run, h.scenario, labelRole, roleAgent),
		OpenStdin: true, StdinOnce: true,
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
	}, host
}

// ask sends one request and waits for the answer. What the agent complained
// of is added to the error of one that is gone.
func (a *sidecar) ask(ctx context.Context, r agent.Request) (agent.Reply, error) {
	reply, err := a.conn.Do(ctx, r)
	if errors.Is(err, agent.ErrGone) {
		select { // until all that it said has come
		case <-a.stdio.done:
		case <-time.After(lastWords):
		}
		if said := strings.TrimSpace(a.complaints.String()); said != "" {
			err = fmt.Errorf("%w; its last words: %s", err, said)
		}
	}
	return reply, err
}

// close ends the agent, upon which it heals everything, and removes its
// container.
func (a *sidecar) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downLimit)
	defer cancel()
	if a.conn != nil {
		_ = a.conn.Close() // of a connection that is being given up
	}
	return a.engine.removeOne(ctx, thing{kind: "container", id: a.id, name: "of the agent"})
}

// AskOnce starts an agent, sends it one request, and removes it. It is for
// questions that need no cluster, such as [agent.Probe]; run, "doctor" for
// example, is what the agent's container is labelled with.
func (e *Engine) AskOnce(ctx context.Context, run string, r agent.Request) (agent.Reply, error) {
	a, err := e.startAgent(ctx, hiring{run: run})
	if err != nil {
		return agent.Reply{}, err
	}
	reply, err := a.ask(ctx, r)
	return reply, failed(errors.Join(err, a.close(ctx)), "", "ask the agent to %s", r.Do)
}

// stdio is an attached container's standard input and output as one stream.
type stdio struct {
	stream types.HijackedResponse
	out    *io.PipeReader
	done   chan struct{} // closed when nothing is taken apart any more
}

// newStdio takes apart what comes on stream: standard output to read, and
// standard error into complaints.
func newStdio(stream types.HijackedResponse, complaints io.Writer) *stdio {
	r, w := io.Pipe()
	s := &stdio{stream: stream, out: r, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_, err := stdcopy.StdCopy(w, complaints, stream.Reader)
		_ = w.CloseWithError(err) // never fails
	}()
	return s
}

// Read reads the container's standard output.
func (s *stdio) Read(p []byte) (int, error) { return s.out.Read(p) }

// Write writes to the container's standard input.
func (s *stdio) Write(p []byte) (int, error) { return s.stream.Conn.Write(p) }

// Close detaches, which closes the container's standard input, and waits
// until nothing is read from it any more.
func (s *stdio) Close() error {
	err := s.stream.Conn.Close()
	_ = s.out.Close() // never fails
	<-s.done
	return err
}

// A tailBuffer keeps the last limit bytes written to it.
type tailBuffer struct {
	limit int
	mu    sync.Mutex
	kept  []byte
}

// Write keeps the end of p. It never fails.
func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-t.limit):]
	return len(p), nil
}

// String returns what was kept.
func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
