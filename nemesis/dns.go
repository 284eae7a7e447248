package nemesis

import (
	"context"
	"errors"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// FaultDNS is the name of the faults of names in scenarios and plans.
const FaultDNS = "dns"

func dnsKind() kind {
	return kind{
		name:  FaultDNS,
		class: always(ClassLinks),
		make: func(in Injection, x Exec) fault {
			names := *in.Names
			names.Nodes = in.Nodes
			return &misnomer{id: in.ID, names: names, cluster: x.Cluster}
		},
		says: func(in Injection, _ []string) string { return DescribeNames(*in.Names) },
		foretells: func(in Injection, _ []string) string {
			return whom(in) + ": " + DescribeNames(*in.Names)
		},
	}
}

// DescribeNames says in a few words what becomes of questions about names.
func DescribeNames(n agent.Names) string {
	text := "questions about names "
	if len(n.Names) > 0 {
		text = "questions about " + strings.Join(n.Names, " ") + " "
	}
	text += map[string]string{
		"none":     "get no answer",
		"servfail": "fail at the server",
		"nxdomain": "find no such name",
		"wrong":    "find wrong addresses",
	}[n.Answer]
	if len(n.Addresses) > 0 {
		text += ": " + strings.Join(n.Addresses, " ")
	}
	return text
}

// A misnomer leaves what nodes ask about the names of hosts unanswered, or
// answers it wrongly. That questions met it shows that it bites.
type misnomer struct {
	id      string
	names   agent.Names
	cluster Cluster
}

func (m *misnomer) inject(ctx context.Context) error {
	_, err := m.cluster.Ask(ctx, agent.Request{Do: agent.MissayNames, ID: m.id, Names: &m.names})
	return err
}

func (m *misnomer) verify(ctx context.Context) (string, error) {
	for {
		r, err := m.cluster.Ask(ctx, agent.Request{Do: agent.MissaidNames, ID: m.id})
		switch {
		case err != nil:
			return "", err
		case r.Number > 0:
			return r.Evidence, nil
		}
		if !pauseFor(ctx, probeEvery) {
			return "", errors.New("no question about a name met it: the nodes concerned asked for none (do they know each other by name?)")
		}
	}
}

func (m *misnomer) hold(ctx context.Context, _ func(says, evidence string)) error {
	<-ctx.Done()
	return nil
}

// heal lets questions pass; the evidence holds the count of all that met it.
func (m *misnomer) heal(ctx context.Context) (string, error) {
	r, err := m.cluster.Ask(ctx, agent.Request{Do: agent.MendNames, ID: m.id})
	return r.Evidence, err
}
