package catalog

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/object"
)

// linearizability is the strongest promise, which needs no other.
func linearizability() []entry {
	models := checkers.LinearizableModels()
	for _, m := range object.Models() {
		models = append(models, m.Name)
	}
	return []entry{{
		Known: Known{Name: "linearizable", Says: "every operation took effect at one moment between its invocation and its completion",
			Models: models, Options: []Option{
				{"initial", "what a register holds at first, as JSON (by itself null); may be repeated: any of these"},
				{"null_unknown", "true: a read of null from a register saw nothing, rather than that it was absent"},
				{"cas_refuses", "true: a cas that failed had found another value than it expected"},
				{"ttl", "how long a lease lasts, as in 10s"},
				{"permits", "how many a semaphore has at first (by itself 0)"},
				{"smallest", "true: of a priority-queue the smallest value comes first"},
			}},
		make:  linearizable,
		timed: true,
	}}
}

func linearizable(r *request) (checkers.Checker, error) {
	if slices.Contains(checkers.LinearizableModels(), r.Model) {
		if err := r.only("initial", "null_unknown", "cas_refuses"); err != nil {
			return nil, err
		}
		for _, first := range r.all("initial") {
			if !json.Valid([]byte(first)) {
				return nil, fmt.Errorf("option initial is %q, which is not JSON, like 0 or \"x\"", first)
			}
		}
		return checkers.Linearizable(r.Model, checkers.RegisterOptions{
			Initial: r.all("initial"), NullUnknown: r.flag("null_unknown"), CASRefuses: r.flag("cas_refuses"),
		})
	}
	about := map[string]string{"lease": "ttl", "semaphore": "permits", "priority-queue": "smallest"}
	if err := r.only(about[r.Model]); err != nil {
		return nil, err
	}
	o := object.Options{TTL: r.duration("ttl"), Permits: r.integer("permits"), Smallest: r.flag("smallest")}
	return object.New(r.Model, o)
}

// only returns an error if an option is given that the model does not know.
func (r *request) only(names ...string) error {
	for name := range r.Options {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the model %s knows no option %s", r.Model, name)
		}
	}
	return nil
}
