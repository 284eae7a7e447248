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
		{"storms", Storms()},
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

func names(words []Word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.Name
	}
	return out
}
