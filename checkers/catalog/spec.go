package catalog

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
)

// A Spec asks for one check. What the check does not know is an error.
type Spec struct {
	// Check is the check's name; see [Names].
	Check string
	// Model is what the objects are meant to be, one of [Known.Models]; a
	// check that has models needs one.
	Model string
	// Isolation is the level that transactions are judged against, one of
	// [Known.Levels]; empty means strict-serializable.
	Isolation string
	// Options are what else the check may be told, by [Option.Name]. Those
	// that say yes or no are "true" or "false", durations as in "15s"; only
	// some may be given more than once.
	Options map[string][]string
	// Timeout is how long the check may take before it answers Unknown; zero
	// means [checkers.DefaultTimeout].
	Timeout time.Duration
	// Logs are the nodes' files, <node>/stdout.log and <node>/stderr.log, for
	// the check of logs; nil if there are none.
	Logs fs.FS
}

// New makes the checker that the spec asks for. An error names the check,
// model, level or option that there is not, with the nearest one.
func New(spec Spec) (checkers.Checker, error) {
	e, err := find(spec.Check)
	if err != nil {
		return nil, err
	}
	checker, err := e.build(spec)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", spec.Check, err)
	}
	return checkers.Limited(checker, spec.Timeout), nil
}

// NewAll makes the checkers of all specs.
func NewAll(specs []Spec) ([]checkers.Checker, error) {
	all := make([]checkers.Checker, len(specs))
	for i, spec := range specs {
		var err error
		if all[i], err = New(spec); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func find(name string) (entry, error) {
	if name == "kafka" {
		name = "log" // Jepsen's users look for it under this name
	}
	var names []string
	for _, e := range entries() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return entry{}, unknownWord("check", name, names)
}

// build makes the checker, once the spec says nothing that the entry does not know.
func (e entry) build(spec Spec) (checkers.Checker, error) {
	if spec.Model == "" && len(e.Models) > 0 {
		return nil, unknownWord("model", "", e.Models)
	}
	if err := e.knows("model", spec.Model, e.Models); err != nil {
		return nil, err
	}
	if err := e.knows("isolation level", spec.Isolation, e.Levels); err != nil {
		return nil, err
	}
	var options []string
	for _, o := range e.Options {
		options = append(options, o.Name)
	}
	for name := range spec.Options {
		if err := e.knows("option", name, options); err != nil {
			return nil, err
		}
	}
	r := &request{Spec: spec}
	checker, err := e.make(r)
	switch {
	case r.err != nil:
		return nil, r.err
	case err != nil:
		return nil, err
	case e.timed:
		checker = realTime{checker}
	}
	return checker, nil
}

// knows returns an error if word is given and is none of the known ones.
func (e entry) knows(kind, word string, known []string) error {
	switch {
	case word == "" || slices.Contains(known, word):
		return nil
	case len(known) == 0:
		return fmt.Errorf("it takes no %s", kind)
	}
	return unknownWord(kind, word, known)
}

// fewWords is how many words are worth listing beside the one that was meant.
const fewWords = 10

// unknownWord is the error for a word that is none of the known ones.
func unknownWord(kind, word string, known []string) error {
	choice := strings.Join(known, ", ")
	if word == "" {
		return fmt.Errorf("no %s named; known: %s", kind, choice)
	}
	near := say.Nearest(word, known)
	switch {
	case near != "" && len(known) > fewWords:
		return fmt.Errorf("unknown %s %q; did you mean %q?", kind, word, near)
	case near != "":
		return fmt.Errorf("unknown %s %q; did you mean %q? (known: %s)", kind, word, near, choice)
	}
	return fmt.Errorf("unknown %s %q; known: %s", kind, word, choice)
}
