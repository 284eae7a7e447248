package nemesis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultPartition is the partition's name in scenarios and plans.
const FaultPartition = "partition"

func partitionKind() kind {
	return kind{
		name:  FaultPartition,
		class: always(ClassLinks),
		make: func(in Injection, x Exec) fault {
			return &partition{id: in.ID, cuts: in.Cuts, ports: in.Ports, cluster: x.Cluster}
		},
		says: sayPartition,
		foretells: func(in Injection, all []string) string {
			switch {
			case len(in.Cuts) > 0:
				return sayPartition(in, all)
			case in.Clients:
				return foretellClients(in) + OfPorts(in.Ports)
			}
			return in.Shape + " around the " + in.Target + OfPorts(in.Ports)
		},
		aim: func(in *Injection, all []string) (err error) {
			if in.Clients {
				in.Cuts = WithClients(in.Direction, in.Nodes)
				return nil
			}
			in.Cuts, err = Cuts(in.Shape, all, in.Nodes, nil)
			return err
		},
		drops: func(in Injection) [][2]string { return in.Cuts },
	}
}

func sayPartition(in Injection, all []string) string {
	text := Describe(in.Cuts, all) + OfPorts(in.Ports)
	if in.Shape == "" {
		return text
	}
	return in.Shape + ": " + text
}

// foretellClients says what will be lost between clients and a role.
func foretellClients(in Injection) string {
	switch in.Direction {
	case DirectionOut:
		return "what the " + in.Target + " sends to clients is lost"
	case DirectionIn:
		return "what clients send to the " + in.Target + " is lost"
	}
	return "clients | the " + in.Target
}

// OfPorts says which ports are meant; nothing if it is all.
func OfPorts(ports []uint16) string {
	var texts []string
	for _, p := range ports {
		texts = append(texts, strconv.Itoa(int(p)))
	}
	switch len(texts) {
	case 0:
		return ""
	case 1:
		return ", port " + texts[0]
	}
	return ", ports " + strings.Join(texts, " ")
}

// A partition drops, at the receiver and without a word, what some nodes send
// to others. The agent changes the rules of the whole cluster in one step; the
// kernel's counter of dropped packets shows that it bites. Connections stay
// open and stall. Traffic between clients and nodes is not touched unless it is
// named.
type partition struct {
	id      string
	cuts    [][2]string
	ports   []uint16
	cluster Cluster
}

// probeEvery is how often we look again for a fault that does not show yet.
const probeEvery = 50 * time.Millisecond

func (p *partition) inject(ctx context.Context) error {
	_, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Cut, ID: p.id, Pairs: p.cuts, Ports: p.ports})
	return err
}

func (p *partition) verify(ctx context.Context) (string, error) {
	for {
		r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Dropped, ID: p.id})
		switch {
		case err != nil:
			return "", err
		case r.Number > 0:
			return r.Evidence, nil
		}
		if !pauseFor(ctx, probeEvery) {
			return "", errors.New("no packet met the cut: those that it parts had nothing to say to each other")
		}
	}
}

func (p *partition) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal lifts the rules; the evidence holds the count of all packets dropped.
func (p *partition) heal(ctx context.Context) (string, error) {
	r, err := p.cluster.Ask(ctx, agent.Request{Do: agent.Mend, ID: p.id})
	return r.Evidence, err
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
