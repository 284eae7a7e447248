package agent

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/shakedown-dev/shakedown/nemesis/agent/dns"
)

func (a *agent) missayNames(ctx context.Context, r Request) (Reply, error) {
	l := dns.Lie{Answer: r.Names.Answer, Names: r.Names.Names}
	if l.Answer == dns.Wrong {
		var err error
		if l.Addresses, err = a.wrongAddresses(r.Names.Addresses); err != nil {
			return Reply{}, err
		}
	}
	n, err := a.dns.Lie(ctx, r.ID, r.Names.Nodes, l)
	if err != nil {
		return nobody(err), err
	}
	return Reply{Evidence: fmt.Sprintf("questions of %s about names go through us; %s", count(n, "node", "nodes"), a.dns.Backend())}, nil
}

// wrongAddresses are those of nodes, or as given; without any, those that
// nobody has.
func (a *agent) wrongAddresses(texts []string) ([]netip.Addr, error) {
	if len(texts) == 0 {
		return dns.Elsewhere(), nil
	}
	var all []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, address.Unmap())
			continue
		}
		address, ok := a.slow.Address(text)
		if !ok {
			return nil, fmt.Errorf("%q is neither an IP address nor a node whose address is known", text)
		}
		all = append(all, address)
	}
	return all, nil
}

// mendNames answers with what became of questions, for which it is too late to
// ask afterwards.
func (a *agent) mendNames(ctx context.Context, r Request) (Reply, error) {
	t, was, err := a.dns.Mend(ctx, r.ID)
	switch {
	case err != nil:
		return Reply{}, err
	case !was:
		return Reply{Evidence: "no questions were touched by it"}, nil
	}
	return Reply{Evidence: sayQuestions(t), Number: int64(t.Hit())}, nil
}

func (a *agent) missaidNames(_ context.Context, r Request) (Reply, error) {
	t, err := a.dns.Count(r.ID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: sayQuestions(t), Number: int64(t.Hit())}, nil
}

func sayQuestions(t dns.Tally) string {
	text := count(int(t.Hit()), "question about a name", "questions about names") + " met it"
	if t.Answered > 0 {
		text += fmt.Sprintf(", %d answered by us", t.Answered)
	}
	if t.Silenced > 0 {
		text += fmt.Sprintf(", %d left unanswered", t.Silenced)
	}
	return text
}
