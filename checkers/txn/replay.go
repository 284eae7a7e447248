package txn

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// replayed looks for an order in which all transactions can be carried out one
// after the other such that each reads what it read. If there is one that also
// keeps to the order of time, that proves all levels.
func (j *judgement) replayed(ctx context.Context, r *registers, top tier, h *history.History) (bool, error) {
	n := top.infer(ctx, r, h, false, nil)
	if len(n.found) > 0 || !n.graph.data() {
		return false, nil
	}
	n.graph.pack()
	j.counts["edges"] = int64(len(n.graph.edges))
	switch left, err := n.graph.leftover(ctx); {
	case err != nil:
		return false, fmt.Errorf("out of time while looking for a cycle among %d edges", len(n.graph.edges))
	case len(left) > 0:
		return false, nil
	}
	order, err := r.replay(ctx, n.graph)
	if order == nil || err != nil {
		return false, err
	}
	model := strictSerializable
	if h.SessionOnly {
		model = sessionSerial
	}
	j.proveBy(model)
	return j.proved[j.level], nil
}

// idle is up to how many transactions it is also found out what does hold,
// when what was asked for does not.
const idle = 20_000

func (j *judgement) proveBy(model string) {
	j.holds(model, true)
	j.proof = "carried out one after the other in an order that was found, each reads exactly what it read"
}

// proveRegisters looks for what proves levels: an order that needs not keep to
// the order of time, or an order of versions that closes no cycle. n is the
// inference that assumes most.
func (j *judgement) proveRegisters(ctx context.Context, r *registers, n *inference, tiers []tier, h *history.History) error {
	var found []int32
	for _, weaker := range []struct {
		model string
		tier  tier
	}{{sessionSerial, tiers[3]}, {serializable, tiers[2]}} {
		if j.proved[j.level] || j.out[weaker.model] || j.proved[weaker.model] {
			continue
		}
		if j.out[j.level] && len(r.db.txns) > idle {
			continue // what was asked for is answered
		}
		m := weaker.tier.infer(ctx, r, &history.History{SessionOnly: true}, true, nil)
		if weaker.model == serializable {
			m.graph.forget(process)
		}
		m.graph.pack()
		order, err := r.replay(ctx, m.graph)
		if err != nil {
			return err
		}
		if order != nil {
			j.proveBy(weaker.model)
			found = order
			break
		}
	}
	if !j.proved[j.level] && !j.out[j.level] {
		if err := j.tryOrders(ctx, r, r.orders(n.graph, found), h); err != nil {
			return err
		}
	}
	if err := j.decide(ctx, len(r.db.txns) <= few, r.asks(ctx, tiers, h)); err != nil {
		return err
	}
	if !j.proved[j.level] && !j.out[j.level] && len(j.gaps) == 0 {
		j.gaps = append(j.gaps, "the order of the writes that nobody read and replaced is not known, and none that was tried proves the level")
	}
	return nil
}

// tryOrders tries orders of the versions until one proves the level.
func (j *judgement) tryOrders(ctx context.Context, r *registers, orders [][]int32, h *history.History) error {
	for _, o := range orders {
		if err := j.tryOrder(ctx, r, o, h); err != nil || j.proved[j.level] {
			return err
		}
	}
	return nil
}

// orders returns a few orders of the transactions to derive versions from.
func (r *registers) orders(g *graph, found []int32) [][]int32 {
	byDone := make([]int32, len(r.db.txns))
	for t := range byDone {
		byDone[t] = int32(t)
	}
	slices.SortStableFunc(byDone, func(a, b int32) int {
		return cmp.Compare(min(r.db.txns[a].done, never), min(r.db.txns[b].done, never))
	})
	list := [][]int32{byDone}
	if o := g.inOrder(); o != nil {
		list = append(list, o)
	}
	if found != nil {
		list = append(list, found)
	}
	return list
}

// tryOrder takes the order of versions from that of their writers, as far as
// nothing better is known. If no cycle rules a level out, it holds.
func (j *judgement) tryOrder(ctx context.Context, r *registers, order []int32, h *history.History) error {
	n := &inference{db: r.db, graph: newGraph(r.db), found: findings{}, registers: r}
	r.addReadEdges(n.graph)
	place := make([]int32, n.graph.nodes)
	for i, t := range order {
		if int(t) >= len(place) {
			continue // it stands for many
		}
		place[t] = int32(i) + 1
	}
	var relations []relation
	for key, ids := range r.byKey {
		chains := slices.DeleteFunc(slices.Clone(ids), func(id int32) bool {
			return r.versions[id].prev != none && r.head(id) != id || id == r.initial[key]
		})
		slices.SortStableFunc(chains, func(a, b int32) int {
			return cmp.Compare(place[max(0, r.versions[a].writer)], place[max(0, r.versions[b].writer)])
		})
		before := r.initial[key]
		for _, head := range chains {
			relations = append(relations, relation{older: r.tail(before), newer: head, why: guessed})
			before = head
		}
		for _, id := range ids {
			if next := r.versions[id].next; next != none {
				relations = append(relations, relation{older: id, newer: next, why: fromReplacing})
			}
		}
	}
	r.addVersionEdges(n.graph, relations, false)
	n.addTime(h)
	n.graph.addProcess(r.db)
	n.graph.pack()
	s, err := surveyCycles(ctx, j.lattice, n.graph, false)
	if err != nil {
		return fmt.Errorf("out of time %w", err)
	}
	before := len(j.proved)
	j.prove(ctx, n, s)
	if len(j.proved) > before {
		j.proof = "with an order of versions that was found, no transaction has to come before itself"
	}
	return nil
}
