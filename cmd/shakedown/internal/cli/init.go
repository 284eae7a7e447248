package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/scenarios"
)

type initFlags struct {
	use     string
	compose string
	force   bool
}

// initiate is the command init, which Go keeps the name of.
func (r *root) initiate() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented scenario to begin with",
		Long: `Init writes a scenario with comments, the schema by which editors complete it, and adds
runs/ to .gitignore. With --compose it is made from a compose file: the services of one
image become nodes, and their port that of an http client. Nothing that is there is
overwritten, unless --force is given.`,
		Example: "  shakedown init\n  shakedown init storms/mine.yaml --use redis\n  shakedown init --compose docker-compose.yml",
		Args:    r.arguments(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := strings.Join(args, "")
			if file == "" {
				file = "shakedown.yaml"
			}
			return r.writeStarter(file, f)
		},
	}
	c.Flags().StringVar(&f.use, "use", "etcd", "the system, one of those that shakedown list systems names")
	c.Flags().StringVar(&f.compose, "compose", "", "make the scenario from this compose file")
	c.Flags().BoolVar(&f.force, "force", false, "overwrite what is there")
	c.MarkFlagsMutuallyExclusive("use", "compose")
	return c
}

func (r *root) writeStarter(file string, f initFlags) error {
	recipes, err := r.recipes()
	if err != nil {
		return err
	}
	text, err := r.starter(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), f, recipes)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err == nil && !f.force {
		return usage(fmt.Errorf("%s is there already", file), "name another file, or overwrite it with --force")
	}
	schema := filepath.Join(filepath.Dir(file), "scenario.schema.json")
	if err := writeNew(file, text); err != nil {
		return err
	}
	var b strings.Builder
	if err := printJSON(&b, scenarios.Schema(recipes)); err != nil {
		return err
	}
	if err := writeNew(schema, []byte(b.String())); err != nil {
		return err
	}
	ignored, err := ignoreRuns(filepath.Join(filepath.Dir(file), ".gitignore"))
	if err != nil {
		return environment(fmt.Errorf("write .gitignore: %w", err), "")
	}
	fmt.Fprintf(r.env.Stdout, "%s\n%s\n", file, schema)
	if ignored {
		fmt.Fprintf(r.env.Stdout, "%s\n", filepath.Join(filepath.Dir(file), ".gitignore"))
	}
	fmt.Fprintf(r.env.Stderr, "next: shakedown validate %s, then shakedown plan %s, then shakedown run %s\n", file, file, file)
	return nil
}

// starter is the text of the scenario.
func (r *root) starter(name string, f initFlags, recipes scenarios.Recipes) ([]byte, error) {
	if f.compose == "" {
		recipe, ok := recipes[f.use]
		if !ok {
			hint := didYouMean(f.use, r.env.Catalog.Recipes)
			if hint == "" {
				hint = "there are " + oneOf(r.env.Catalog.Recipes)
			}
			return nil, usage(fmt.Errorf("there is no system %q", f.use), hint)
		}
		return scenarios.Starter(name, f.use, recipe), nil
	}
	src, err := readSource(f.compose)
	if err != nil {
		return nil, err
	}
	text, err := scenarios.FromCompose(name, src)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", f.compose, err), "")
	}
	return text, nil
}

func writeNew(file string, text []byte) error {
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		return environment(fmt.Errorf("write %s: %w", file, pathless(err)), "")
	}
	return nil
}

// ignoreRuns adds runs/ to a .gitignore that does not have it.
func ignoreRuns(file string) (added bool, err error) {
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for l := range strings.Lines(string(before)) {
		if l = strings.Trim(strings.TrimSpace(l), "/"); l == "runs" {
			return false, nil
		}
	}
	text := string(before)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return true, os.WriteFile(file, []byte(text+"runs/\n"), 0o644)
}
