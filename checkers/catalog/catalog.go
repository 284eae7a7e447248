// Package catalog knows all checks by name.
//
// [Names] lists them; [New] makes the checker that a [Spec] asks for; [Never]
// and [Rules] make those that users write themselves. [checkers.Run] then lets
// them judge.
//
// Whatever is made here answers Unknown rather than rely on an order of time
// that the history does not know ([history.History.SessionOnly]).
package catalog

import (
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
)

// A Known is a check that there is.
type Known struct {
	Name string
	// Says tells in one line what the check decides.
	Says string
	// Models are the models that it can be asked to check against; nil if it
	// takes none.
	Models []string
	// Levels are the isolation levels that it can be asked to check against;
	// nil if it takes none.
	Levels []string
	// Options are what else it may be told.
	Options []Option
}

// An Option is something that a check may be told.
type Option struct {
	Name string
	// Says tells in one line what it does, and what kind of value it has.
	Says string
}

// Names returns all checks there are, in the order in which a reader should
// meet them.
func Names() []Known {
	var known []Known
	for _, e := range entries() {
		known = append(known, e.Known)
	}
	return known
}

// An entry is a check with the way to make it.
type entry struct {
	Known
	make func(*request) (checkers.Checker, error)
	// timed says that the check relies on which of two processes was first.
	// Those of transactions do not: they know by themselves what to do.
	timed bool
}

// entries names every check. A new one is an entry in one of the families.
func entries() []entry {
	return slices.Concat(linearizability(), transactions(), objects(), registers(), service(), scripts())
}

// always makes an entry's constructor of one that cannot fail.
func always(f func() checkers.Checker) func(*request) (checkers.Checker, error) {
	return func(*request) (checkers.Checker, error) { return f(), nil }
}

// told makes an entry's constructor of one that takes options and cannot fail.
func told(f func(*request) checkers.Checker) func(*request) (checkers.Checker, error) {
	return func(r *request) (checkers.Checker, error) { return f(r), nil }
}
