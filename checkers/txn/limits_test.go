package txn

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

func nilContext() context.Context { return context.Background() }

// A fuse is a context that is done after it was asked a number of times.
type fuse struct {
	context.Context
	left int
}

func (f *fuse) Err() error {
	if f.left--; f.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestOutOfTime ends the time after every number of looks at the clock: the
// answer is never valid then, and says how far it got.
func TestOutOfTime(t *testing.T) {
	for _, lists := range []bool{true, false} {
		h := usual(lists).make(60_000, 1)
		stopped := 0
		for looks := 0; looks < 200_000; looks = looks*3/2 + 1 {
			c := ListAppend(Options{})
			if !lists {
				c = RWRegister(Options{})
			}
			f := &fuse{Context: context.Background(), left: looks}
			r := c.Check(f, h)
			if f.left >= 0 {
				break
			}
			stopped++
			if r.Verdict != checkers.Unknown || !strings.Contains(r.Says[0], "ut of time") && !strings.Contains(r.Says[0], "gave up") {
				t.Fatalf("after %d looks: %v %v", looks, r.Verdict, r.Says)
			}
		}
		if stopped < 3 {
			t.Errorf("it looked at the clock only %d times", stopped)
		}
	}
}

// TestUnknownLevel is no crash.
func TestUnknownLevel(t *testing.T) {
	r := ListAppend(Options{Level: "repeatable"}).Check(t.Context(), history.New(nil))
	if r.Verdict != checkers.Unknown || !strings.Contains(r.Says[0], "repeatable-read") {
		t.Error(r)
	}
	r = ListAppend(Options{}).Check(t.Context(), history.New(nil))
	if r.Verdict != checkers.Unknown {
		t.Error("an empty history is", r.Verdict)
	}
}

// TestCrowd has one key that everybody appends to and nobody, or everybody,
// reads: edges must not be many more than transactions.
func TestCrowd(t *testing.T) {
	const n = 20_000
	for _, test := range []struct {
		name, format string
		verdict      checkers.Verdict
	}{
		{"all append and read nothing", `[["r","x",null],["append","x",%d]]`, checkers.Violation},
		{"all append", `[["append","x",%d]]`, checkers.Valid},
	} {
		t.Run(test.name, func(t *testing.T) {
			ops := make([]history.Op, 0, 2*n+2)
			for i := range n {
				ops = append(ops, history.Op{Process: i, F: "txn"})
			}
			ops = append(ops, history.Op{Process: n, F: "txn"})
			ops = append(ops, history.Op{Process: n, F: "txn", Type: history.OK, Value: []byte(`[["r","x",[]]]`)})
			for i := range n {
				ops = append(ops, history.Op{Process: i, F: "txn", Type: history.OK, Value: fmt.Appendf(nil, test.format, i)})
			}
			r := ListAppend(Options{}).Check(t.Context(), reindexed(ops))
			if r.Verdict != test.verdict {
				t.Error(r.Verdict, r.Says)
			}
			if r.Counts["edges"] > 20*n {
				t.Errorf("%d edges", r.Counts["edges"])
			}
		})
	}
}

// TestFan leads from every node to all others, and from outsiders to all.
func TestFan(t *testing.T) {
	for n := 1; n < 12; n++ {
		g := &graph{txns: n + 1, nodes: n + 1}
		var to []int32
		for i := range n {
			to = append(to, int32(i))
		}
		f := newFan(g, 0, to)
		for i := range n + 1 {
			f.join(int32(i), rw)
		}
		g.pack()
		for from := range int32(n + 1) {
			reached := map[int32]bool{}
			var visit func(int32)
			visit = func(node int32) {
				for _, a := range g.out(node) {
					if a.to < int32(n+1) {
						reached[a.to] = true
					} else {
						visit(a.to)
					}
				}
			}
			visit(from)
			for i := range int32(n + 1) {
				if want := i != from && i < int32(n); reached[i] != want {
					t.Errorf("%d of %d leads to %d: %v, want %v", from, n, i, reached[i], want)
				}
			}
		}
	}
}

// TestRealtime compares the edges of time with all pairs.
func TestRealtime(t *testing.T) {
	for i := range 300 {
		h := randomHistory(seed(i), true, 8, false)
		d, err := load(t.Context(), h, true)
		if err != nil {
			t.Fatal(err)
		}
		g := newGraph(d)
		g.addRealtime(d, len(h.Ops))
		g.pack()
		for a := range d.txns {
			reached := map[int32]bool{}
			var visit func(int32)
			visit = func(node int32) {
				for _, arrow := range g.out(node) {
					if !reached[arrow.to] {
						reached[arrow.to] = true
						visit(arrow.to)
					}
				}
			}
			visit(int32(a))
			for b := range d.txns {
				want := d.txns[a].committed && d.txns[b].committed && d.txns[a].done < d.txns[b].invoked
				if reached[int32(b)] != want {
					t.Fatalf("history %d: %d before %d: %v, want %v", i, a, b, reached[int32(b)], want)
				}
			}
		}
	}
}

// TestComponents compares with reachability, in plain and double graphs.
func TestComponents(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 2000 {
		n := 1 + rng.IntN(7)
		g := &graph{txns: n, nodes: n}
		for range rng.IntN(14) {
			g.add(int32(rng.IntN(n)), int32(rng.IntN(n)), 0, []uint8{ww, wr, rw}[rng.IntN(3)], because)
		}
		g.pack()
		nodes := make([]int32, n)
		for i := range nodes {
			nodes[i] = int32(i)
		}
		for _, double := range []bool{false, true} {
			p := g.filter(nodes, ww|wr|rw, double)
			comp, _, err := p.components(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			reach := reachability(p)
			for i := range comp {
				for j := range comp {
					same := i != j && reach[i][j] && reach[j][i]
					if i != j && (comp[i] >= 0 && comp[i] == comp[j]) != same {
						t.Fatalf("%d and %d: components %d and %d, but together: %v (double: %v)", i, j, comp[i], comp[j], same, double)
					}
				}
			}
		}
	}
}

func reachability(p *plain) [][]bool {
	n := p.size()
	reach := make([][]bool, n)
	for i := range reach {
		reach[i] = make([]bool, n)
		for _, to := range p.to[p.first[i]:p.first[i+1]] {
			reach[i][to] = true
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	return reach
}

// TestManySessions has as many sessions as operations of unknown outcome, and is
// not serializable: what happened before what has to be known, of all.
func TestManySessions(t *testing.T) {
	sizes := []int{100_000}
	if *million {
		sizes = append(sizes, 1_000_000)
	}
	if testing.Short() {
		sizes = []int{10_000}
	}
	w := usual(false)
	w.unknown = 0.05
	check := RWRegister(Options{Level: "causal"})
	for _, n := range sizes {
		valid := w.make(n, 2)
		for _, p := range plants(t, "rw-register") {
			switch p.anomaly {
			case "G2-item":
				h, _ := p.in(valid, n)
				if r := check.Check(t.Context(), h); r.Verdict != checkers.Valid || !strings.Contains(r.Says[0], "without contradiction") {
					t.Errorf("%d with %s: %v: %v", n, p.anomaly, r.Verdict, r.Says)
				}
			case "causality-process":
				h, planted := p.in(valid, n)
				finds(t, check.Check(t.Context(), h), p, planted)
			}
		}
	}
}

// TestUnknownPast has a process that goes on after an unknown outcome, as it
// should not: what comes then may have come before that took place.
func TestUnknownPast(t *testing.T) {
	h, err := parseTiny([]string{
		"p0 1-2 ok write x 1", "p0 3-4 info write x 2", "p0 5-6 ok write y 1", "p1 7-8 ok read y 1, read x 1", "p1 9-10 ok read x 2",
		"p2 1-12 ok read u nil, write v 1", "p3 1-12 ok read v nil, write u 1", // no order of all will do
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := RWRegister(Options{Level: "causal"}).Check(t.Context(), h); r.Verdict != checkers.Valid || !strings.Contains(r.Says[0], "without contradiction") {
		t.Error(r.Verdict, r.Says)
	}
}

// TestSessionsOnly has no real time, so what is about real time is unknown,
// and nothing that only real time would tell is held against anybody.
func TestSessionsOnly(t *testing.T) {
	h, err := parseTiny([]string{"p0 1-2 ok append x 1", "p1 3-4 ok read x []", "p2 5-6 ok read x [1]"})
	if err != nil {
		t.Fatal(err)
	}
	h.SessionOnly = true
	r := ListAppend(Options{}).Check(t.Context(), h)
	if r.Verdict != checkers.Unknown || !strings.Contains(r.Says[0], "sessions only") {
		t.Error(r.Verdict, r.Says)
	}
	r = ListAppend(Options{Level: "strong-session-serializable"}).Check(t.Context(), h)
	if r.Verdict != checkers.Valid {
		t.Error(r.Verdict, r.Says)
	}
}

// TestEntangledIsEnough asks the weaker rules about the transactions in cycles
// alone, and about all: the same levels must be ruled out.
func TestEntangledIsEnough(t *testing.T) {
	narrowed := 0
	for i := range 6000 {
		h := randomHistory(seed(i), false, 9, false)
		d, err := load(t.Context(), h, false)
		if err != nil {
			t.Fatal(err)
		}
		ruledOut := func(narrow bool) set {
			j := newJudgement(latticeOf(), strictSerializable, d)
			base := &inference{db: d, graph: newGraph(d), found: findings{}}
			r, err := newRegisters(t.Context(), d, Options{}, base)
			if err != nil {
				t.Fatal(err)
			}
			tiers := r.tiers(Options{}, h)
			n := tiers[len(tiers)-1].infer(t.Context(), r, h, true, nil)
			j.take(base)
			s, err := j.survey(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			var keep []bool
			if narrow {
				keep = r.entangled(n, s)
			}
			if keep != nil && len(s.core) > 0 {
				narrowed++
			}
			if err := j.allTiers(t.Context(), r, h, tiers[:len(tiers)-1], keep); err != nil {
				t.Fatal(err)
			}
			if err := j.sessions(t.Context(), r, true, keep); err != nil {
				t.Fatal(err)
			}
			return j.out
		}
		if narrow, whole := ruledOut(true), ruledOut(false); !maps.Equal(narrow, whole) {
			t.Fatalf("history %d: %v\n%v\n%s", i, narrow, whole, lines(h))
		}
	}
	if narrowed < 40 {
		t.Errorf("only %d histories had anything to narrow", narrowed)
	}
}
