package txn

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// TestSearchAgainstBruteForce asks the search alone: whatever inference left
// open or not, it must find an order if and only if there is one.
func TestSearchAgainstBruteForce(t *testing.T) {
	asked, none := 0, 0
	for i := range *histories {
		h := randomHistory(seed(i), false, 5, false)
		d, err := load(t.Context(), h, false)
		if err != nil {
			t.Fatal(err)
		}
		base := &inference{db: d, graph: newGraph(d), found: findings{}}
		r, err := newRegisters(t.Context(), d, Options{}, base)
		if err != nil {
			t.Fatal(err)
		}
		if len(base.found) > 0 && !(len(base.found) == 1 && base.found["lost-update"] != nil) {
			continue
		}
		all := tinies(h, false)
		for _, test := range deciders() {
			if test.double && len(all) > 4 {
				continue
			}
			must := noOrder
			switch {
			case test.kinds&realtime != 0:
				must = realOrder
			case test.kinds&process != 0:
				must = sessionOrder
			}
			want := false
			if test.double {
				want = snapshotBrute(all, false, must)
			} else {
				want = serializableBrute(all, false, must)
			}
			got := searched(t, r, h, test)
			asked++
			if !want {
				none++
			}
			if got != want {
				t.Fatalf("history %d, %s: %v, in truth %v\n%s", i, test.anomaly, got, want, lines(h))
			}
		}
	}
	t.Logf("%d questions, %d without an order", asked, none)
	if none < asked/100 || none > asked*99/100 {
		t.Error("the histories do not test it")
	}
}

