package catalog

import (
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/fold"
)

// registers are the checks of single registers that promise less than to be
// linearizable.
func registers() []entry {
	return []entry{
		{
			Known: Known{Name: "sequential", Says: "one client's writes become visible in the order in which it made them"},
			make:  always(fold.Sequential), timed: true,
		},
		{
			Known: Known{Name: "causal", Says: "registers are causally consistent"},
			make:  always(fold.Causal), timed: true,
		},
		{
			Known: Known{Name: "causal-reverse", Says: "no read saw a write without those acknowledged before it began"},
			make:  always(fold.CausalReverse), timed: true,
		},
		{
			Known: Known{Name: "session", Says: "registers keep the session guarantees to each process", Options: []Option{
				{"guarantee", "one of the four, may be repeated: " + strings.Join(guarantees(), ", ")},
			}},
			make: session, timed: true,
		},
	}
}

func guarantees() []string {
	var names []string
	for _, g := range fold.Guarantees() {
		names = append(names, string(g))
	}
	return names
}

func session(r *request) (checkers.Checker, error) {
	var asked []fold.Guarantee
	for _, name := range r.all("guarantee") {
		if !slices.Contains(guarantees(), name) {
			return nil, unknownWord("guarantee", name, guarantees())
		}
		asked = append(asked, fold.Guarantee(name))
	}
	return fold.Session(asked...), nil
}
