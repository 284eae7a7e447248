package fold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

// Labels of the edges between transactions.
const (
	labelPolled int32 = iota
	labelRealtime
	labelSent
)

// circles looks for transactions that depend on each other in a circle: one
// polled what the other sent, or ended before the other began. If no
// transaction both sends and polls, a circle would hold a poll of what was not
// sent yet, which is found already; unless the order of writes counts as well.
func (s *stream) circles() {
	if !s.mixed && !s.WriteOrder {
		return
	}
	g := &graph{}
	for range s.txns {
		g.vertex()
	}
	s.follow(g)
	s.realtime(g)
	if s.WriteOrder {
		s.succeed(g)
	}
	of := g.components()
	members := make(map[int32]int32)
	told := make(map[int32]bool)
	for at := range s.txns {
		if first, again := members[of[at]]; !again {
			members[of[at]] = int32(at)
		} else if !told[of[at]] {
			told[of[at]] = true
			s.circle(g, g.cycle(first, of))
		}
	}
}

// follow adds an edge from every sender to those that polled its messages.
func (s *stream) follow(g *graph) {
	for at := range s.txns {
		t := &s.txns[at]
		if !t.visible {
			continue
		}
		before := int32(-1)
		for _, x := range s.polls[t.pollFrom:t.pollTo] {
			for _, m := range s.got[x.from:x.to] {
				sender := s.logs[x.log].messages[m.id].sender
				if sender >= 0 && sender != int32(at) && sender != before && s.txns[sender].visible {
					g.edge(sender, int32(at), labelPolled)
				}
				before = sender
			}
		}
	}
}

// succeed adds an edge from every sender to that of the next message in the log.
func (s *stream) succeed(g *graph) {
	for _, p := range s.logs {
		before := int32(-1)
		for _, id := range p.order {
			now := p.messages[id].sender
			if now < 0 || !s.txns[now].visible || p.messages[id].twice {
				before = -1
				continue
			}
			if before >= 0 && before != now {
				g.edge(before, now, labelSent)
			}
			before = now
		}
	}
}

// realtime adds a chain of moments, one for each completion: what ended before
// a moment leads to it, and it leads to what began after.
func (s *stream) realtime(g *graph) {
	type event struct {
		at  int
		txn int32
		end bool
	}
	var events []event
	for at := range s.txns {
		t := &s.txns[at]
		if !t.visible {
			continue
		}
		events = append(events, event{call(t.op), int32(at), false})
		if t.committed {
			events = append(events, event{ret(t.op), int32(at), true})
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	moment := int32(-1)
	for _, e := range events {
		switch {
		case e.end:
			next := g.vertex()
			if moment >= 0 {
				g.edge(moment, next, labelRealtime)
			}
			moment = next
			g.edge(e.txn, moment, labelRealtime)
		case moment >= 0:
			g.edge(moment, e.txn, labelRealtime)
		}
	}
}

// circle tells of a circle of edges. It is a g0 if only the order of writes (and
// of time) is in it.
func (s *stream) circle(g *graph, edges []int32) {
	var proof []history.Operation
	var says []string
	kind := "g0"
	from := g.to[edges[len(edges)-1]]
	for _, e := range edges {
		to := g.to[e]
		if int(to) >= len(s.txns) {
			continue // a moment
		}
		a, b := s.txns[from].op, s.txns[to].op
		proof = append(proof, b)
		switch g.label[e] {
		case labelPolled:
			kind = "g1c"
			says = append(says, fmt.Sprintf("%s polled (#%d) what %s sent (#%d)", who(b), last(b), who(a), last(a)))
		case labelSent:
			says = append(says, fmt.Sprintf("%s sent (#%d) what comes right after what %s sent (#%d)", who(b), last(b), who(a), last(a)))
		default:
			says = append(says, fmt.Sprintf("%s ended (#%d) before %s began (#%d)", who(a), last(a), who(b), call(b)))
		}
		from = to
	}
	if s.r.found(kind, proof...) {
		s.r.tell(kind, "transactions depend on each other in a circle: %s.", strings.Join(says, "; "))
	}
}
