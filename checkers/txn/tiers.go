package txn

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// A tier is a set of rules for the order of versions, with the levels that the
// rules follow from. The cycles that it finds are held against those levels
// and stronger ones only.
type tier struct {
	assuming []string
	// follows: who reads a version and then writes the key makes a newer one.
	follows bool
	// replaces: there is nothing between the two; and a transaction that saw
	// another's work reads no version older than what that one wrote.
	replaces bool
	// sessions: a process never goes back.
	sessions bool
	// realtime: nobody goes back who began after another was complete.
	realtime bool
	order    func(history.Operation) (int64, bool)
}

// tiers returns the rules from the weakest assumption to the strongest, each
// with all rules of those before.
//
// Why they follow: if T reads v of x from U and writes v', then U precedes T by
// a write-read edge, so v' older than v would close a cycle without any
// anti-dependency, which read committed rules out. A version between v and v'
// would make T miss an update: snapshot isolation and repeatable read rule that
// out. A session or strong variant of a level puts its own order among the
// edges; the order of versions follows in the same way.
func (r *registers) tiers(o Options, h *history.History) []tier {
	list := []tier{
		{},
		{assuming: []string{readCommitted}, follows: true},
		{assuming: []string{snapshotIsolation, repeatableRead}, follows: true, replaces: true},
		{assuming: []string{sessionSI}, follows: true, replaces: true, sessions: true},
	}
	if !h.SessionOnly {
		list = append(list, tier{assuming: []string{strongSI}, follows: true, replaces: true, sessions: true, realtime: true})
	}
	for i := range list {
		list[i].sessions = list[i].sessions || o.SequentialKeys
		list[i].realtime = list[i].realtime || o.LinearizableKeys && !h.SessionOnly
		list[i].order = o.Order
	}
	return list
}

// infer builds the graph that the rules give. What follows from who saw whose
// work is left out unless it is to be thorough: it takes longest. keep are the
// transactions that the graph is about; nil if all are.
func (t tier) infer(ctx context.Context, r *registers, h *history.History, thorough bool, keep []bool) *inference {
	n := &inference{db: r.db, graph: r.graph(keep), found: findings{}, assuming: t.assuming, registers: r}
	r.addReadEdges(n.graph)
	var relations []relation
	relations = r.orderedFromStart(relations, t.replaces)
	if t.follows {
		relations = r.following(relations)
	}
	if t.replaces && thorough {
		relations = append(relations, r.seen(ctx, t.sessions)...)
	}
	for _, more := range [][]relation{r.byOrder(t), r.once(&r.bySessions, t.sessions, r.bySession), r.once(&r.byTimes, t.realtime, r.byTime)} {
		if r.consistent(n, relations, more) {
			relations = append(relations, more...)
		}
	}
	r.addVersionEdges(n.graph, relations, t.replaces)
	n.addTime(h)
	return n
}

// graph returns an empty graph that is about these transactions.
func (r *registers) graph(keep []bool) *graph {
	if keep == nil {
		return newGraph(r.db)
	}
	return &graph{txns: len(r.db.txns), nodes: len(r.db.txns), keep: keep}
}

// once returns what infer does, if it is wanted, and keeps it for the next time.
func (r *registers) once(kept *[]relation, wanted bool, infer func() []relation) []relation {
	if !wanted {
		return nil
	}
	if *kept == nil {
		*kept = infer()
	}
	return *kept
}

func (r *registers) addReadEdges(g *graph) {
	for id := range r.versions {
		v := &r.versions[id]
		for _, reader := range v.readers {
			g.add(v.writer, reader, v.key, wr, because)
		}
	}
}

// orderedFromStart puts the initial version before all others.
func (r *registers) orderedFromStart(relations []relation, replaces bool) []relation {
	for key, ids := range r.byKey {
		for _, id := range ids {
			if id != r.initial[key] && (r.versions[id].prev == none || !replaces) {
				relations = append(relations, relation{older: r.initial[key], newer: id, why: fromStart})
			}
		}
	}
	return relations
}

// following puts what was written after what the writer had read.
func (r *registers) following(relations []relation) []relation {
	for t := range r.reads {
		for _, old := range r.reads[t] {
			if id := r.finally(int32(t), r.versions[old].key); id != none {
				relations = append(relations, relation{older: old, newer: id, why: fromReplacing})
			}
		}
	}
	return relations
}

