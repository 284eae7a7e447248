package checkers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Known is a check that there is.
type Known struct {
	Name string
	// Says tells in one line what the check decides.
	Says string
	// Models are the models that it can be asked to check against; nil if it
	// takes none.
	Models []string
}

// Names returns all checks there are, in the order in which a reader should
// meet them.
func Names() []Known {
	var known []Known
	for _, e := range catalog() {
		known = append(known, e.Known)
	}
	return known
}

// An entry is a check with the way to make it.
type entry struct {
	Known
	make func(Spec) (Checker, error)
}

// catalog names every check. A new one is a new file and an entry here.
func catalog() []entry {
	return []entry{
		{Known{"linearizable", "every operation took effect at one moment between its invocation and its completion", modelNames()}, newLinearizable},
		{Known{"stats", "how operations ended, by kind and by node; unknown if a kind never succeeded", nil}, newStats},
		{Known{"earned", "the run was a real test: faults bit, operations succeeded, final reads came, the history is whole", nil}, newEarned},
		{Known{"recovery", "every node serves again within a time after the last heal", nil}, newRecovery},
		{Known{"logs", "no node's log holds a forbidden string", nil}, newLogs},
	}
}

func build(spec Spec) (Checker, error) {
	var names []string
	for _, e := range catalog() {
		if e.Name == spec.Check {
			checker, err := e.make(spec)
			if err != nil {
				return nil, fmt.Errorf("check %s: %w", spec.Check, err)
			}
			return checker, nil
		}
		names = append(names, e.Name)
	}
	return nil, unknownWord("check", spec.Check, names)
}

// unknownWord is the error for a word that is none of the known ones.
func unknownWord(kind, word string, known []string) error {
	choice := strings.Join(known, ", ")
	if word == "" {
		return fmt.Errorf("no %s named; known: %s", kind, choice)
	}
	if near := nearest(word, known); near != "" {
		return fmt.Errorf("unknown %s %q; did you mean %q? (known: %s)", kind, word, near, choice)
	}
	return fmt.Errorf("unknown %s %q; known: %s", kind, word, choice)
}

func newLinearizable(spec Spec) (Checker, error) {
	for _, m := range models() {
		if m.name == spec.Model {
			return linearizable{model: m}, nil
		}
	}
	return nil, unknownWord("model", spec.Model, modelNames())
}

func newStats(Spec) (Checker, error) { return stats{}, nil }

func newEarned(spec Spec) (Checker, error) {
	if spec.OKAtLeast < 0 {
		return nil, fmt.Errorf("ok_at_least is %d; it cannot be negative", spec.OKAtLeast)
	}
	return earned{okAtLeast: spec.OKAtLeast, everyFault: spec.EveryFaultTookHold}, nil
}

func newRecovery(spec Spec) (Checker, error) {
	if spec.Within <= 0 {
		return nil, errors.New(`within must say how long recovery may take, for example "15s"`)
	}
	return recovery{within: spec.Within}, nil
}

func newLogs(spec Spec) (Checker, error) {
	if len(spec.Forbid) == 0 || slices.Contains(spec.Forbid, "") {
		return nil, errors.New(`forbid must list the strings to look for, for example ["panic:"], and none may be empty`)
	}
	return logs{forbid: spec.Forbid, files: spec.Logs}, nil
}
