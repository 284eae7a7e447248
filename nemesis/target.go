package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// The words of the target language. Anything else is names of nodes, joined
// with commas.
const (
	TargetOne       = "one"            // any one node
	TargetMinority  = "minority"       // as many as can go without losing the majority
	TargetMajority  = "majority"       // the fewest that make a majority
	TargetThird     = "minority-third" // as many as are fewer than a third
	TargetAll       = "all"            // every node
	TargetLeader    = "leader"         // the node that leads when the fault is injected
	TargetFollowers = "followers"      // all but the leader
)

// IsRole tells whether target can only be known at the moment of injection,
// by asking the system.
func IsRole(target string) bool {
	return target == TargetLeader || target == TargetFollowers
}

// targetSameAs begins a target that is what another line of the scenario hit.
const targetSameAs = "same as "

// SameAs returns the line whose nodes a target means: "storm/kill" of "same as
// storm/kill".
func SameAs(target string) (line string, ok bool) { return strings.CutPrefix(target, targetSameAs) }

// Pick chooses the nodes that target means, in the order of nodes. It takes
// from free, a subset of nodes, where it has a choice and free is enough, so
// that faults drawn from one plan keep out of each other's way. A role is an
// error, as is a target that matches no node.
func Pick(target string, nodes, free []string, rng *rand.Rand) ([]string, error) {
	count := 0
	switch target {
	case TargetOne:
		count = 1
	case TargetMinority:
		count = (len(nodes) - 1) / 2
	case TargetThird:
		count = (len(nodes) - 1) / 3
	case TargetMajority:
		count = len(nodes)/2 + 1
	case TargetAll:
		return slices.Clone(nodes), nil
	case TargetLeader, TargetFollowers:
		return nil, fmt.Errorf("target %q is known only when the fault is injected", target)
	default:
		return named(target, nodes)
	}
	if count == 0 {
		return nil, fmt.Errorf("target %q matches no node of %d", target, len(nodes))
	}
	return draw(count, nodes, free, rng), nil
}

// named looks up names joined with commas.
func named(target string, nodes []string) ([]string, error) {
	var picked []string
	for name := range strings.SplitSeq(target, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(nodes, name) {
			return nil, fmt.Errorf("target %q is no node; there are %s", name, strings.Join(nodes, ", "))
		}
		if !slices.Contains(picked, name) {
			picked = append(picked, name)
		}
	}
	return inOrder(picked, nodes), nil
}

// draw takes count nodes at random, first from free, then from the rest.
func draw(count int, nodes, free []string, rng *rand.Rand) []string {
	rest := without(nodes, free)
	first := inOrder(free, nodes)
	rng.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
	rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return inOrder(append(first, rest...)[:count], nodes)
}

// ByRole gives the nodes that a role means when leader leads.
func ByRole(role, leader string, nodes []string) []string {
	if role == TargetLeader {
		return []string{leader}
	}
	return without(nodes, []string{leader})
}

// inOrder returns those of nodes that are in picked.
func inOrder(picked, nodes []string) []string {
	out := make([]string, 0, len(picked))
	for _, n := range nodes {
		if slices.Contains(picked, n) {
			out = append(out, n)
		}
	}
	return out
}

// without returns those of nodes that are not in gone.
func without(nodes, gone []string) []string {
	var out []string
	for _, n := range nodes {
		if !slices.Contains(gone, n) {
			out = append(out, n)
		}
	}
	return out
}
