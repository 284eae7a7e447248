package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultLatency is the latency's name in scenarios and plans.
const FaultLatency = "latency"

func latencyKind() kind {
	return kind{
		name:  FaultLatency,
		class: always(ClassLinks),
		make: func(in Injection, x Exec) fault {
			return &latency{id: in.ID, cuts: in.Cuts, slowdown: *in.Slowdown, cluster: x.Cluster}
		},
		says: func(in Injection, all []string) string {
			return DescribeSlowdown(*in.Slowdown) + ": " + DescribeWays(in.Cuts, all)
		},
		foretells: func(in Injection, all []string) string {
			if len(in.Cuts) == 0 {
				return DescribeSlowdown(*in.Slowdown) + " " + in.Direction + " of the " + in.Target
			}
			return DescribeSlowdown(*in.Slowdown) + ": " + DescribeWays(in.Cuts, all)
		},
		aim: func(in *Injection, all []string) error {
			in.Cuts = Ways(in.Direction, all, in.Nodes)
			return nil
		},
	}
}

// A latency delays, loses or reorders what some nodes send to others. That
// packets were held, and how long the network now takes there and back, shows
// that it bites. Traffic between clients and nodes is not touched.
type latency struct {
	id       string
	cuts     [][2]string
	slowdown agent.Slowdown
	cluster  Cluster
	before   string // what a round trip took before, if that could be measured
}

// The directions of a latency, as a scenario names them: which packets of the
// target are slowed.
const (
	DirectionBoth = "both" // what it sends and what is sent to it
	DirectionOut  = "out"  // what it sends
	DirectionIn   = "in"   // what is sent to it
)

// Ways are the ordered pairs of nodes whose packets are slowed for a target:
// those between it and all others in that direction. With every node a target
// these are all pairs.
func Ways(direction string, nodes, around []string) [][2]string {
	var ways [][2]string
	for _, way := range pairs(nodes, nodes) {
		out, in := contains(around, way[0]), contains(around, way[1])
		if way[0] != way[1] && (out && direction != DirectionIn || in && direction != DirectionOut) {
			ways = append(ways, way)
		}
	}
	return ways
}

func contains(names []string, name string) bool { return len(inOrder([]string{name}, names)) > 0 }

// glance is how long a measurement before the fault may take; the fault is not
// kept waiting for one that gets no answer.
const glance = 300 * time.Millisecond

func (l *latency) inject(ctx context.Context) error {
	l.before = l.roundTrip(ctx, glance)
	_, err := l.cluster.Ask(ctx, agent.Request{Do: agent.Slow, ID: l.id, Pairs: l.cuts, Slowdown: &l.slowdown})
	return err
}

// roundTrip measures over the first pair; it is empty if there is no answer,
// as between nodes that are parted or down.
func (l *latency) roundTrip(ctx context.Context, within time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := l.cluster.Ask(ctx, agent.Request{Do: agent.RoundTrip, ID: l.id, Pairs: l.cuts[:1]})
	if err != nil {
		return ""
	}
	return r.Evidence
}

func (l *latency) verify(ctx context.Context) (string, error) {
	for {
		r, err := l.cluster.Ask(ctx, agent.Request{Do: agent.Slowed, ID: l.id})
		switch {
		case err != nil:
			return "", err
		case r.Number > 0:
			return join(r.Evidence, l.roundTrip(ctx, l.answers()), before(l.before)), nil
		}
		if !pauseFor(ctx, probeEvery) {
			return "", errors.New("no packet met the delay: the nodes concerned had nothing to say to each other")
		}
	}
}

// answers is how long three round trips may take now.
func (l *latency) answers() time.Duration {
	return glance + 8*(l.slowdown.Delay+l.slowdown.Jitter)
}

func before(text string) string {
	if text == "" {
		return ""
	}
	return "before: " + text
}

func join(texts ...string) string {
	var said []string
	for _, t := range texts {
		if t != "" {
			said = append(said, t)
		}
	}
	return strings.Join(said, "; ")
}

func (l *latency) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal lets go what is held; the evidence holds the count of all packets.
func (l *latency) heal(ctx context.Context) (string, error) {
	r, err := l.cluster.Ask(ctx, agent.Request{Do: agent.Hasten, ID: l.id})
	if err != nil {
		return "", err
	}
	return join(r.Evidence, l.roundTrip(ctx, glance)), nil
}

// DescribeSlowdown says in a few words what happens to packets.
func DescribeSlowdown(s agent.Slowdown) string {
	var parts []string
	if s.Delay > 0 {
		parts = append(parts, describeDelay(s))
	}
	if s.Loss > 0 {
		text := percent(s.Loss) + " lost"
		if s.LossBurst > 0 {
			text += fmt.Sprintf(" in bursts of %g", s.LossBurst)
		}
		parts = append(parts, text)
	}
	for _, part := range []struct {
		share float64
		says  string
	}{{s.Reorder, "let overtake"}, {s.Duplicate, "sent twice"}, {s.Corrupt, "corrupted"}, {s.Tamper, "tampered with"}} {
		if part.share > 0 {
			parts = append(parts, percent(part.share)+" "+part.says)
		}
	}
	if s.Rate > 0 {
		parts = append(parts, "at most "+bytes(s.Rate)+"/s let through")
	}
	return "packets " + strings.Join(parts, ", ")
}

func describeDelay(s agent.Slowdown) string {
	text := "delayed by " + s.Delay.String()
	if s.Jitter > 0 {
		text += " ± " + s.Jitter.String()
	}
	if s.Distribution != "" && s.Distribution != "uniform" {
		text += " (" + s.Distribution + ")"
	}
	return text
}

// bytes writes a number of bytes in the largest unit that it is whole in.
func bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	i := 0
	for ; n%1024 == 0 && n > 0 && i < len(units)-1; i++ {
		n /= 1024
	}
	return fmt.Sprintf("%d%s", n, units[i])
}

func percent(share float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", 100*share), "0"), ".") + "%"
}

// ofClients tells whether a pair is of a node and clients.
func ofClients(pair [2]string) bool { return pair[0] == agent.Clients || pair[1] == agent.Clients }

// DescribeWays says between whom packets are slowed: "n1 → n2 n3; n2 → n1".
func DescribeWays(ways [][2]string, nodes []string) string {
	if n := len(nodes); len(ways) == n*(n-1) && n > 2 && !slices.ContainsFunc(ways, ofClients) {
		return "between all nodes"
	}
	nodes = append(slices.Clone(nodes), agent.Clients)
	var parts []string
	for _, from := range nodes {
		_, to := lost(ways, from, nodes)
		if len(to) > 0 {
			parts = append(parts, from+" → "+strings.Join(to, " "))
		}
	}
	return strings.Join(parts, "; ")
}
