package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("n%d", i+1))
	}
	return out
}

// hears are the nodes whose packets reach n, with n itself.
func hears(cuts [][2]string, n string, nodes []string) []string {
	deaf, _ := lost(cuts, n, nodes)
	return without(nodes, deaf)
}

func anyRNG(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
}

func symmetric(cuts [][2]string) bool {
	for _, c := range cuts {
		if !slices.Contains(cuts, [2]string{c[1], c[0]}) {
			return false
		}
	}
	return true
}

// In a majority ring every node sees a majority, and no two nodes the same.
func TestMajorityRing(t *testing.T) {
	for _, n := range []int{3, 4, 5, 6, 7, 9} {
		t.Run(fmt.Sprint(n), rapid.MakeCheck(func(t *rapid.T) {
			nodes := names(n)
			cuts, err := Cuts(ShapeMajorityRing, nodes, nil, anyRNG(t))
			if err != nil || len(cuts) == 0 || !symmetric(cuts) {
				t.Fatalf("cuts %v, err %v", cuts, err)
			}
			views := map[string]string{}
			for _, node := range nodes {
				view := hears(cuts, node, nodes)
				if len(view) < n/2+1 {
					t.Fatalf("%s sees only %v", node, view)
				}
				if other, twice := views[fmt.Sprint(view)]; twice {
					t.Fatalf("%s and %s both see %v", node, other, view)
				}
				views[fmt.Sprint(view)] = node
			}
		}))
	}
}

func TestHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := names(rapid.IntRange(2, 9).Draw(t, "nodes"))
		cuts, err := Cuts(ShapeRandomHalves, nodes, nil, anyRNG(t))
		if err != nil || !symmetric(cuts) {
			t.Fatalf("cuts %v, err %v", cuts, err)
		}
		sides := map[string]int{}
		for _, n := range nodes {
			sides[fmt.Sprint(hears(cuts, n, nodes))]++
		}
		if len(sides) != 2 {
			t.Fatalf("%d sides: %v", len(sides), sides)
		}
		for side, n := range sides {
			if n != len(nodes)/2 && n != len(nodes)-len(nodes)/2 {
				t.Fatalf("side %s has %d of %d nodes", side, n, len(nodes))
			}
		}
	})
}

// A bridge is the one node that everybody hears; nobody else is.
func TestBridge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := names(rapid.IntRange(3, 9).Draw(t, "nodes"))
		cuts, err := Cuts(ShapeBridge, nodes, nil, anyRNG(t))
		if err != nil || !symmetric(cuts) {
			t.Fatalf("cuts %v, err %v", cuts, err)
		}
		whole := 0
		for _, n := range nodes {
			if len(hears(cuts, n, nodes)) == len(nodes) {
				whole++
			}
		}
		if whole != 1 {
			t.Fatalf("%d nodes hear everybody: %v", whole, cuts)
		}
	})
}

func TestShapesAroundANode(t *testing.T) {
	nodes := names(3)
	for _, tt := range []struct {
		shape string
		want  string
	}{
		{ShapeOne, "[[n1 n2] [n2 n1] [n2 n3] [n3 n2]]"},
		{ShapeOneWayOut, "[[n2 n1] [n2 n3]]"},
		{ShapeOneWayIn, "[[n1 n2] [n3 n2]]"},
	} {
		cuts, err := Cuts(tt.shape, nodes, []string{"n2"}, nil)
		if err != nil || fmt.Sprint(cuts) != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.shape, cuts, err, tt.want)
		}
		if _, err := Cuts(tt.shape, nodes, nil, nil); err == nil {
			t.Errorf("%s around nobody was made", tt.shape)
		}
	}
	if _, err := Cuts("heptagon", nodes, nil, nil); err == nil {
		t.Error("a heptagon was made")
	}
}

