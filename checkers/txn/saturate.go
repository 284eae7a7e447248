package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/shakedown-dev/shakedown/history"
)

// A weak level is one that is decided by saturation: Biswas and Enea (2019)
// define it by which writes must come before others, given who read what from
// whom; the history has the level if that order, with the sessions and the
// reads, has no cycle. The algorithms are those of AWDIT (2025).
type weakLevel struct {
	model, anomaly string
	sessions       bool
	infer          func(context.Context, *registers, *graph) ([]relation, error)
}

func weakLevels() []weakLevel {
	return []weakLevel{
		{readAtomic, "fractured-read", false, func(_ context.Context, r *registers, _ *graph) ([]relation, error) { return r.atomic(false), nil }},
		{sessionCommitted, "G-monotonic-process", true, func(_ context.Context, r *registers, _ *graph) ([]relation, error) { return r.monotonic(), nil }},
		{sessionAtomic, "fractured-read-process", true, func(_ context.Context, r *registers, _ *graph) ([]relation, error) { return r.atomic(true), nil }},
		{sessionCausal, "causality-process", true, func(ctx context.Context, r *registers, g *graph) ([]relation, error) { return r.causal(ctx, g) }},
	}
}

// sessions judges the weak levels. It does so if one of them is asked for, or
// if something is wrong and it is to be found out how much.
func (j *judgement) sessions(ctx context.Context, r *registers, wrong bool) error {
	asked := slices.ContainsFunc(weakLevels(), func(w weakLevel) bool { return w.model == j.level || j.lattice.below(w.model)[j.level] })
	if !asked && !wrong {
		return nil
	}
	for _, w := range weakLevels() {
		n := &inference{db: r.db, graph: newGraph(r.db), found: findings{}, registers: r, assuming: []string{w.model}}
		r.addReadEdges(n.graph)
		if w.sessions {
			n.graph.addProcess(r.db)
		}
		n.graph.pack()
		relations, err := w.infer(ctx, r, n.graph)
		if err != nil {
			j.gaps = append(j.gaps, err.Error())
			continue
		}
		for _, rel := range relations {
			if v := &r.versions[rel.newer]; rel.newer == r.initial[v.key] {
				n.found.add(w.anomaly, n.tooOld(r, rel))
			}
			n.graph.add(r.versions[rel.older].writer, r.versions[rel.newer].writer, r.versions[rel.older].key, ww, rel.why)
		}
		n.graph.pack()
		s, err := surveyCycles(ctx, j.lattice, n.graph, true)
		if err != nil {
			return fmt.Errorf("out of time %w", err)
		}
		for _, c := range s.found {
			for _, f := range c.shown {
				n.found.add(w.anomaly, f)
			}
		}
		j.take(n)
		if len(n.found) == 0 && len(r.db.ambiguous) == 0 {
			j.holds(w.model, true)
			if j.proof == "" {
				j.proof = "what each transaction read puts the writes in an order without contradiction"
			}
		}
	}
	return nil
}

// monotonic infers what read committed asks: a transaction that read from
// another reads nothing older than its work afterwards.
func (r *registers) monotonic() []relation {
	var relations []relation
	for t := range r.reads {
		for i, first := range r.sequence[t] {
			from := r.versions[first].writer
			if from < 0 || slices.Contains(r.sequence[t][:i], first) {
				continue
			}
			for _, later := range r.sequence[t][i+1:] {
				relations = r.notOlder(relations, from, later, int32(t))
			}
		}
	}
	return relations
}

// notOlder notes that the transaction's version of the key, if it wrote one, is
// older than the one that was read instead.
func (r *registers) notOlder(relations []relation, from, instead, by int32) []relation {
	if id := r.finally(from, r.versions[instead].key); id != none && id != instead {
		return append(relations, relation{older: id, newer: instead, why: fromReads, by: by})
	}
	return relations
}

