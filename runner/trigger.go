package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

const (
	// countEvery is how often the ended operations are counted for a trigger.
	countEvery = time.Millisecond
	// probeEvery is the pause between two questions of a trigger, and
	// probeWithin how long one may take.
	probeEvery  = 50 * time.Millisecond
	probeWithin = 2 * time.Second
	// shownLine is how much of a line that set off a trigger is quoted.
	shownLine = 160
)

// A LogFollower is a cluster that can show what a node logs while it logs it.
type LogFollower interface {
	// Follow returns what the node logs from now on, on both streams, until
	// ctx is done or the reader is closed. It goes on over a restart.
	Follow(ctx context.Context, node string) (io.ReadCloser, error)
}

// await waits for the trigger of a fault.
func (r *run) await(ctx context.Context, t nemesis.Trigger) (string, error) {
	switch {
	case t.Ops > 0:
		return r.awaitOps(ctx, int64(t.Ops))
	case t.InFlight != "":
		return r.awaitFlight(ctx, t)
	case t.Log != "":
		return r.awaitLog(ctx, t)
	case t.Probe != nil:
		return r.awaitProbe(ctx, t)
	}
	return "", errors.New("it waits for nothing")
}

func (r *run) awaitOps(ctx context.Context, want int64) (string, error) {
	ended := func() int64 { return r.rec.ok.Load() + r.rec.fail.Load() + r.rec.info.Load() }
	before := ended()
	for {
		n := ended() - before
		if n >= want {
			return fmt.Sprintf("%d operations had ended", n), nil
		}
		if !pauseFor(ctx, countEvery) {
			return "", fmt.Errorf("only %d operations ended in that time", n)
		}
	}
}

func (r *run) awaitFlight(ctx context.Context, t nemesis.Trigger) (string, error) {
	seen, leave := r.flights.wait(t.InFlight, t.Node)
	defer leave()
	select {
	case op := <-seen:
		return fmt.Sprintf("%s #%d was under way on %s", op.F, op.Index, op.Node), nil
	case <-ctx.Done():
		return "", fmt.Errorf("no %s was sent in that time", t.InFlight)
	}
}

// awaitLog follows the logs of the node, or of all, until a line matches.
func (r *run) awaitLog(ctx context.Context, t nemesis.Trigger) (string, error) {
	follower, ok := r.cluster.(LogFollower)
	if !ok {
		return "", errors.New("logs cannot be followed on this kind of cluster")
	}
	pattern, err := regexp.Compile(t.Log)
	if err != nil {
		return "", fmt.Errorf("read %q: %w", t.Log, err)
	}
	following, cancel := context.WithCancel(ctx)
	found := make(chan string, 1)
	var all sync.WaitGroup
	var failures []error
	for _, n := range r.asked(t.Node) {
		stream, err := follower.Follow(following, n.Name)
		if err != nil {
			failures = append(failures, fmt.Errorf("follow the log of %s: %w", n.Name, err))
			continue
		}
		all.Go(func() { scan(stream, pattern, n.Name, found) })
		context.AfterFunc(following, func() { _ = stream.Close() }) // it was only read
	}
	defer all.Wait()
	defer cancel()
	if len(failures) == len(r.asked(t.Node)) {
		return "", errors.Join(failures...)
	}
	select {
	case line := <-found:
		return line, nil
	case <-ctx.Done():
		return "", fmt.Errorf("no line matched in that time")
	}
}

// scan reads lines until one matches or there are no more.
func scan(stream io.Reader, pattern *regexp.Regexp, node string, found chan<- string) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.ToValidUTF8(lines.Text(), "")
		if !pattern.MatchString(line) {
			continue
		}
		select {
		case found <- fmt.Sprintf("%s logged %q", node, line[:min(len(line), shownLine)]):
		default: // another node was first
		}
		return
	}
}

// awaitProbe asks until somebody says yes.
func (r *run) awaitProbe(ctx context.Context, t nemesis.Trigger) (string, error) {
	for {
		why, err := r.probe(ctx, t)
		if err == nil {
			return why, nil
		}
		if !pauseFor(ctx, probeEvery) {
			return "", err
		}
	}
}

func (r *run) probe(ctx context.Context, t nemesis.Trigger) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	if len(t.Probe.Command) > 0 {
		return r.probeCommand(ctx, t.Probe.Command)
	}
	ask := scenarios.Ask{HTTP: t.Probe.HTTP, Port: t.Probe.Port, Field: t.Probe.Field, Is: t.Probe.Is}
	var errs []error
	for _, n := range r.asked(t.Node) {
		said, yes, err := askNode(ctx, ask, n)
		if yes {
			return fmt.Sprintf("%s said %s", n.Name, said), nil
		}
		if err == nil {
			err = fmt.Errorf("%s said %s", n.Name, said)
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// probeCommand runs a command on this machine, which finds the nodes'
// addresses in the variable NODES: "n1=172.30.0.3 n2=172.30.0.4".
func (r *run) probeCommand(ctx context.Context, command []string) (string, error) {
	var nodes []string
	for _, n := range r.nodes {
		nodes = append(nodes, n.Name+"="+n.IP)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "NODES="+strings.Join(nodes, " "))
	cmd.WaitDelay = probeWithin
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return strings.Join(command, " ") + " ended with code 0", nil
}

// asked are the nodes that a question goes to: the one, or all.
func (r *run) asked(node string) []client.Node {
	for _, n := range r.nodes {
		if n.Name == node {
			return []client.Node{n}
		}
	}
	return r.nodes
}