// TestSearchInAnyTurn asks about longer histories, once with the choices made in
// turn and once with those first that were to blame: both must say the same.
func TestSearchInAnyTurn(t *testing.T) {
	outcomes, conflicts := map[bool]int{}, 0
	for i := range 200 {
		rng := seed(i)
		h := jumbled(100, 1+rng.IntN(200), uint64(i))
		if i%2 == 0 {
			h = misread(t, h, rng)
		}
		d, err := load(t.Context(), h, false)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRegisters(t.Context(), d, Options{}, &inference{db: d, graph: newGraph(d), found: findings{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range deciders()[:2] {
			p, _ := polygraphOf(t, r, h, test)
			other, _ := polygraphOf(t, r, h, test)
			if p == nil {
				continue
			}
			other.solver.inTurn = false
			a, err := p.search(t.Context(), patient())
			if err != nil {
				t.Fatal(err)
			}
			b, err := other.search(t.Context(), patient())
			if err != nil || a != b || a == gaveUp {
				t.Fatalf("history %d, %s: %v and %v, %v", i, test.anomaly, a, b, err)
			}
			outcomes[a == possible]++
			conflicts += other.solver.conflicts
		}
	}
	t.Logf("%d have an order, %d have none, after %d conflicts", outcomes[true], outcomes[false], conflicts)
	if outcomes[true] < 30 || outcomes[false] < 30 {
		t.Error("the histories do not test it")
	}
}

// misread changes what one read in a longer transaction showed to what another
// read of the key showed.
func misread(t *testing.T, h *history.History, rng *rand.Rand) *history.History {
	t.Helper()
	ops := slices.Clone(h.Ops)
	showed := make(map[string][]string) // by key
	type spot struct{ op, mop int }
	var spots []spot
	values := make(map[int][][3]json.RawMessage)
	for i := range ops {
		var mops [][3]json.RawMessage
		if err := json.Unmarshal(ops[i].Value, &mops); err != nil {
			t.Fatal(err)
		}
		values[i] = mops
		for k, m := range mops {
			if ops[i].Type == history.OK && string(m[0]) == `"r"` {
				showed[string(m[1])] = append(showed[string(m[1])], string(m[2]))
				if len(mops) > 1 {
					spots = append(spots, spot{i, k})
				}
			}
		}
	}
	s := spots[rng.IntN(len(spots))]
	m := &values[s.op][s.mop]
	others := showed[string(m[1])]
	m[2] = json.RawMessage(others[rng.IntN(len(others))])
	value, err := json.Marshal(values[s.op])
	if err != nil {
		t.Fatal(err)
	}
	ops[s.op].Value = value
	return reindexed(ops)
}

// TestGivingUp has no time for the search: then nothing is decided, and the
// result tells how far it got.
func TestGivingUp(t *testing.T) {
	h := jumbled(300, 300, 5)
	d, err := load(t.Context(), h, false)
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{name: "rw-register", options: Options{Level: serializable}, lattice: latticeOf()}
	for _, most := range []budget{{conflicts: 3, work: 1 << 40, edges: 1 << 40}, {conflicts: 1 << 40, work: 0, edges: 1 << 40}, {conflicts: 1 << 40, work: 1 << 40, edges: 10}} {
		j := newJudgement(c.lattice, serializable, d)
		j.patient, j.brief = most, budget{conflicts: -1}
		if err := j.registers(t.Context(), d, h, c.options); err != nil {
			t.Fatal(err)
		}
		r := c.result(j, d)
		says := strings.Join(r.Says, "\n")
		if r.Verdict != checkers.Unknown || !strings.Contains(says, "gave up") || !strings.Contains(says, "pairs of transactions") {
			t.Errorf("%+v: %v: %s", most, r.Verdict, says)
		}
	}
}

// TestOrdering adds edges and takes them back; the nodes must stay in an order
// that all edges lead forward in, and an edge must be refused if and only if it
// would close a cycle.
func TestOrdering(t *testing.T) {
	for i := range 500 {
		rng := seed(i)
		n := 2 + rng.IntN(12)
		order := make([]int32, n)
		for k := range order {
			order[k] = int32(k)
		}
		g := &graph{txns: n, nodes: n}
		for range rng.IntN(n) {
			if a, b := int32(rng.IntN(n)), int32(rng.IntN(n)); a < b {
				g.add(a, b, 0, ww, because)
			}
		}
		g.pack()
		o := newOrdering(g.filter(g.everyNode(), ww, false), order)
		for step := range 40 {
			if rng.IntN(4) == 0 {
				o.undo(rng.IntN(len(o.trail) + 1))
			}
			a, b := int32(rng.IntN(n)), int32(rng.IntN(n))
			if a == b {
				continue
			}
			back := reaches(o, b, a)
			if ok := o.add(a, b, int32(step)); ok == back {
				t.Fatalf("%d, step %d: added %v, though there is a way back: %v", i, step, ok, back)
			}
			for node := range int32(n) {
				for _, to := range after(o, node) {
					if o.place[node] >= o.place[to] {
						t.Fatalf("%d, step %d: the edge from %d to %d leads backward", i, step, node, to)
					}
				}
			}
		}
	}
}

func after(o *ordering, node int32) []int32 {
	to := slices.Clone(o.base.to[o.base.first[node]:o.base.first[node+1]])
	for _, b := range o.out[node] {
		to = append(to, b.node)
	}
	return to
}

func reaches(o *ordering, from, goal int32) bool {
	met := map[int32]bool{from: true}
	for queue := []int32{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == goal {
			return true
		}
		for _, to := range after(o, queue[0]) {
			if !met[to] {
				met[to] = true
				queue = append(queue, to)
			}
		}
	}
	return false
}

func lines(h *history.History) string {
	s := ""
	for i := range h.Ops {
		s += fmt.Sprintln(h.Ops[i].Process, h.Ops[i].Type, string(h.Ops[i].Value))
	}
	return s
}

// polygraphOf has nothing known but who read what, how the keys began, and the
// order that the level has; nil if that has a cycle already.
func polygraphOf(t *testing.T, r *registers, h *history.History, test test) (*polygraph, *inference) {
	t.Helper()
	n := &inference{db: r.db, graph: newGraph(r.db), found: findings{}, registers: r}
	r.addReadEdges(n.graph)
	r.addVersionEdges(n.graph, r.orderedFromStart(nil, false), false)
	if test.kinds&process != 0 {
		n.graph.addProcess(r.db)
	}
	if test.kinds&realtime != 0 {
		n.graph.addRealtime(r.db, len(h.Ops))
	}
	n.graph.pack()
	p, err := newPolygraph(n.graph, test.kinds, test.double, r.rivals(), r.ranks())
	if err != nil {
		return nil, n
	}
	return p, n
}

// searched asks the search, and tells why, if there is no order.
func searched(t *testing.T, r *registers, h *history.History, test test) bool {
	t.Helper()
	p, n := polygraphOf(t, r, h, test)
	if p == nil {
		return false
	}
	p.solver.inTurn = len(h.Ops)%2 == 0
	how, err := p.search(t.Context(), patient())
	if err != nil || how == gaveUp {
		t.Fatal(how, err)
	}
	if how == impossible {
		f := p.finding(t.Context(), n)
		if len(f.txns) < 2 || len(f.cases) < 2 {
			t.Fatalf("no proof of it: %+v", f)
		}
		for _, steps := range f.cases {
			for i, st := range steps {
				if st.to != steps[(i+1)%len(steps)].from || st.kind == 0 {
					t.Fatalf("step %d of %+v does not lead on to the next", i, steps)
				}
			}
		}
	}
	return how == possible
}
