package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// The shapes of a partition, as a scenario names them.
const (
	ShapeHalves       = "halves"        // the first half of the nodes, and the rest
	ShapeRandomHalves = "random-halves" // two halves drawn at random, the larger one a majority if they differ
	ShapeMinority     = "minority"      // the largest minority, with a node in it, off from the majority
	ShapeMajority     = "majority"      // the smallest majority, with a node in it, off from the rest
	ShapeOne          = "one"           // one node alone
	ShapeMajorityRing = "majority-ring" // every node sees a majority, no two the same one
	ShapeBridge       = "bridge"        // two halves that meet only in one node
	ShapeOneWay       = "one-way"       // one node is heard but does not hear, or the other way round
	ShapeAny          = "any"           // each of the others in turn, in an order drawn from the seed
)

// The two directions of a one-way partition, as a plan names them.
const (
	ShapeOneWayOut = "one-way-out" // what the node sends is lost
	ShapeOneWayIn  = "one-way-in"  // what is sent to the node is lost
)

// The shapes of partitions that a scenario draws itself.
const (
	ShapeGroups = "groups" // nothing gets from one group of nodes to another
	ShapePairs  = "pairs"  // nothing gets from one node to another, by ordered pairs
)

// Shapes are the shapes that ShapeAny takes in turn.
func Shapes() []string {
	return []string{ShapeRandomHalves, ShapeOne, ShapeMajorityRing, ShapeBridge, ShapeOneWay}
}

// IsAround tells whether a shape is about one node, which a target can choose.
func IsAround(shape string) bool {
	return slices.Contains([]string{ShapeOne, ShapeOneWay, ShapeOneWayOut, ShapeOneWayIn, ShapeMinority, ShapeMajority}, shape)
}

// Cuts makes the ordered pairs [from, to] whose packets a partition of this
// shape drops, sorted. Around says which node the shape is about, for the
// shapes that IsAround names; groups are drawn from rng. Without one, a node's
// side of a minority or majority is filled with those that follow it in order.
func Cuts(shape string, nodes, around []string, rng *rand.Rand) ([][2]string, error) {
	if IsAround(shape) && len(around) == 0 {
		return nil, fmt.Errorf("a partition of shape %s needs a node", shape)
	}
	switch shape {
	case ShapeHalves:
		return bothWays(nodes[:len(nodes)/2], nodes[len(nodes)/2:]), nil
	case ShapeMinority:
		return split((len(nodes)-1)/2, nodes, around, rng), nil
	case ShapeMajority:
		return split(len(nodes)/2+1, nodes, around, rng), nil
	case ShapeRandomHalves:
		mixed := shuffled(nodes, rng)
		return bothWays(mixed[:len(nodes)/2], mixed[len(nodes)/2:]), nil
	case ShapeOne:
		return bothWays(around, without(nodes, around)), nil
	case ShapeOneWayOut:
		return pairs(around, without(nodes, around)), nil
	case ShapeOneWayIn:
		return pairs(without(nodes, around), around), nil
	case ShapeBridge:
		mixed := shuffled(nodes, rng)
		half := (len(nodes) - 1) / 2
		return bothWays(mixed[1:1+half], mixed[1+half:]), nil
	case ShapeMajorityRing:
		return majorityRing(shuffled(nodes, rng)), nil
	}
	return nil, fmt.Errorf("there is no partition of shape %q", shape)
}

// split parts a side of a size, with the nodes around in it, from the rest.
func split(size int, nodes, around []string, rng *rand.Rand) [][2]string {
	others := without(nodes, around)
	if rng != nil {
		others = shuffled(others, rng)
	} else if i := slices.Index(nodes, around[0]); i >= 0 {
		others = without(slices.Concat(nodes[i:], nodes[:i]), around)
	}
	side := append(slices.Clone(around), others[:max(0, min(size-len(around), len(others)))]...)
	return bothWays(side, without(nodes, side))
}

// WithClients makes the pairs of nodes and clients whose packets are dropped,
// in a direction of the nodes.
func WithClients(direction string, nodes []string) [][2]string {
	var cuts [][2]string
	if direction != DirectionOut {
		cuts = append(cuts, pairs([]string{agent.Clients}, nodes)...)
	}
	if direction != DirectionIn {
		cuts = append(cuts, pairs(nodes, []string{agent.Clients})...)
	}
	return sorted(cuts)
}

// Between makes the pairs whose packets a partition into these groups drops.
func Between(groups [][]string) [][2]string {
	var cuts [][2]string
	for i, a := range groups {
		for _, b := range groups[:i] {
			cuts = append(cuts, bothWays(a, b)...)
		}
	}
	return sorted(cuts)
}

// Direction settles which way a one-way partition cuts; other shapes stay.
func Direction(shape string, rng *rand.Rand) string {
	if shape != ShapeOneWay {
		return shape
	}
	if rng.IntN(2) == 0 {
		return ShapeOneWayOut
	}
	return ShapeOneWayIn
}

// majorityRing lays the nodes on a ring and lets each see its nearest
// neighbours, as many on either side as a majority with itself needs. A node's
// view is then centred on it, so no two nodes see the same majority. With
// three nodes a ring of neighbours would be everybody; there the ring is
// opened at one place, which leaves two different majorities and the node
// between them that sees both.
func majorityRing(ring []string) [][2]string {
	n := len(ring)
	if n == 3 {
		return bothWays(ring[:1], ring[1:2])
	}
	side := (n/2 + 1) / 2
	var cuts [][2]string
	for i := range n {
		for j := range n {
			distance := min((j-i+n)%n, (i-j+n)%n)
			if distance > side {
				cuts = append(cuts, [2]string{ring[i], ring[j]})
			}
		}
	}
	return sorted(cuts)
}

// pairs are all ordered pairs from one of a to one of b.
func pairs(a, b []string) [][2]string {
	var out [][2]string
	for _, x := range a {
		for _, y := range b {
			out = append(out, [2]string{x, y})
		}
	}
	return sorted(out)
}

func bothWays(a, b []string) [][2]string {
	return sorted(append(pairs(a, b), pairs(b, a)...))
}

func sorted(cuts [][2]string) [][2]string {
	slices.SortFunc(cuts, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	return cuts
}

func shuffled(nodes []string, rng *rand.Rand) []string {
	mixed := slices.Clone(nodes)
	rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed
}
