package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/checkers/invariant"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// judge reads the file that a rule of the scenario names and tells whether the
// rule can be judged; see [scenarios.Judge].
func (s source) judge(n *scenarios.Never) (message, hint string) {
	if (n.Spec != "" || len(n.Run) > 0) && s.folder == "" {
		return "there is no folder of this scenario to find it in", "copy the scenario into a file of your own"
	}
	if n.Spec != "" {
		text, err := readBeside(s.folder, n.Spec)
		if err != nil {
			return err.Error(), "it is looked for beside the scenario"
		}
		n.Source = text
	}
	if len(n.Run) > 0 {
		n.Folder = filepath.ToSlash(s.folder)
	}
	_, err := ruleOf(*n)
	var script *invariant.ScriptError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &script):
		bare := *script
		bare.Hint = ""
		return bare.Error(), script.Hint
	}
	return err.Error(), ""
}

// readBeside reads a file in the folder or below it.
func readBeside(folder, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("%s is not the path of a file in the scenario's folder or below it", name)
	}
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, pathless(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRules+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", name, pathless(err))
	case len(text) > maxRules:
		return "", fmt.Errorf("%s is larger than %d bytes, which no file of rules is", name, maxRules)
	}
	return string(text), nil
}

// ruleOf makes the checker of a rule, out of nothing but the rule itself.
func ruleOf(n scenarios.Never) (checkers.Checker, error) { return catalog.Never(entryOf(n)) }

// entryOf is the rule as the checkers take it.
func entryOf(n scenarios.Never) invariant.Entry {
	return invariant.Entry{
		Name: n.Name, Says: n.Says, Origin: n.Origin, Where: n.Where, Spec: n.Spec, Use: n.Use, Run: n.Run,
		Timeout: n.Timeout, Files: oneFile{n.Spec, n.Source}, Dir: filepath.FromSlash(n.Folder),
	}
}

// rulesIn makes the checkers of a scenario's rules.
func rulesIn(s *scenarios.Scenario) ([]checkers.Checker, error) {
	var all []checkers.Checker
	for _, n := range s.Never {
		rule, err := ruleOf(n)
		if err != nil {
			return nil, usage(fmt.Errorf("rule %s: %w", n.Name, err), "")
		}
		all = append(all, rule)
	}
	return all, nil
}

// oneFile is a folder with one file: a rule's source as the plan has it.
type oneFile struct{ name, text string }

// Open opens the file.
func (o oneFile) Open(name string) (fs.File, error) {
	if name != o.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return openText{strings.NewReader(o.text)}, nil
}

// openText is a text being read.
type openText struct{ *strings.Reader }

// Stat knows nothing: whoever reads a rule does not ask.
func (openText) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Close does nothing; there is nothing to give back.
func (openText) Close() error { return nil }
