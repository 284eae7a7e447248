package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPickCounts(t *testing.T) {
	for _, tt := range []struct {
		target string
		nodes  int
		want   int
	}{
		{TargetOne, 1, 1}, {TargetOne, 5, 1},
		{TargetMinority, 3, 1}, {TargetMinority, 4, 1}, {TargetMinority, 5, 2}, {TargetMinority, 7, 3},
		{TargetMajority, 1, 1}, {TargetMajority, 3, 2}, {TargetMajority, 4, 3}, {TargetMajority, 5, 3},
		{TargetAll, 5, 5},
		{"n2", 5, 1}, {"n3, n1,n3", 5, 2},
	} {
		t.Run(fmt.Sprintf("%s of %d", tt.target, tt.nodes), rapid.MakeCheck(func(t *rapid.T) {
			nodes := names(tt.nodes)
			got, err := Pick(tt.target, nodes, nil, anyRNG(t))
			if err != nil || len(got) != tt.want {
				t.Fatalf("%v, %v; want %d nodes", got, err, tt.want)
			}
			if !slices.Equal(got, inOrder(got, nodes)) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("%v is out of order or holds one twice", got)
			}
		}))
	}
}

func TestPickRefuses(t *testing.T) {
	for _, tt := range []struct {
		target string
		nodes  int
		want   string
	}{
		{TargetMinority, 2, "matches no node"},
		{"n6", 5, "is no node; there are n1, n2"},
		{"n1,", 5, "is no node"},
		{TargetLeader, 5, "only when the fault is injected"},
	} {
		if got, err := Pick(tt.target, names(tt.nodes), nil, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s of %d: %v, %v; want an error with %q", tt.target, tt.nodes, got, err, tt.want)
		}
	}
}

// As long as enough nodes are free, only free ones are taken.
func TestPickPrefersTheFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := names(5)
		free := inOrder(rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 0, 5, rapid.ID).Draw(t, "free"), nodes)
		got, err := Pick(TargetMinority, nodes, free, anyRNG(t))
		if err != nil || len(got) != 2 {
			t.Fatalf("%v, %v", got, err)
		}
		busy := len(without(got, free))
		if want := max(0, 2-len(free)); busy != want {
			t.Fatalf("picked %v with %v free: %d that are busy, want %d", got, free, busy, want)
		}
	})
}

func TestByRole(t *testing.T) {
	if got := ByRole(TargetLeader, "n2", names(3)); !slices.Equal(got, []string{"n2"}) {
		t.Errorf("leader: %v", got)
	}
	if got := ByRole(TargetFollowers, "n2", names(3)); !slices.Equal(got, []string{"n1", "n3"}) {
		t.Errorf("followers: %v", got)
	}
}
