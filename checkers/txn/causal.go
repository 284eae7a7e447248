package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// sharpenWork is how much causal may do where it only sharpens.
const sharpenWork = 1 << 27

// causal infers what causal consistency asks: nobody reads anything older than
// the work of a transaction that happened before. It merges the clocks of what
// each transaction follows, and gives up with an error after work entries.
func (r *registers) causal(ctx context.Context, work int) ([]relation, error) {
	if r.causality != nil {
		return r.causality, nil
	}
	g := newGraph(r.db)
	r.addReadEdges(g)
	g.addProcess(r.db)
	g.pack()
	order := g.inOrder()
	if order == nil {
		return nil, nil // there is a cycle already, which is found without this
	}
	s := newSessions(r, g)
	p := newPast(g, s)
	var relations []relation
	for i, t := range order {
		if pulse(i) && ctx.Err() != nil {
			return nil, errors.New("out of time while inferring causality")
		}
		if p.work > work {
			return nil, fmt.Errorf("causality of %d transactions in %d sessions takes too much work", len(r.db.txns), s.count)
		}
		if !r.db.txns[t].committed {
			continue
		}
		now := p.of(t)
		for _, id := range r.reads[t] {
			for _, w := range s.writers[r.versions[id].key] {
				if before := w.last(now.at(w.session)); before != none && before != id && r.versions[before].writer != t {
					relations = append(relations, relation{older: before, newer: id, why: fromReads, by: t})
				}
			}
		}
		p.leave(t, now)
	}
	r.causality = relations
	return relations, nil
}

// inOrder returns the transactions such that all edges lead forward; nil if
// there is a cycle.
func (g *graph) inOrder() []int32 {
	nodes := make([]int32, g.nodes)
	for i := range nodes {
		nodes[i] = int32(i)
	}
	return g.filter(nodes, ^uint8(0), false).topological()
}

// sessions numbers the sessions and the transactions in them. A process that
// goes on after an unknown outcome, or does two things at a time, has several.
type sessions struct {
	count int
	// of is each transaction's session, place its place there, from 1.
	of, place []int32
	// writers are, for each key, the sessions that wrote it and what.
	writers [][]sessionWrites
}

type sessionWrites struct {
	session int32
	places  []int32
	ids     []int32
}

func newSessions(r *registers, g *graph) *sessions {
	s := &sessions{of: make([]int32, len(r.db.txns)), place: make([]int32, len(r.db.txns)), writers: make([][]sessionWrites, len(r.byKey))}
	before := make([]int32, len(r.db.txns)) // in the process, plus 1
	for i := range g.edges {
		if e := &g.edges[i]; e.kind == process {
			before[e.to] = e.from + 1
		}
	}
	for t := range r.db.txns {
		if !r.db.txns[t].committed {
			continue
		}
		if p := before[t] - 1; p >= 0 && g.follower(p) == int32(t) {
			s.of[t], s.place[t] = s.of[p], s.place[p]+1
		} else {
			s.of[t], s.place[t] = int32(s.count), 1
			s.count++
		}
		for _, id := range r.writes[t] {
			s.wrote(s.of[t], s.place[t], id, r.versions[id].key)
		}
	}
	return s
}

// follower is the first that follows a transaction in its process.
func (g *graph) follower(t int32) int32 {
	for _, a := range g.out(t) {
		if a.kind == process {
			return a.to
		}
	}
	return none
}

func (s *sessions) wrote(session, place, id, key int32) {
	list := s.writers[key]
	at := slices.IndexFunc(list, func(w sessionWrites) bool { return w.session == session })
	if at < 0 {
		at = len(list)
		list = append(list, sessionWrites{session: session})
	}
	list[at].places = append(list[at].places, place)
	list[at].ids = append(list[at].ids, id)
	s.writers[key] = list
}

// last returns the last write among the session's first transactions, as many
// as are known.
func (w *sessionWrites) last(known int32) int32 {
	at := sort.Search(len(w.places), func(i int) bool { return w.places[i] > known })
	if at == 0 {
		return none
	}
	return w.ids[at-1]
}

// A clock says how many transactions of each session happened before. It comes
// in blocks, which never change, so that clocks share those in which they agree:
// mostly all but those of the sessions of that time. A block that is missing is
// all zeros.
type clock []*[blockSize]int32

const blockSize = 32

func (c clock) at(session int32) int32 {
	if b := c[session/blockSize]; b != nil {
		return b[session%blockSize]
	}
	return 0
}

// A past holds the clocks of the transactions that others still follow.
type past struct {
	sessions *sessions
	// first and into hold what each transaction follows.
	first, into []int32
	// waiting counts those that still follow, clocks is what they need.
	waiting []int32
	clocks  []clock
	free    []clock
	work    int
}

func newPast(g *graph, s *sessions) *past {
	p := &past{sessions: s, first: make([]int32, g.nodes+1), waiting: make([]int32, g.nodes), clocks: make([]clock, g.nodes)}
	for i := range g.edges {
		p.first[g.edges[i].to+1]++
		p.waiting[g.edges[i].from]++
	}
	for i := range g.nodes {
		p.first[i+1] += p.first[i]
	}
	next := slices.Clone(p.first[:g.nodes])
	p.into = make([]int32, len(g.edges))
	for i := range g.edges {
		e := &g.edges[i]
		p.into[next[e.to]] = e.from
		next[e.to]++
	}
	return p
}

// of returns the clock of a transaction, without itself, and lets go of those
// that nobody else follows.
func (p *past) of(t int32) clock {
	c := p.empty()
	for _, from := range p.into[p.first[t]:p.first[t+1]] {
		p.merge(c, p.clocks[from])
		if p.waiting[from]--; p.waiting[from] == 0 {
			p.free = append(p.free, p.clocks[from])
			p.clocks[from] = nil
		}
	}
	return c
}

func (p *past) empty() clock {
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		clear(c)
		return c
	}
	return make(clock, (p.sessions.count+blockSize-1)/blockSize)
}

// leave adds the transaction to its clock, for those that follow.
func (p *past) leave(t int32, c clock) {
	if p.waiting[t] == 0 {
		p.free = append(p.free, c)
		return
	}
	session := p.sessions.of[t]
	var own [blockSize]int32
	if b := c[session/blockSize]; b != nil {
		own = *b
	}
	own[session%blockSize] = p.sessions.place[t]
	c[session/blockSize] = &own
	p.clocks[t] = c
}

// merge adds to a clock what another knows.
func (p *past) merge(c, other clock) {
	p.work += len(c)
	for i, b := range other {
		if b == c[i] || b == nil {
			continue
		}
		if c[i] == nil {
			c[i] = b
			continue
		}
		p.work += blockSize
		c[i] = later(c[i], b)
	}
}

// later returns a block with the later of each two entries: one of the two, if
// that will do, so that what is the same in the end is one block.
func later(a, b *[blockSize]int32) *[blockSize]int32 {
	var both [blockSize]int32
	for i := range both {
		both[i] = max(a[i], b[i])
	}
	switch both {
	case *b:
		return b // The other's first, or each would keep its own for ever.
	case *a:
		return a
	}
	return &both
}