func TestDescribe(t *testing.T) {
	rng := func() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
	for _, tt := range []struct {
		shape string
		nodes int
		want  string
	}{
		{ShapeOne, 3, "n1 n3 | n2"},
		{ShapeOneWayOut, 3, "what n2 sends is lost"},
		{ShapeOneWayIn, 3, "what is sent to n2 is lost"},
		{ShapeHalves, 5, "n1 n2 | n3 n4 n5"},
		{ShapeRandomHalves, 5, "n1 n2 | n3 n4 n5"},
		{ShapeMinority, 5, "n1 n4 n5 | n2 n3"},
		{ShapeMajority, 5, "n1 n5 | n2 n3 n4"},
		{ShapeBridge, 5, "n1 n3 | n4 n5, all reach n2"},
		{ShapeMajorityRing, 5, "n1 hears only n2 n3, n2 hears only n1 n5, n3 hears only n1 n4, n4 hears only n3 n5, n5 hears only n2 n4"},
		{ShapeMajorityRing, 3, "n1 | n2, all reach n3"},
	} {
		nodes := names(tt.nodes)
		cuts, err := Cuts(tt.shape, nodes, []string{"n2"}, rng())
		if err != nil {
			t.Fatal(err)
		}
		if got := Describe(cuts, nodes); got != tt.want {
			t.Errorf("%s of %d: %q, want %q", tt.shape, tt.nodes, got, tt.want)
		}
	}
	odd := [][2]string{{"n1", "n2"}, {"n1", "n3"}, {"n4", "n2"}}
	if got, want := Describe(odd, names(4)), "n2 hears only n3, n3 hears only n2 n4"; got != want {
		t.Errorf("odd cuts: %q, want %q", got, want)
	}
}

func TestDirectionTakesBoth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[string]bool{}
	for range 50 {
		seen[Direction(ShapeOneWay, rng)] = true
	}
	if !seen[ShapeOneWayIn] || !seen[ShapeOneWayOut] || len(seen) != 2 {
		t.Errorf("directions drawn: %v", seen)
	}
	if got := Direction(ShapeOne, rng); got != ShapeOne {
		t.Errorf("one became %s", got)
	}
}

// A minority is the largest that leaves a majority, a majority the smallest
// that there is; the node that it is about is on that side, in any case.
func TestMinorityAndMajority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := names(rapid.IntRange(3, 9).Draw(t, "nodes"))
		around := rapid.SampledFrom(nodes).Draw(t, "around")
		rng := anyRNG(t)
		if rapid.Bool().Draw(t, "at the moment of injection") {
			rng = nil
		}
		for shape, size := range map[string]int{ShapeMinority: (len(nodes) - 1) / 2, ShapeMajority: len(nodes)/2 + 1} {
			cuts, err := Cuts(shape, nodes, []string{around}, rng)
			if err != nil || !symmetric(cuts) {
				t.Fatalf("%s: cuts %v, err %v", shape, cuts, err)
			}
			side := hears(cuts, around, nodes)
			if len(side) != size {
				t.Fatalf("%s of %d: %s hears %v; want %d nodes", shape, len(nodes), around, side, size)
			}
			for _, n := range nodes {
				inside := slices.Contains(side, n)
				if view := hears(cuts, n, nodes); inside && !slices.Equal(view, side) || !inside && !slices.Equal(view, without(nodes, side)) {
					t.Fatalf("%s hears %v across the cut %v", n, view, cuts)
				}
			}
		}
	})
}

func TestHalvesInOrder(t *testing.T) {
	for n, want := range map[int]string{2: "n1 | n2", 4: "n1 n2 | n3 n4", 5: "n1 n2 | n3 n4 n5"} {
		cuts, err := Cuts(ShapeHalves, names(n), nil, nil)
		if got := Describe(cuts, names(n)); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestDescribeClients(t *testing.T) {
	for want, cuts := range map[string][][2]string{
		"n1 | clients, all reach n2 n3":      WithClients(DirectionBoth, []string{"n1"}),
		"what n1 sends to clients is lost":   WithClients(DirectionOut, []string{"n1"}),
		"what n1 n3 send to clients is lost": WithClients(DirectionOut, []string{"n1", "n3"}),
		"what clients send to n1 n3 is lost": WithClients(DirectionIn, []string{"n1", "n3"}),
		"n1 clients | n2 n3":                 Between([][]string{{"n1", "clients"}, {"n2", "n3"}}),
	} {
		if got := Describe(cuts, names(3)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
