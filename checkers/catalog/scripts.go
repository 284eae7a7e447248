package catalog

import (
	"errors"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/invariant"
)

// scripts are the checks that are written in Starlark, or in any language.
func scripts() []entry {
	return []entry{
		{
			Known: Known{Name: "invariant", Says: "a rule that comes with us as a script holds; the model says which", Models: invariant.Bundled()},
			make:  func(r *request) (checkers.Checker, error) { return invariant.UseBundled(r.Model) },
			timed: true,
		},
		{
			Known: Known{Name: "command", Says: "a program of yours, with the history on its stdin, finds nothing", Options: []Option{
				{"run", "the program; repeated, its arguments"},
			}},
			make: command, timed: true,
		},
	}
}

func command(r *request) (checkers.Checker, error) {
	if len(r.all("run")) == 0 {
		return nil, errors.New("option run must name the program")
	}
	return &invariant.Command{Title: "command", Argv: r.all("run"), Timeout: r.Timeout}, nil
}

// Never makes the checker of an item of a scenario's never: list. An error in
// a script is an [*invariant.ScriptError].
func Never(e invariant.Entry) (checkers.Checker, error) {
	checker, err := invariant.FromEntry(e)
	if err != nil {
		return nil, err
	}
	return checkers.Limited(realTime{checker}, e.Timeout), nil
}

// Rules makes the checkers of all rules in a file. path is only the name that
// errors give it. The error is an [*invariant.ScriptError].
func Rules(path string, src []byte) ([]checkers.Checker, error) {
	rules, err := invariant.Load(path, src)
	if err != nil {
		return nil, err
	}
	all := make([]checkers.Checker, len(rules))
	for i, rule := range rules {
		all[i] = realTime{rule}
	}
	return all, nil
}
