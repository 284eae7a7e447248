package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/checkers/invariant"
)

// maxRules bounds a file of rules, against the wrong file by mistake.
const maxRules = 1 << 20

// partial tells whether the flags ask for something else than the whole verdict.
func (f checkFlags) partial() bool {
	return len(f.only)+len(f.options)+len(f.invariants) > 0 || f.model != "" || f.isolation != ""
}

// checkers are those that the flags ask for, out of what is judged anyway:
// the checks of base, and the rules.
func (f checkFlags) checkers(base []catalog.Spec, rules []checkers.Checker) ([]checkers.Checker, error) {
	rest := f
	rest.only = slices.DeleteFunc(slices.Clone(f.only), func(name string) bool {
		return slices.ContainsFunc(rules, func(c checkers.Checker) bool { return c.Name() == name })
	})
	var all []checkers.Checker
	if len(f.only) == 0 || len(rest.only) > 0 {
		specs, err := rest.apply(base)
		if err != nil {
			return nil, err
		}
		if all, err = catalog.NewAll(specs); err != nil {
			return nil, usage(err, "shakedown list checks tells what can be asked")
		}
	}
	for _, rule := range rules {
		if len(f.only) == 0 || slices.Contains(f.only, rule.Name()) {
			all = append(all, rule)
		}
	}
	for _, file := range f.invariants {
		more, err := rulesOf(file)
		if err != nil {
			return nil, err
		}
		for _, rule := range more {
			all = append(all, checkers.Limited(rule, f.timeout))
		}
	}
	return all, nil
}

// apply narrows the specs to what the flags ask for.
func (f checkFlags) apply(specs []catalog.Spec) ([]catalog.Spec, error) {
	var out []catalog.Spec
	for _, s := range specs {
		if len(f.only) == 0 || slices.Contains(f.only, s.Check) {
			out = append(out, s)
		}
	}
	for _, name := range f.only {
		if !slices.ContainsFunc(out, named(name)) {
			out = append(out, catalog.Spec{Check: name})
		}
	}
	for i := range out {
		if out[i].Check == "linearizable" && out[i].Model == "" {
			out[i].Model = bareModel
		}
		if f.timeout > 0 {
			out[i].Timeout = f.timeout
		}
	}
	if err := f.tell(out); err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = catalog.Customary(out[i], f.found)
	}
	return out, nil
}

// tell hands model, level and options to the checks that know them. What none
// of them knows goes to all, which will say so.
func (f checkFlags) tell(specs []catalog.Spec) error {
	if f.model != "" {
		give(specs, func(k catalog.Known) bool { return len(k.Models) > 0 }, func(s *catalog.Spec) { s.Model = f.model })
	}
	if f.isolation != "" {
		give(specs, func(k catalog.Known) bool { return len(k.Levels) > 0 }, func(s *catalog.Spec) { s.Isolation = f.isolation })
	}
	told := map[string][]string{}
	for _, o := range f.options {
		name, value, found := strings.Cut(o, "=")
		if !found || name == "" {
			return usage(fmt.Errorf("option %q is not like name=value", o), "as in --option linearizable=true")
		}
		told[name] = append(told[name], value)
	}
	for name, values := range told {
		knows := func(k catalog.Known) bool {
			return slices.ContainsFunc(k.Options, func(o catalog.Option) bool { return o.Name == name })
		}
		give(specs, knows, func(s *catalog.Spec) {
			options := map[string][]string{name: values}
			for other, before := range s.Options {
				if other != name {
					options[other] = before
				}
			}
			s.Options = options
		})
	}
	return nil
}

// give does something to the specs whose checks can take it, or to all if there
// is none.
func give(specs []catalog.Spec, takes func(catalog.Known) bool, do func(*catalog.Spec)) {
	var names []string
	for _, k := range catalog.Names() {
		if takes(k) && slices.ContainsFunc(specs, named(k.Name)) {
			names = append(names, k.Name)
		}
	}
	for i := range specs {
		if len(names) == 0 || slices.Contains(names, specs[i].Check) {
			do(&specs[i])
		}
	}
}

// rulesOf reads a file of rules.
func rulesOf(file string) ([]checkers.Checker, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxRules {
		err = &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("it is larger than %d bytes, which no file of rules is", maxRules)}
	}
	var src []byte
	if err == nil {
		src, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usage(fmt.Errorf("read rules %s: %w", file, pathless(err)), "")
	}
	rules, err := catalog.Rules(file, src)
	if err != nil {
		return nil, scriptFailure(err)
	}
	return rules, nil
}

// scriptFailure is an error of a user's script, with its hint apart.
func scriptFailure(err error) error {
	var s *invariant.ScriptError
	if !errors.As(err, &s) {
		return usage(err, "")
	}
	bare := *s
	bare.Hint = ""
	return usage(&bare, s.Hint)
}
