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
	out := []Vocabulary{
		{"systems", Systems(recipes)},
		{"clients", Clients()},
		{"workloads", Workloads()},
		{"faults", Faults()},
		{"targets", Targets()},
		{"triggers", Triggers()},
	}
	for _, k := range faultKinds() {
		out = append(out, k.words...)
	}
	return append(out, Vocabulary{"checks", Checks()}, Vocabulary{"models", Models()})
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
