package cli

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/shakedown-dev/shakedown/checkers/catalog"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// listKinds are what list can list; the first is what it lists by itself.
func listKinds() []string {
	return []string{"scenarios", "faults", "checks", "systems", "workloads", "clients", "runs"}
}

func (r *root) list() *cobra.Command {
	var asJSON bool
	var out string
	c := &cobra.Command{
		Use:       "list [" + strings.Join(listKinds(), "|") + "]",
		Short:     "List the bundled scenarios, or what scenarios can use, or the runs",
		Example:   "  shakedown list\n  shakedown list faults\n  shakedown list runs --json",
		Args:      r.arguments(0, 1),
		ValidArgs: listKinds(),
		RunE: func(_ *cobra.Command, args []string) error {
			kind := listKinds()[0]
			if len(args) == 1 {
				kind = args[0]
			}
			return r.listOf(kind, out, asJSON)
		},
	}
	jsonFlag(c, &asJSON)
	outFlag(c, &out)
	return c
}

// outFlag adds --out to c.
func outFlag(c *cobra.Command, target *string) {
	c.Flags().StringVar(target, "out", "runs", "the folder that holds the run folders")
}

func (r *root) listOf(kind, out string, asJSON bool) error {
	switch kind {
	case "runs":
		return r.listRuns(out, asJSON)
	case "scenarios":
		return r.listScenarios(asJSON)
	case "systems":
		recipes, err := r.recipes()
		if err != nil {
			return err
		}
		return r.listWords(scenarios.Systems(recipes), asJSON)
	case "clients":
		return r.listWords(scenarios.Clients(), asJSON)
	case "workloads":
		return r.listWords(scenarios.Workloads(), asJSON)
	case "faults":
		return r.listWords(scenarios.Faults(), asJSON)
	case "checks":
		return r.listChecks(asJSON)
	}
	hint := didYouMean(kind, listKinds())
	if hint == "" {
		hint = "there are " + strings.Join(listKinds(), ", ")
	}
	return usage(fmt.Errorf("there is no list of %q", kind), hint)
}

func (r *root) listWords(words []scenarios.Word, asJSON bool) error {
	if asJSON {
		return printLines(r.env.Stdout, words)
	}
	rows := make([][]string, 0, len(words))
	for _, w := range words {
		rows = append(rows, []string{w.Name, strings.Join(strings.Fields(w.Means), " ")})
	}
	return printTable(r.env.Stdout, rows)
}

// A listedCheck is a line of list checks --json.
type listedCheck struct {
	Name    string            `json:"name"`
	Means   string            `json:"means"`
	Models  []string          `json:"models,omitempty"`
	Levels  []string          `json:"levels,omitempty"`
	Options map[string]string `json:"options,omitempty"`
}

func (r *root) listChecks(asJSON bool) error {
	var all []listedCheck
	var words []scenarios.Word
	for _, k := range catalog.Names() {
		c := listedCheck{Name: k.Name, Means: k.Says, Models: k.Models, Levels: k.Levels, Options: map[string]string{}}
		for _, o := range k.Options {
			c.Options[o.Name] = o.Says
		}
		all = append(all, c)
		words = append(words, scenarios.Word{Name: k.Name, Means: k.Says})
	}
	if asJSON {
		return printLines(r.env.Stdout, all)
	}
	return r.listWords(words, false)
}

// A listedScenario is a line of list scenarios --json.
type listedScenario struct {
	Name   string   `json:"name"`
	About  string   `json:"about"`
	System string   `json:"system"`
	Nodes  int      `json:"nodes"`
	Tags   []string `json:"tags,omitempty"`
	Expect string   `json:"expect"`
}

func (r *root) listScenarios(asJSON bool) error {
	names := bundledNames()
	all := make([]listedScenario, len(names))
	var reading errgroup.Group // side by side: a person waits for it
	reading.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		reading.Go(func() (err error) {
			all[i], err = r.listed(name)
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	if asJSON {
		return printLines(r.env.Stdout, all)
	}
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{s.Name, s.System, firstSentence(s.About)})
	}
	return printTable(r.env.Stdout, rows)
}

// listed reads a bundled scenario.
func (r *root) listed(name string) (listedScenario, error) {
	src, err := fs.ReadFile(scenarios.Bundled(), name+".yaml")
	if err != nil {
		return listedScenario{}, fmt.Errorf("read bundled scenario %s: %w", name, err)
	}
	s, err := r.parse(source{path: name + ".yaml", src: src}, nil)
	if err != nil {
		return listedScenario{}, err
	}
	about := strings.Join(strings.Fields(s.About), " ")
	return listedScenario{name, about, systemName(s), s.System.Nodes, s.Tags, s.Expect}, nil
}

// firstSentence is s up to its first full stop that ends a word.
func firstSentence(s string) string {
	if end := strings.Index(s, ". "); end >= 0 {
		return s[:end+1]
	}
	return s
}

// printTable writes rows with their columns aligned.
func printTable(w io.Writer, rows [][]string) error {
	b := bufio.NewWriter(w) // a tabwriter writes each cell by itself; b keeps its first error
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush()
	return b.Flush()
}
