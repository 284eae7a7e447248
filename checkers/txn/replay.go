package txn

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// proveRegisters looks for what proves levels: an order in which all
// transactions can be carried out one after the other such that each reads
// what it read. n is the inference that assumes most.
func (j *judgement) proveRegisters(ctx context.Context, r *registers, n *inference, h *history.History) error {
	order, err := r.replay(ctx, n.graph)
	if err != nil {
		return err
	}
	if order != nil {
		model := strictSerializable
		if h.SessionOnly {
			model = sessionSerial
		}
		j.holds(model, true)
		j.proof = "carried out one after the other in an order that was found, each transaction reads exactly what it read"
	}
	if j.proved[j.level] || j.out[j.level] {
		return nil
	}
	for _, o := range r.orders(n.graph, order) {
		if err := j.tryOrder(ctx, r, o, h); err != nil {
			return err
		}
		if j.proved[j.level] {
			return nil
		}
	}
	if !j.proved[j.level] && !j.out[j.level] {
		j.gaps = append(j.gaps, "the order of the writes that nobody read and replaced is not known, and none that was tried proves the level")
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

// A player carries out transactions, one after the other.
type player struct {
	r *registers
	g *graph
	// into counts what must be carried out before each node.
	into []int32
	// now is the current version of each key, left how many readers of each
	// version are still to come.
	now, left []int32
	order     []int32
	ready     []int32
	rank      []int32
}

// tries is how many transactions that could be next are looked at.
const tries = 512

// replay carries out all transactions in an order that the edges allow: one
// may be next if its reads are what is there now, and if everybody who read
// what it replaces has been. nil: it got stuck, which proves nothing.
func (r *registers) replay(ctx context.Context, g *graph) ([]int32, error) {
	p := &player{r: r, g: g, into: make([]int32, g.nodes), now: slices.Clone(r.initial), left: make([]int32, len(r.versions)), rank: r.ranks()}
	for i := range g.arrows {
		p.into[g.arrows[i].to]++
	}
	for id := range r.versions {
		p.left[id] = int32(len(r.versions[id].readers))
	}
	for n := range p.into {
		if p.into[n] == 0 {
			p.release(int32(n))
		}
	}
	for steps := 0; len(p.ready) > 0; steps++ {
		if pulse(steps) && ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after carrying out %d transactions", len(p.order))
		}
		at := p.choose()
		if at < 0 {
			return nil, nil
		}
		t := p.ready[at]
		p.ready = slices.Delete(p.ready, at, at+1)
		p.play(t)
	}
	for t := range r.db.txns {
		if p.into[t] > 0 {
			return nil, nil
		}
	}
	return p.order, nil
}

// ranks tells when each transaction's work was first known to be there.
func (r *registers) ranks() []int32 {
	rank := make([]int32, len(r.db.txns))
	for t := range rank {
		rank[t] = r.db.txns[t].done
		for _, id := range r.writes[t] {
			rank[t] = min(rank[t], r.versions[id].met)
		}
	}
	return rank
}

// release makes the node ready, or passes on at once if it stands for many or
// never happened.
func (p *player) release(node int32) {
	if int(node) < p.g.txns && p.r.db.txns[node].committed {
		at, _ := slices.BinarySearchFunc(p.ready, node, func(a, b int32) int {
			return cmp.Or(cmp.Compare(p.rank[a], p.rank[b]), cmp.Compare(a, b))
		})
		p.ready = slices.Insert(p.ready, at, node)
		return
	}
	p.leave(node)
}

func (p *player) leave(node int32) {
	for _, a := range p.g.out(node) {
		if p.into[a.to]--; p.into[a.to] == 0 {
			p.release(a.to)
		}
	}
}

// choose returns the place of the transaction to be next: one that only reads,
// if there is one, for it stands in nobody's way; else the first.
func (p *player) choose() int {
	first := -1
	for i, t := range p.ready[:min(len(p.ready), tries)] {
		if !p.fits(t) {
			continue
		}
		if len(p.r.writes[t]) == 0 {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

func (p *player) fits(t int32) bool {
	for _, id := range p.r.reads[t] {
		if p.now[p.r.versions[id].key] != id {
			return false
		}
	}
	for _, id := range p.r.writes[t] {
		now := p.now[p.r.versions[id].key]
		waiting := p.left[now]
		if slices.Contains(p.r.reads[t], now) {
			waiting--
		}
		if waiting > 0 {
			return false
		}
	}
	return true
}

func (p *player) play(t int32) {
	for _, id := range p.r.reads[t] {
		p.left[id]--
	}
	for _, id := range p.r.writes[t] {
		p.now[p.r.versions[id].key] = id
	}
	p.order = append(p.order, t)
	p.leave(t)
}
