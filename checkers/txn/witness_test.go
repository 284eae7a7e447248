package txn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// shortest returns how many edges the shortest cycle has that begins with an
// edge of kind first and goes on with edges of kinds; 0 if there is none.
func shortest(g *graph, first, kinds uint8) int {
	best := 0
	for from := range int32(g.nodes) {
		for _, a := range g.out(from) {
			if a.kind != first {
				continue
			}
			dist := map[int32]int{a.to: 1}
			for queue := []int32{a.to}; len(queue) > 0; queue = queue[1:] {
				for _, b := range g.out(queue[0]) {
					if _, met := dist[b.to]; !met && b.kind&kinds != 0 {
						dist[b.to] = dist[queue[0]] + 1
						queue = append(queue, b.to)
					}
				}
			}
			if d, ok := dist[from]; ok && (best == 0 || d < best) {
				best = d
			}
		}
	}
	return best
}

// TestWitnesses checks on random graphs that each kind of cycle is found when
// it is there, that what is shown is a cycle of edges that are there and of the
// kind that it is called, and that the first shown is the shortest.
func TestWitnesses(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	found := map[string]int{}
	for range 4000 {
		n := 2 + rng.IntN(7)
		g := &graph{txns: n, nodes: n}
		for range rng.IntN(2 * n) {
			g.add(int32(rng.IntN(n)), int32(rng.IntN(n)), 0, []uint8{ww, wr, rw, rw}[rng.IntN(4)], because)
		}
		g.pack()
		s, err := surveyCycles(t.Context(), latticeOf(), g, true)
		if err != nil {
			t.Fatal(err)
		}
		for anomaly, c := range s.found {
			found[anomaly]++
			for _, f := range c.shown {
				isCycle(t, g, anomaly, f.steps)
			}
		}
		g0, g1c := shortest(g, ww, ww), shortest(g, wr, ww|wr)
		single := shortest(g, rw, ww|wr)
		check := func(anomaly string, length int, covered bool) {
			c := s.found[anomaly]
			switch {
			case length == 0 && c != nil:
				t.Fatalf("%s was found, and is not there", anomaly)
			case length > 0 && !covered && c == nil:
				t.Fatalf("%s was not found", anomaly)
			case length > 0 && !covered && len(c.shown[0].steps) != length:
				t.Fatalf("%s is shown with %d edges, the shortest has %d", anomaly, len(c.shown[0].steps), length)
			}
		}
		check("G0", g0, false)
		check("G1c", g1c, g0 > 0)
		check("G-single-item", single, g0 > 0 || g1c > 0)
	}
	for _, anomaly := range []string{"G0", "G1c", "G-single-item", "G-nonadjacent-item", "G2-item"} {
		if found[anomaly] < 20 {
			t.Errorf("%s was found only %d times: the graphs do not test it", anomaly, found[anomaly])
		}
	}
}

func isCycle(t *testing.T, g *graph, anomaly string, steps []step) {
	t.Helper()
	for i, st := range steps {
		there := slices.ContainsFunc(g.out(st.from), func(a arrow) bool { return a.to == st.to && a.kind == st.kind })
		if next := steps[(i+1)%len(steps)]; !there || next.from != st.to {
			t.Fatalf("%s: %v is no cycle of edges that are there", anomaly, steps)
		}
	}
	if is := classify(steps); is != anomaly {
		t.Fatalf("%v is called %s, but is %s", steps, anomaly, is)
	}
}

// TestClassify names cycles by their edges.
func TestClassify(t *testing.T) {
	for _, test := range []struct {
		kinds []uint8
		want  string
	}{
		{[]uint8{ww, ww}, "G0"},
		{[]uint8{ww, process}, "G0-process"},
		{[]uint8{ww, process, realtime}, "G0-realtime"},
		{[]uint8{ww, wr}, "G1c"},
		{[]uint8{wr, rw}, "G-single-item"},
		{[]uint8{realtime, rw}, "G-single-item-realtime"},
		{[]uint8{rw, rw}, "G2-item"},
		{[]uint8{rw, wr, rw}, "G2-item"},
		{[]uint8{rw, wr, rw, ww}, "G-nonadjacent-item"},
		{[]uint8{rw, process, rw, process}, "G-nonadjacent-item-process"},
	} {
		var steps []step
		for i, kind := range test.kinds {
			steps = append(steps, step{from: int32(i), to: int32((i + 1) % len(test.kinds)), kind: kind})
		}
		if got := classify(steps); got != test.want {
			t.Errorf("%v is %s, want %s", test.kinds, got, test.want)
		}
	}
}
