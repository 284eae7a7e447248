package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultKill is the kill's name in scenarios and plans.
const FaultKill = "kill"

// Ways to kill a node.
const (
	KillAtOnce    = "kill"       // SIGKILL; started again at the heal
	KillStop      = "stop"       // SIGTERM, and SIGKILL after a grace
	KillRestart   = "restart"    // SIGKILL, started again at once
	KillPolicy    = "policy"     // SIGKILL; the engine starts it again by the restart policy
	KillCrashLoop = "crash-loop" // SIGKILL, again and again whenever it is up
)

// A Kill is how nodes are killed.
type Kill struct {
	How string `json:"how"`
	// Grace is how long a node that is stopped may take to end by itself.
	Grace time.Duration `json:"grace_ns,omitempty"`
	// UpFor is how long a node in a crash loop runs each time.
	UpFor time.Duration `json:"up_for_ns,omitempty"`
	// Process names one process of many, as in [agent.Request]; empty: the
	// main one, and with it the whole node.
	Process string `json:"process,omitempty"`
}

func killKind() kind {
	return kind{
		name:  FaultKill,
		class: always(ClassProcess),
		make: func(in Injection, x Exec) fault {
			return newKill(in, x)
		},
		says: func(in Injection, _ []string) string { return howKilled(in).says(in.For) },
		foretells: func(in Injection, _ []string) string {
			if in.Kill == nil {
				return whom(in)
			}
			return whom(in) + " " + in.Kill.says(in.For)
		},
	}
}

func howKilled(in Injection) Kill {
	if in.Kill == nil {
		return Kill{How: KillAtOnce}
	}
	return *in.Kill
}

func newKill(in Injection, x Exec) *kill {
	return &kill{id: in.ID, nodes: in.Nodes, how: howKilled(in), cluster: x.Cluster, since: x.Since}
}

func (k Kill) says(lasts time.Duration) string {
	of := ""
	if k.Process != "" {
		of = " of its process " + k.Process
	}
	switch k.How {
	case KillStop:
		return fmt.Sprintf("SIGTERM%s, SIGKILL if it has not ended after %s, started again after %s", of, k.Grace, lasts)
	case KillRestart:
		return "SIGKILL" + of + ", started again at once"
	case KillPolicy:
		return "SIGKILL" + of + ", started again by the engine, by its restart policy"
	case KillCrashLoop:
		return fmt.Sprintf("SIGKILL%s, and again whenever it has been up for %s, for %s", of, k.UpFor, lasts)
	}
	return "SIGKILL" + of + ", started again after " + lasts.String()
}

// A kill ends the node's main process, or one of many, and starts the same
// node afterwards, with its address and its files. What the node had written
// is still in the page cache of the host: a kill alone never loses un-fsynced
// data. One process of many is left to whoever looks after it in the node; if
// nobody does, the whole node is started again at the heal.
type kill struct {
	id      string
	nodes   []string
	how     Kill
	cluster Cluster
	since   func() time.Duration
	seen    string
	began   time.Duration
}

func (k *kill) ask(ctx context.Context, do, node string) (agent.Reply, error) {
	r := agent.Request{Do: do, ID: k.id, Node: node, Process: k.how.Process}
	if k.how.How == KillPolicy {
		r.How = agent.ByPolicy
	}
	return k.cluster.Ask(ctx, r)
}

func (k *kill) inject(ctx context.Context) (err error) {
	k.began = k.since()
	k.seen, err = eachNode(k.nodes, func(node string) (string, error) {
		do := agent.Kill
		if k.how.How == KillStop {
			do = agent.Stop
		}
		r, err := k.ask(ctx, do, node)
		for r.Down && err != nil && pauseFor(ctx, probeEvery) { // It is just being started, say.
			r, err = k.ask(ctx, do, node)
		}
		if err != nil || k.how.How != KillRestart {
			return r.Evidence, err
		}
		again, err := k.startAgain(ctx, node)
		return r.Evidence + ", " + again, err
	})
	return err
}

func (k *kill) verify(ctx context.Context) (string, error) {
	switch {
	case k.seen == "":
		return "", errors.New("no process was seen to end")
	case k.how.How == KillPolicy:
		return eachNode(k.nodes, func(node string) (string, error) { return k.untilBack(ctx, node) })
	case k.how.How != KillStop:
		return k.seen, nil
	}
	return eachNode(k.nodes, func(node string) (string, error) { return k.untilStopped(ctx, node) })
}

