package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// patient bounds the search for the level that was asked for: ten seconds or
// twenty, and about a gigabyte.
func patient() budget {
	return budget{conflicts: 300_000, work: 2_000_000_000, edges: 40_000_000}
}

// brief bounds the search for what would be good to know besides.
func brief() budget {
	return budget{conflicts: 2_000, work: 20_000_000, edges: 1_000_000}
}

// thorough bounds each search for the weakest level that is violated, where
// the one that was asked for is and only a search could tell.
func thorough() budget {
	return budget{conflicts: 20_000, work: 200_000_000, edges: 10_000_000}
}

// few is up to how many transactions it is also found out which levels hold
// that were not asked for.
const few = 5_000

// A question is whether a level holds that depends on an order of writes which
// nobody saw.
type question struct {
	test
	// n is the inference whose graph has all that is known.
	n      *inference
	rivals []rivalry
	rank   []int32
}

// deciders are the tests that a search can carry out: those of snapshot
// isolation and serializability, with and without the order of sessions and of
// time; weaker ones first.
func deciders() []test {
	return slices.DeleteFunc(tests(), func(t test) bool { return t.kinds&rw == 0 })
}

// decide settles what inference left open, by a search for an order of writes:
// first what was asked for; then all else, if there are few transactions or
// nothing but the search refuted what was asked for, or a violation of a weak
// level would be named as one of the strong level alone. ask makes the question
// of a test.
func (j *judgement) decide(ctx context.Context, small bool, ask func(test) (*question, error)) error {
	asked := slices.IndexFunc(deciders(), func(t test) bool {
		return slices.ContainsFunc(t.models, func(m string) bool { return j.lattice.below(m)[j.level] })
	})
	if asked >= 0 && !j.proved[j.level] && !j.out[j.level] {
		if err := j.settleBy(ctx, deciders()[asked], j.patient, ask); err != nil {
			return err
		}
		if j.out[j.level] {
			small, j.brief = true, thorough()
		}
	}
	if !small || j.proved[j.level] {
		return nil
	}
	for _, t := range deciders() {
		if err := j.settleBy(ctx, t, j.brief, ask); err != nil {
			return err
		}
	}
	return nil
}

// settleBy carries out one test, unless its answer is known.
func (j *judgement) settleBy(ctx context.Context, t test, most budget, ask func(test) (*question, error)) error {
	strongest := t.models[len(t.models)-1]
	if j.proved[strongest] || j.out[strongest] || j.timeless && t.kinds&realtime != 0 {
		return nil
	}
	q, err := ask(t)
	if err != nil {
		return err
	}
	p, err := newPolygraph(q.n.graph, t.kinds, t.double, q.rivals, q.rank)
	if errors.Is(err, errTangled) {
		return nil // what closes the cycle was found, and is held against what it can be
	}
	how, err := p.search(ctx, most)
	j.counts["pairs"] = max(j.counts["pairs"], int64(len(p.pairs)))
	j.counts["conflicts"] = max(j.counts["conflicts"], int64(p.solver.conflicts))
	switch {
	case err != nil:
		return fmt.Errorf("out of time while looking for an order of writes for %s: %s", strongest, p.progress())
	case how == gaveUp && most == j.patient:
		j.gaps = append(j.gaps, fmt.Sprintf("the search for an order of writes for %s gave up: %s", strongest, p.progress()))
	case how == possible:
		for _, m := range t.models {
			j.holds(m, true)
		}
		j.proof = "an order of all writes was found in which each read shows exactly what it showed"
	case how == impossible:
		q.n.found.add(t.anomaly, p.finding(ctx, q.n))
		j.take(q.n)
	}
	return nil
}

// finding tells why there is no order.
func (p *polygraph) finding(ctx context.Context, n *inference) finding {
	pairs := p.core(ctx)
	if r := p.refute(pairs); r != nil {
		return n.refuted(r)
	}
	return n.unfit(pairs)
}

// progress tells how far a search got.
func (p *polygraph) progress() string {
	return fmt.Sprintf("it met %d pairs of transactions of which the order matters and is not known, and ruled out %d ways to order some of them", len(p.pairs), p.solver.conflicts)
}

// rivals are the keys of registers with their versions.
func (r *registers) rivals() []rivalry {
	var list []rivalry
	for key, ids := range r.byKey {
		v := rivalry{key: int32(key)}
		for _, id := range ids {
			if w := r.versions[id].writer; w >= 0 {
				v.entries = append(v.entries, entry{writer: w, readers: r.versions[id].readers})
			}
		}
		if len(v.entries) > 1 {
			list = append(list, v)
		}
	}
	return list
}

// asks returns what makes questions about registers: each test goes with the
// strongest rules for the order of versions that follow from its level.
func (r *registers) asks(ctx context.Context, tiers []tier, h *history.History) func(test) (*question, error) {
	rivals, rank := r.rivals(), r.ranks()
	return func(t test) (*question, error) {
		tier, time := tiers[2], &history.History{SessionOnly: true}
		switch {
		case t.kinds&realtime != 0:
			tier, time = tiers[4], h
		case t.kinds&process != 0:
			tier = tiers[3]
		}
		n := tier.infer(ctx, r, time, true, nil)
		n.graph.pack()
		return &question{test: t, n: n, rivals: rivals, rank: rank}, nil
	}
}

// asks returns what makes questions about lists: the order of appends that
// nobody saw is open.
func (n *inference) asks() func(test) (*question, error) {
	var rivals []rivalry
	for _, l := range n.loose {
		v := rivalry{key: l.key}
		for _, w := range l.writers {
			v.entries = append(v.entries, entry{writer: w})
		}
		rivals = append(rivals, v)
	}
	rank := make([]int32, len(n.db.txns))
	for t := range rank {
		rank[t] = n.db.txns[t].done
	}
	return func(t test) (*question, error) {
		return &question{test: t, n: n, rivals: rivals, rank: rank}, nil
	}
}
