package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner/client"
)

var errNoRoles = errors.New("this kind of system has no roles to ask for; target nodes by name or number")

const (
	// readyProbe bounds one question to one node, readyEvery is the pause
	// between two.
	readyProbe = 2 * time.Second
	readyEvery = 50 * time.Millisecond
	// exitedEvery is how often we look for nodes that have ended.
	exitedEvery = 500 * time.Millisecond
)

// awaitHealthy waits until every node has shown that it takes part in a
// working cluster. The error names the nodes that have not, with what each
// said last, and those that have ended, with what they logged. It does not
// wait any longer once a node has ended.
func awaitHealthy(ctx context.Context, c Cluster, sys client.System, within time.Duration, nodes []client.Node) error {
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	exits := make(chan map[string]string, 1)
	go func() {
		exits <- watchExits(waiting, c)
		cancel()
	}()
	last := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { last[i] = nemesis.Guarded(func() error { return awaitNode(waiting, sys, n) }) })
	}
	all.Wait()
	cancel()
	ended := <-exits
	var bug *nemesis.PanicError
	if err := errors.Join(last...); err == nil || errors.As(err, &bug) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unhealthy(nodes, last, ended, within)
}

// awaitNode asks one node until it is ready; when ctx is done it returns what
// the node said last.
func awaitNode(ctx context.Context, sys client.System, n client.Node) error {
	for {
		probe, cancel := context.WithTimeout(ctx, readyProbe)
		err := sys.Ready(probe, n)
		cancel()
		if err == nil || !pauseFor(ctx, readyEvery) {
			return err
		}
	}
}

// watchExits looks for nodes that have ended until there is one or ctx is done.
func watchExits(ctx context.Context, c Cluster) map[string]string {
	for pauseFor(ctx, exitedEvery) {
		if ended, err := c.Exited(ctx); err == nil && len(ended) > 0 {
			return ended
		}
	}
	return nil
}

func unhealthy(nodes []client.Node, last []error, ended map[string]string, within time.Duration) error {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(ended)) {
		lines = append(lines, fmt.Sprintf("%s ended: %s", name, ended[name]))
	}
	for i, n := range nodes {
		if _, dead := ended[n.Name]; last[i] != nil && !dead {
			lines = append(lines, fmt.Sprintf("%s is not ready: %v", n.Name, last[i]))
		}
	}
	if len(ended) == 0 {
		lines = append(lines, fmt.Sprintf("waited for %s", within))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// pauseFor waits for d and tells whether ctx is still alive.
func pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