// byOrder is the order of commits, where the system told it.
func (r *registers) byOrder(t tier) []relation {
	if t.order == nil {
		return nil
	}
	var relations []relation
	for _, ids := range r.byKey {
		type placed struct {
			id    int32
			place int64
		}
		var known []placed
		for _, id := range ids {
			if w := r.versions[id].writer; w >= 0 {
				if place, ok := t.order(r.db.txns[w].op); ok {
					known = append(known, placed{id, place})
				}
			}
		}
		slices.SortStableFunc(known, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
		for i := 1; i < len(known); i++ {
			relations = append(relations, relation{older: known[i-1].id, newer: known[i].id, why: fromCommits})
		}
	}
	return relations
}

// bySession is the order in which processes met the versions of a key.
func (r *registers) bySession() []relation {
	type seat struct{ process, key int32 }
	var relations []relation
	last := make(map[seat]int32)
	for i := range r.db.txns {
		tx := &r.db.txns[i]
		if !tx.committed {
			continue
		}
		for _, ids := range [][]int32{r.reads[i], r.writes[i]} {
			for _, id := range ids {
				s := seat{tx.process, r.versions[id].key}
				if before, ok := last[s]; ok && before != id {
					relations = append(relations, relation{older: before, newer: id, why: fromProcess})
				}
				last[s] = id
			}
		}
	}
	return relations
}

// consistent reports whether the further relations agree with those there are,
// key by key. If not, they are a finding and will not be used.
func (r *registers) consistent(n *inference, relations, more []relation) bool {
	if len(more) == 0 {
		return false
	}
	g := &graph{nodes: len(r.versions), txns: len(r.versions), edges: make([]edge, 0, len(relations)+len(more))}
	for _, rel := range relations {
		g.add(rel.older, rel.newer, 0, ww, rel.why)
	}
	for _, rel := range more {
		g.add(rel.older, rel.newer, 0, ww, rel.why)
	}
	g.pack()
	nodes, _, err := g.core(context.Background())
	if err != nil || len(nodes) == 0 {
		return true
	}
	p := g.filter(nodes, ww, false)
	comp, _, err := p.components(context.Background())
	if err != nil {
		return true
	}
	h := hunt{p: p, comp: comp, txns: g.txns, budget: huntBudget}
	cycles, err := h.run(context.Background())
	if err != nil {
		return true
	}
	for _, steps := range cycles {
		n.found.add("cyclic-versions", r.cyclic(steps))
	}
	return false
}

// cyclic tells of versions that must each be older than the other.
func (r *registers) cyclic(steps []step) finding {
	d := r.db
	steps = beginLeast(steps)
	var f finding
	for _, st := range steps {
		a, b := &r.versions[st.from], &r.versions[st.to]
		f.says = append(f.says, fmt.Sprintf("Key %s was %s before it was %s: %s.", d.key(a.key), d.show(a.val), d.show(b.val), r.reason(relation{older: st.from, newer: st.to, why: st.why})))
		for _, t := range []int32{r.witness(st.from, false), r.witness(st.to, true)} {
			if t >= 0 && !slices.Contains(f.txns, t) {
				f.txns = append(f.txns, t)
			}
		}
	}
	for _, t := range f.txns {
		f.says = append(f.says, "It is about "+d.is(t)+".")
	}
	return f
}

// witness returns who met the version and completed first, or began last.
func (r *registers) witness(id int32, began bool) int32 {
	v := &r.versions[id]
	best := v.writer
	for _, t := range v.readers {
		switch {
		case best < 0:
			best = t
		case began && r.db.txns[t].invoked > r.db.txns[best].invoked:
			best = t
		case !began && r.db.txns[t].done < r.db.txns[best].done:
			best = t
		}
	}
	return best
}

// addVersionEdges turns the order of versions into edges: the writer of the
// older and its readers come before the writer of the newer. If versions are
// replaced in one step, what is newer than one of a chain is newer than all of
// it, and what is older likewise.
func (r *registers) addVersionEdges(g *graph, relations []relation, replaces bool) {
	targets := make([][]relation, len(r.versions))
	for _, rel := range relations {
		if replaces && r.versions[rel.older].next != rel.newer && r.head(rel.older) != r.head(rel.newer) {
			rel.older, rel.newer = r.tail(rel.older), r.head(rel.newer)
		}
		if w := r.versions[rel.newer].writer; rel.older != rel.newer && w >= 0 && g.about(w) {
			targets[rel.older] = append(targets[rel.older], rel)
		}
	}
	for id := range r.versions {
		r.joinVersions(g, &r.versions[id], targets[id])
	}
}

// fewTargets is up to how many edges are added one by one.
const fewTargets = 256

func (r *registers) joinVersions(g *graph, v *version, newer []relation) {
	slices.SortFunc(newer, func(a, b relation) int { return cmp.Compare(a.newer, b.newer) })
	newer = slices.CompactFunc(newer, func(a, b relation) bool { return a.newer == b.newer })
	if len(newer)*(len(v.readers)+1) <= fewTargets || len(newer) < fewUnseen {
		for _, rel := range newer {
			to := r.versions[rel.newer].writer
			g.add(v.writer, to, v.key, ww, rel.why)
			for _, reader := range v.readers {
				g.add(reader, to, v.key, rw, rel.why)
			}
		}
		return
	}
	to := make([]int32, len(newer))
	for i, rel := range newer {
		to[i] = r.versions[rel.newer].writer
	}
	f := newFan(g, v.key, to)
	if v.writer >= 0 {
		f.join(v.writer, ww)
	}
	for _, reader := range v.readers {
		f.join(reader, rw)
	}
}