// atomic infers what read atomic asks: a transaction that read from another,
// or follows it in its session, reads nothing older than its work at all.
func (r *registers) atomic(sessions bool) []relation {
	var relations []relation
	type seat struct{ process, key int32 }
	wrote := make(map[seat]int32)
	for t := range r.db.txns {
		if !r.db.txns[t].committed {
			continue
		}
		for _, first := range r.reads[t] {
			if from := r.versions[first].writer; from >= 0 {
				for _, other := range r.reads[t] {
					relations = r.notOlder(relations, from, other, int32(t))
				}
			}
		}
		if !sessions {
			continue
		}
		process := r.db.txns[t].process
		for _, id := range r.reads[t] {
			if before, ok := wrote[seat{process, r.versions[id].key}]; ok && before != id {
				relations = append(relations, relation{older: before, newer: id, why: fromReads, by: int32(t)})
			}
		}
		if r.db.txns[t].outcome != history.OK {
			continue
		}
		for _, id := range r.writes[t] {
			wrote[seat{process, r.versions[id].key}] = id
		}
	}
	return relations
}

// seen infers what snapshot isolation and repeatable read ask of reads.
func (r *registers) seen(ctx context.Context, sessions bool) []relation {
	if known, ok := r.known[sessions]; ok {
		return known
	}
	g := newGraph(r.db)
	r.addReadEdges(g)
	if sessions {
		g.addProcess(r.db)
	}
	g.pack()
	relations := r.atomic(sessions)
	if sessions {
		// A history that is too long for this goes without: it only sharpens.
		if more, err := r.causal(ctx, g); err == nil {
			relations = append(relations, more...)
		}
	}
	r.known[sessions] = relations
	return relations
}

// causalBudget bounds the memory of causal: transactions times sessions.
const causalBudget = 1 << 28

// causal infers what causal consistency asks: nobody reads anything older than
// the work of a transaction that happened before. g has the edges that make up
// happening before. clock[t*k+s] is how many transactions of session s did.
func (r *registers) causal(ctx context.Context, g *graph) ([]relation, error) {
	order := g.inOrder()
	if order == nil {
		return nil, nil // there is a cycle already, which is found without this
	}
	s := newSessions(r)
	k := s.count
	if len(r.db.txns)*k > causalBudget {
		return nil, fmt.Errorf("causality of %d transactions in %d sessions takes too much memory", len(r.db.txns), k)
	}
	clock := make([]int32, len(r.db.txns)*k)
	var relations []relation
	for i, t := range order {
		if pulse(i) && ctx.Err() != nil {
			return nil, errors.New("out of time while inferring causality")
		}
		if !r.db.txns[t].committed {
			continue
		}
		mine := clock[int(t)*k : (int(t)+1)*k]
		for _, id := range r.reads[t] {
			for _, session := range s.writers[r.versions[id].key] {
				if before := s.last(session, mine); before != none && before != id && r.versions[before].writer != t {
					relations = append(relations, relation{older: before, newer: id, why: fromReads, by: t})
				}
			}
		}
		for _, a := range g.out(t) {
			theirs := clock[int(a.to)*k : (int(a.to)+1)*k]
			for x := range mine {
				theirs[x] = max(theirs[x], mine[x])
			}
			theirs[s.of[t]] = max(theirs[s.of[t]], s.place[t])
		}
	}
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

// sessions numbers the sessions and the transactions in them.
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

func newSessions(r *registers) *sessions {
	s := &sessions{of: make([]int32, len(r.db.txns)), place: make([]int32, len(r.db.txns)), writers: make([][]sessionWrites, len(r.byKey))}
	numbers := make(map[int32]int32)
	var lengths []int32
	for t := range r.db.txns {
		tx := &r.db.txns[t]
		if !tx.committed {
			continue
		}
		n, ok := numbers[tx.process]
		if !ok {
			n = int32(len(numbers))
			numbers[tx.process] = n
			lengths = append(lengths, 0)
		}
		lengths[n]++
		s.of[t], s.place[t] = n, lengths[n]
		for _, id := range r.writes[t] {
			s.wrote(n, lengths[n], id, r.versions[id].key)
		}
	}
	s.count = len(numbers)
	return s
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

// last returns the session's last write of the key that the clock knows.
func (s *sessions) last(w sessionWrites, clock []int32) int32 {
	known := clock[w.session]
	at := sort.Search(len(w.places), func(i int) bool { return w.places[i] > known })
	if at == 0 {
		return none
	}
	return w.ids[at-1]
}
