package invariant

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
)

// An Entry is one item of a scenario's never: list. Exactly one of Where, Spec,
// Use and Run says what is judged.
type Entry struct {
	// Name is what the rule is called; with Spec, it picks the rule of that
	// name, and may be left out if the file has only one.
	Name string
	// Says is the rule in a sentence, Origin where it comes from: a postmortem,
	// a ticket, an address. With Spec and Use, empty means what the file says.
	Says, Origin string
	// Where is an expression that is true where the rule is broken; see [Where].
	Where string
	// Spec is the path of a file of rules in Files.
	Spec string
	// Use is the name of a rule that comes with us; see [Bundled].
	Use string
	// Run is a program and its arguments; see [Command]. A program whose name has
	// a slash is looked for in Dir.
	Run []string
	// Timeout bounds Run; zero means [DefaultCommandTimeout].
	Timeout time.Duration
	// Files is the folder of the scenario, for Spec. Dir is the same folder as a
	// path, for Run.
	Files fs.FS
	Dir   string
}

// FromEntry makes the checker that an entry asks for. It is a *[Rule], or for
// Run a *[Command]. An error in a script is a [*ScriptError].
func FromEntry(e Entry) (checkers.Checker, error) {
	if err := e.complete(); err != nil {
		return nil, err
	}
	if len(e.Run) > 0 {
		return &Command{Title: e.Name, Says: e.Says, Origin: e.Origin, Argv: e.Run, Dir: e.Dir, Timeout: e.Timeout}, nil
	}
	rule, err := e.rule()
	if err != nil {
		return nil, err
	}
	return e.dress(rule), nil
}

func (e Entry) rule() (*Rule, error) {
	switch {
	case e.Where != "":
		return Where(e.Name, e.Says, e.Origin, e.Where)
	case e.Use != "":
		return UseBundled(e.Use)
	}
	return e.fromFile()
}

func (e Entry) complete() error {
	var given []string
	for _, w := range []struct {
		name string
		set  bool
	}{{"where", e.Where != ""}, {"spec", e.Spec != ""}, {"use", e.Use != ""}, {"run", len(e.Run) > 0}} {
		if w.set {
			given = append(given, w.name)
		}
	}
	switch {
	case len(given) == 0:
		return fmt.Errorf("rule %q says nothing that could be judged: give one of where, spec, use and run", e.Name)
	case len(given) > 1:
		return fmt.Errorf("rule %q has %s: give one of them", e.Name, strings.Join(given, " and "))
	case e.Name == "" && (e.Where != "" || len(e.Run) > 0):
		return errors.New("a rule needs a name")
	}
	return nil
}

// dress gives a rule the entry's words.
func (e Entry) dress(rule *Rule) *Rule {
	dressed := *rule
	if e.Name != "" {
		dressed.name = e.Name
	}
	if e.Says != "" {
		dressed.says = e.Says
	}
	if e.Origin != "" {
		dressed.origin = e.Origin
	}
	return &dressed
}

func (e Entry) fromFile() (*Rule, error) {
	if e.Files == nil {
		return nil, fmt.Errorf("rule %q: there is no folder to find %s in", e.Name, e.Spec)
	}
	if !fs.ValidPath(e.Spec) {
		return nil, fmt.Errorf("rule %q: %s is not the path of a file in the scenario's folder or below it", e.Name, e.Spec)
	}
	src, err := readSource(e.Files, e.Spec)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", e.Name, err)
	}
	rules, err := Load(e.Spec, src)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rules {
		if r.name == e.Name {
			return r, nil
		}
		names = append(names, r.name)
	}
	if len(rules) == 1 && e.Name == "" {
		return rules[0], nil
	}
	return nil, fmt.Errorf("%s has no rule called %q, but %s%s", e.Spec, e.Name, quoted(names, "and"), suggest(e.Name, names))
}

// readSource reads a file, one byte more than is allowed at most.
func readSource(files fs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSource+1))
}
