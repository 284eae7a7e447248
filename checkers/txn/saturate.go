package txn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// A weak level is one that is decided by saturation: Biswas and Enea (2019)
// define it by which writes must come before others, given who read what from
// whom; the history has the level if that order, with the sessions and the
// reads, has no cycle. The algorithms are those of AWDIT (2025).
type weakLevel struct {
	model, anomaly string
	sessions       bool
	infer          func(context.Context, *registers) ([]relation, error)
}

func weakLevels() []weakLevel {
	return []weakLevel{
		{readAtomic, "fractured-read", false, func(_ context.Context, r *registers) ([]relation, error) { return r.atomic(false), nil }},
		{sessionCommitted, "G-monotonic-process", true, func(_ context.Context, r *registers) ([]relation, error) { return r.monotonic(), nil }},
		{sessionAtomic, "fractured-read-process", true, func(_ context.Context, r *registers) ([]relation, error) { return r.atomic(true), nil }},
		{sessionCausal, "causality-process", true, func(ctx context.Context, r *registers) ([]relation, error) { return r.causal(ctx, math.MaxInt) }},
	}
}

// sessions judges the weak levels. It does so if one of them is asked for, or
// if something is wrong and it is to be found out how much: then keep are the
// transactions that are in cycles, or nil.
func (j *judgement) sessions(ctx context.Context, r *registers, wrong bool, keep []bool) error {
	asked := slices.ContainsFunc(weakLevels(), func(w weakLevel) bool { return w.model == j.level || j.lattice.below(w.model)[j.level] })
	if !asked && !wrong {
		return nil
	}
	if asked {
		keep = nil
	}
	for _, w := range weakLevels() {
		n := &inference{db: r.db, graph: r.graph(keep), found: findings{}, registers: r, assuming: []string{w.model}}
		r.addReadEdges(n.graph)
		if w.sessions {
			n.graph.addProcess(r.db)
		}
		relations, err := w.infer(ctx, r)
		if err != nil {
			j.gaps = append(j.gaps, err.Error())
			continue
		}
		n.graph.edges = slices.Grow(n.graph.edges, len(relations))
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
	relations := r.atomic(sessions)
	if sessions {
		// A history that is too long for this goes without: it only sharpens.
		if more, err := r.causal(ctx, sharpenWork); err == nil {
			relations = append(relations, more...)
		}
	}
	r.known[sessions] = relations
	return relations
}
