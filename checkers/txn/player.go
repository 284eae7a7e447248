package txn

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
)

const (
	// tries is how many transactions that could be next are looked at.
	tries = 512
	// patience is how many transactions are carried out in vain, for each that
	// there is and all in all, before the search is given up.
	patience, leastPatience = 8, 200_000
	// labour bounds all work in the same way: where many could be next, each
	// step is dear.
	labour, leastLabour = 256, 20_000_000
)

// A player carries out transactions, one after the other, such that each reads
// what it read.
type player struct {
	r *registers
	g *graph
	// into counts what must be carried out before each node.
	into []int32
	// now is the current version of each key, left how many readers of each
	// version are still to come.
	now, left []int32
	// ready are those that nothing has to precede any more, in order of rank.
	ready []int32
	rank  []int32
	moves []move
	// dead are the sets of transactions after which nothing fits.
	dead map[uint64]bool
	// work is what was done so far, in steps of about ten nanoseconds.
	work int
	// hash is that of the set that was carried out.
	hash uint64
}

// A move is a transaction that was carried out.
type move struct {
	txn int32
	// others could have been next instead.
	others []int32
	// replaced are the versions that it replaced.
	replaced []int32
}

// replay carries out all transactions in an order that the edges allow: one
// may be next if its reads are what is there now, and if everybody who read
// what it replaces has been. Of several that write, the order matters; where a
// choice leads nowhere, it is taken back. nil: none was found, which proves
// nothing.
func (r *registers) replay(ctx context.Context, g *graph) ([]int32, error) {
	p := &player{r: r, g: g, into: make([]int32, g.nodes), now: slices.Clone(r.initial), left: make([]int32, len(r.versions)),
		rank: r.ranks(), dead: make(map[uint64]bool)}
	committed := 0
	for t := range r.db.txns {
		if r.db.txns[t].committed {
			committed++
		}
	}
	for i := range g.arrows {
		p.into[g.arrows[i].to]++
	}
	for id := range r.versions {
		p.left[id] = int32(len(r.versions[id].readers))
	}
	var roots []int32
	for n := range p.into {
		if p.into[n] == 0 {
			roots = append(roots, int32(n))
		}
	}
	// All at once: to insert them one by one would take too long.
	for _, n := range roots {
		if p.passes(n) {
			p.leave(n)
		}
	}
	for _, n := range roots {
		if !p.passes(n) {
			p.ready = append(p.ready, n)
		}
	}
	slices.SortFunc(p.ready, func(a, b int32) int { return cmp.Or(cmp.Compare(p.rank[a], p.rank[b]), cmp.Compare(a, b)) })
	for steps, limit := 0, patience*committed+leastPatience; len(p.moves) < committed; steps++ {
		if pulse(steps) && ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after carrying out %d of %d transactions", len(p.moves), committed)
		}
		if steps > limit || p.work > labour*committed+leastLabour || !p.step() {
			return nil, nil
		}
	}
	order := make([]int32, len(p.moves))
	for i := range p.moves {
		order[i] = p.moves[i].txn
	}
	return order, nil
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

// step carries out a transaction, or takes some back and carries out another;
// false if there is nothing left to try.
func (p *player) step() bool {
	if !p.dead[p.hash] {
		if candidates := p.candidates(); len(candidates) > 0 {
			p.play(candidates[0], candidates[1:])
			return true
		}
		p.dead[p.hash] = true
	}
	for len(p.moves) > 0 {
		last := p.takeBack()
		if len(last.others) > 0 {
			p.play(last.others[0], last.others[1:])
			return true
		}
		p.dead[p.hash] = true
	}
	return false
}

// candidates are the transactions that may be next: one alone if it only
// reads, for it stands in nobody's way, and no later time is better for it.
func (p *player) candidates() []int32 {
	var fit []int32
	for _, t := range p.ready[:min(len(p.ready), tries)] {
		if !p.fits(t) {
			continue
		}
		if len(p.r.writes[t]) == 0 {
			return []int32{t}
		}
		fit = append(fit, t)
	}
	return fit
}

func (p *player) fits(t int32) bool {
	p.work++
	for _, id := range p.r.reads[t] {
		if p.now[p.r.versions[id].key] != id {
			return false
		}
	}
	for _, id := range p.r.writes[t] {
		now := p.now[p.r.versions[id].key]
		waiting := p.left[now]
		if waiting > 0 && slices.Contains(p.r.reads[t], now) {
			waiting--
		}
		if waiting > 0 {
			return false
		}
	}
	return true
}

func (p *player) play(t int32, others []int32) {
	m := move{txn: t, others: others}
	at, _ := p.find(t)
	p.ready = slices.Delete(p.ready, at, at+1)
	for _, id := range p.r.reads[t] {
		p.left[id]--
	}
	for _, id := range p.r.writes[t] {
		key := p.r.versions[id].key
		m.replaced = append(m.replaced, p.now[key])
		p.now[key] = id
	}
	p.moves = append(p.moves, m)
	p.hash ^= scatter(t)
	p.leave(t)
}

// takeBack undoes the last move.
func (p *player) takeBack() move {
	m := p.moves[len(p.moves)-1]
	p.moves = p.moves[:len(p.moves)-1]
	p.hash ^= scatter(m.txn)
	p.unleave(m.txn)
	for i, id := range p.r.writes[m.txn] {
		p.now[p.r.versions[id].key] = m.replaced[i]
	}
	for _, id := range p.r.reads[m.txn] {
		p.left[id]++
	}
	at, _ := p.find(m.txn)
	p.ready = slices.Insert(p.ready, at, m.txn)
	return m
}

// find returns where the transaction is, or belongs, among the ready.
func (p *player) find(t int32) (int, bool) {
	p.work += 1 + len(p.ready)/256 // those behind it will be moved
	return slices.BinarySearchFunc(p.ready, t, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.rank[a], p.rank[b]), cmp.Compare(a, b))
	})
}

// release makes a transaction ready. Nodes that stand for many, and
// transactions that never happened, pass it on at once.
func (p *player) release(node int32) {
	if p.passes(node) {
		p.leave(node)
		return
	}
	at, _ := p.find(node)
	p.ready = slices.Insert(p.ready, at, node)
}

func (p *player) passes(node int32) bool {
	return int(node) >= p.g.txns || !p.r.db.txns[node].committed
}

func (p *player) leave(node int32) {
	for _, a := range p.g.out(node) {
		if p.into[a.to]--; p.into[a.to] == 0 {
			p.release(a.to)
		}
	}
}

// unleave undoes leave, last first.
func (p *player) unleave(node int32) {
	for i := p.g.first[node+1] - 1; i >= p.g.first[node]; i-- {
		to := p.g.arrows[i].to
		if p.into[to] == 0 {
			if p.passes(to) {
				p.unleave(to)
			} else {
				at, _ := p.find(to)
				p.ready = slices.Delete(p.ready, at, at+1)
			}
		}
		p.into[to]++
	}
}

// scatter gives every transaction bits of its own; those of a set are xored.
func scatter(t int32) uint64 {
	x := (uint64(t) + 1) * 0x9e3779b97f4a7c15
	x ^= bits.RotateLeft64(x, 29) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>32) * 0x94d049bb133111eb
	return x ^ x>>29
}