// untilBack waits until the engine has started the node again.
func (k *kill) untilBack(ctx context.Context, node string) (string, error) {
	for {
		r, err := k.ask(ctx, agent.Processes, node)
		switch {
		case err == nil && r.Number > 0:
			return fmt.Sprintf("%s; started again by its restart policy after %s: %s", k.seen, (k.since() - k.began).Round(time.Millisecond), r.Evidence), nil
		case !pauseFor(ctx, probeEvery):
			return "", fmt.Errorf("see %s started again by its restart policy: %w", node, err)
		}
	}
}

// untilStopped waits for a node that was told to stop, for as long as it may
// take, and then kills it.
func (k *kill) untilStopped(ctx context.Context, node string) (string, error) {
	for {
		r, err := k.ask(ctx, agent.Stopped, node)
		took := k.since() - k.began
		switch {
		case err != nil:
			return "", fmt.Errorf("see %s stop: %w", node, err)
		case r.Number == 0:
			return fmt.Sprintf("%s by SIGTERM, after %s", r.Evidence, took.Round(time.Millisecond)), nil
		case took >= k.how.Grace || !pauseFor(ctx, probeEvery):
			r, err := k.ask(context.WithoutCancel(ctx), agent.Kill, node)
			return fmt.Sprintf("not ended %s after SIGTERM, then SIGKILL: %s", took.Round(time.Millisecond), r.Evidence), err
		}
	}
}

func (k *kill) hold(ctx context.Context, note func(says, evidence string)) error {
	if k.how.How != KillCrashLoop {
		<-ctx.Done()
		return nil
	}
	evidence, err := eachNode(k.nodes, func(node string) (string, error) { return k.loop(ctx, node) })
	if err == nil {
		note("in a crash loop until now", evidence)
	}
	return err
}

// loop kills a node whenever it is up, until ctx is done. One that does not
// live that long needs no killing.
func (k *kill) loop(ctx context.Context, node string) (string, error) {
	kills, own := 1, 0
	for {
		if _, err := k.startAgain(ctx, node); err != nil {
			if ctx.Err() != nil {
				break
			}
			return "", err
		}
		if !pauseFor(ctx, k.how.UpFor) {
			break
		}
		if _, err := k.ask(ctx, agent.Kill, node); err != nil {
			own++
		} else {
			kills++
		}
	}
	text := fmt.Sprintf("killed %d times", kills)
	if own > 0 {
		text += fmt.Sprintf(", and %d times there was nothing to kill", own)
	}
	return text, nil
}

func (k *kill) heal(ctx context.Context) (string, error) {
	return eachNode(k.nodes, func(node string) (string, error) {
		if k.how.How == KillStop {
			if r, err := k.ask(ctx, agent.Stopped, node); err == nil && r.Number > 0 {
				if _, err := k.ask(ctx, agent.Kill, node); err != nil {
					return "", fmt.Errorf("kill %s, which was being stopped: %w", node, err)
				}
			}
		}
		return k.startAgain(ctx, node)
	})
}

// startAgain starts a node that is down. Of a node of which one process was
// killed it waits for that to come back.
func (k *kill) startAgain(ctx context.Context, node string) (string, error) {
	start := k.since()
	if k.how.Process != "" {
		if evidence, back := k.comesBack(ctx, node); back {
			return evidence, nil
		}
		if _, err := k.cluster.Ask(ctx, agent.Request{Do: agent.Kill, ID: k.id, Node: node}); err != nil && ctx.Err() != nil {
			return "", fmt.Errorf("kill %s, in which nobody started %q again: %w", node, k.how.Process, err)
		}
	}
	if err := k.cluster.Restart(ctx, node); err != nil {
		return "", fmt.Errorf("start %s again: %w", node, err)
	}
	return fmt.Sprintf("runs again after %s", (k.since() - start).Round(time.Millisecond)), nil
}

// comesBackWithin is how long whoever looks after the processes of a node may
// take to start one again.
const comesBackWithin = 5 * time.Second

func (k *kill) comesBack(ctx context.Context, node string) (string, bool) {
	waiting, cancel := context.WithTimeout(ctx, comesBackWithin)
	defer cancel()
	for {
		r, err := k.ask(waiting, agent.Processes, node)
		if err == nil && r.Number > 0 {
			return "started again by whoever looks after it there: " + r.Evidence, true
		}
		if err != nil || !pauseFor(waiting, probeEvery) {
			return "", false // An error is that the whole node is down.
		}
	}
}
