package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/scenarios"
)

// maxScenario bounds a scenario's file, against the wrong file by mistake.
const maxScenario = 1 << 20

// A source is a scenario's text and where it comes from.
type source struct {
	path string
	src  []byte
	// folder is where the files beside it are; empty for a bundled one, which
	// has none.
	folder string
}

// find reads the scenarios that the arguments name: bundled ones by name,
// files, and folders with all the scenarios in them.
func find(args []string) ([]source, error) {
	var out []source
	for _, arg := range args {
		found, err := findOne(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// findOne prefers a bundled scenario to a file when arg is a plain name, so
// that a folder of runs with the same name is not in the way.
func findOne(arg string) ([]source, error) {
	if !strings.ContainsAny(arg, "/.") {
		if src, err := fs.ReadFile(scenarios.Bundled(), arg+".yaml"); err == nil {
			return []source{{path: arg + ".yaml", src: src}}, nil
		}
	}
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage(fmt.Errorf("there is no scenario %q, neither a file nor a bundled one", arg), scenarioHint(arg))
	case err != nil:
		return nil, usage(fmt.Errorf("look at %s: %w", arg, pathless(err)), "")
	case info.IsDir():
		return findIn(arg)
	}
	src, err := readSource(arg)
	return []source{{path: arg, src: src, folder: filepath.Dir(arg)}}, err
}

// findIn reads every scenario directly in a folder, in order of name.
func findIn(dir string) ([]source, error) {
	var out []source
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usage(fmt.Errorf("read folder %s: %w", dir, pathless(err)), "")
	}
	for _, e := range entries {
		if e.IsDir() || !isYAML(e.Name()) {
			continue
		}
		file := filepath.Join(dir, e.Name())
		src, err := readSource(file)
		if err != nil {
			return nil, err
		}
		out = append(out, source{path: file, src: src, folder: dir})
	}
	if len(out) == 0 {
		return nil, usage(fmt.Errorf("there is no scenario in folder %s", dir), "a scenario is a file that ends in .yaml")
	}
	return out, nil
}

func isYAML(name string) bool {
	return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml"
}

func readSource(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, usage(fmt.Errorf("read scenario %s: %w", file, pathless(err)), "")
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxScenario+1))
	if err != nil {
		return nil, usage(fmt.Errorf("read scenario %s: %w", file, pathless(err)), "")
	}
	if len(src) > maxScenario {
		return nil, usage(fmt.Errorf("%s is larger than %d bytes, which no scenario is", file, maxScenario),
			"to judge a history, use shakedown check "+file)
	}
	return src, nil
}

// pathless drops the path from a file's error, for messages that name it.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// scenarioHint names the bundled scenario nearest to arg.
func scenarioHint(arg string) string {
	base := strings.TrimSuffix(filepath.Base(arg), filepath.Ext(arg))
	if hint := didYouMean(base, bundledNames()); hint != "" {
		return hint
	}
	return "shakedown list names the bundled scenarios"
}

// bundledNames are the names of the bundled scenarios, in order.
func bundledNames() []string {
	files, err := fs.Glob(scenarios.Bundled(), "*.yaml")
	if err != nil {
		return nil // the pattern is well formed
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".yaml")
	}
	slices.Sort(files)
	return files
}

// parse reads one scenario, with settings that replace values in it.
func (r *root) parse(s source, set []string) (*scenarios.Scenario, error) {
	recipes, err := r.recipes()
	if err != nil {
		return nil, err
	}
	out, err := scenarios.ParseJudged(s.path, s.src, recipes, set, s.judge)
	if err == nil && len(out.Client.Command) > 0 {
		out.Client.Folder = filepath.ToSlash(s.folder) // a client of the user's own lies beside the scenario
	}
	return out, err
}

// completeScenarios offers the names of bundled scenarios to a shell, which
// adds files by itself.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return bundledNames(), cobra.ShellCompDirectiveDefault
}
