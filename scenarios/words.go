package scenarios

import (
	"slices"
	"strings"
)

// A Word is something that a scenario can name, with its meaning in a line.
type Word struct {
	Name  string `json:"name"`
	Means string `json:"means"`
}

// A Vocabulary is all words that can stand in one place of a scenario.
type Vocabulary struct {
	Title string `json:"title"`
	Words []Word `json:"words"`
}

// Names is everything that a scenario can name, for a reader.
func Names(recipes Recipes) []Vocabulary {
	return []Vocabulary{
		{"systems", Systems(recipes)},
		{"clients", Clients()},
		{"workloads", Workloads()},
		{"faults", Faults()},
		{"targets", Targets()},
		{"shapes", Shapes()},
		{"kinds of disk faults", DiskKinds()},
		{"losses", Losses()},
		{"directions", Directions()},
		{"checks", Checks()},
		{"models", Models()},
	}
}

// Systems are what `system.use` can be, sorted.
func Systems(recipes Recipes) []Word {
	var out []Word
	for name, r := range recipes {
		out = append(out, Word{name, r.About})
	}
	slices.SortFunc(out, func(a, b Word) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Clients are what `client.use` can be.
func Clients() []Word {
	return []Word{
		{"etcd", "etcd's own protocol; can tell who leads"},
		{"http", "requests written in the scenario: method, path, body, and what the answers mean"},
	}
}

// Workloads are what `workload.use` can be.
func Workloads() []Word {
	return []Word{
		{"register", "reads, writes and compare-and-sets on independent keys, with unique values"},
	}
}

// Faults are what `fault` can be.
func Faults() []Word {
	return []Word{
		{"partition", "drop all packets between some of the nodes; shape says which"},
		{"kill", "SIGKILL the node's process, and start it again at the heal"},
		{"pause", "freeze every process of the node, unseen by it, and thaw it at the heal"},
		{"latency", "delay, lose or reorder the packets between some of the nodes"},
		{"disk", "make calls on the node's files fail or wait, or fail its power so that what was not synced is lost; kind says which"},
		{"clock", "show the node a clock that is off (skew) or leaps ahead and then behind (jump)"},
	}
}

// Targets are what `target` can be, besides names of nodes.
func Targets() []Word {
	return []Word{
		{"one", "one node, drawn from the seed"},
		{"minority", "the most nodes that the others can do without: 2 of 5, 1 of 4"},
		{"majority", "the fewest nodes that the others cannot do without: 3 of 5, 3 of 4"},
		{"all", "every node"},
		{"leader", "the node that leads at the moment of injection"},
		{"followers", "every node that does not lead at the moment of injection"},
	}
}

// Directions are what the `direction` of a latency can be.
func Directions() []Word {
	return []Word{
		{"both", "what the target sends to other nodes and what they send to it"},
		{"out", "what the target sends to other nodes"},
		{"in", "what other nodes send to the target"},
	}
}

// Shapes are what the `shape` of a partition can be.
func Shapes() []Word {
	return []Word{
		{"halves", "two sides, one of them a majority, no packet between them"},
		{"one", "one node cut off from all others"},
		{"majority-ring", "every node hears a majority, no two of them the same one"},
		{"bridge", "two halves that only one node, which hears all, connects"},
		{"one-way", "one node that is heard and does not hear, or the other way round"},
		{"any", "all of these in turn, in an order drawn from the seed"},
	}
}

// Checks are what `check` can be. Two more, stats and earned, always run.
func Checks() []Word {
	return []Word{
		{"linearizable", "every key behaves as if its operations took place one at a time, each between its call and its return"},
		{"recovery", "every node answers again soon after the last heal"},
		{"logs", "no node logs any of the forbidden words"},
		{"convergence", "every node answers alike in the final reads"},
		{"causal", "reads respect what their process, and those it read from, had seen; not for a mix with cas"},
		{"session", "every process reads its own writes and never goes back; not for a mix with cas"},
	}
}

// Models are what the `model` of linearizable can be.
func Models() []Word {
	return []Word{
		{"register", "a value that is read and written"},
		{"cas-register", "a value that is read, written, and compared and set"},
	}
}

func names(words []Word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.Name
	}
	return out
}
