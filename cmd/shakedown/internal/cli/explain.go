package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A topic is something that explain can explain.
type topic struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Says string `json:"says"`
	// More are further lines.
	More []string `json:"more,omitempty"`
}

func (r *root) explain() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain [NAME]",
		Short: "Explain a fault, check, client, workload, scenario field, exit code or file of a run",
		Long: `Explain says what a name means and what it can be told. A name may have several
meanings; a field of a scenario is named by its path or the end of it, as in
faults.every. Without a name it lists all there are.`,
		Example: "  shakedown explain partition\n  shakedown explain phases.faults.target\n  shakedown explain 2",
		Args:    r.arguments(0, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return r.topicNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return r.explainThese(strings.Join(args, ""), asJSON) },
	}
	jsonFlag(c, &asJSON)
	return c
}

func (r *root) explainThese(name string, asJSON bool) error {
	all, err := r.topics()
	if err != nil {
		return err
	}
	found := all
	if name != "" {
		found = slices.DeleteFunc(slices.Clone(all), func(t topic) bool { return !t.is(name) })
	}
	switch {
	case len(found) == 0:
		hint := didYouMean(name, r.topicNames())
		if hint == "" {
			hint = "shakedown explain lists all that can be explained"
		}
		return usage(fmt.Errorf("there is nothing called %q to explain", name), hint)
	case asJSON:
		return printLines(r.env.Stdout, found)
	case name == "":
		var rows [][]string
		for _, t := range found {
			rows = append(rows, []string{t.Kind, t.Name, t.Says})
		}
		return printTable(r.env.Stdout, rows)
	}
	return r.printTopics(found)
}

// is tells whether a name means the topic: its own, or the end of a path.
func (t topic) is(name string) bool {
	plain := strings.ReplaceAll(t.Name, "[]", "")
	name = strings.ReplaceAll(strings.TrimSuffix(name, "/"), "[]", "")
	return name == strings.TrimSuffix(plain, "/") || t.Kind == kindField && strings.HasSuffix(plain, "."+name)
}

func (r *root) printTopics(found []topic) error {
	for i, t := range found {
		if i > 0 {
			fmt.Fprintln(r.env.Stdout)
		}
		if _, err := fmt.Fprintf(r.env.Stdout, "%s %s\n  %s\n", t.Kind, t.Name, t.Says); err != nil {
			return err
		}
		for _, l := range t.More {
			if _, err := fmt.Fprintf(r.env.Stdout, "  %s\n", l); err != nil {
				return err
			}
		}
	}
	return nil
}

// topicNames are all names once, for a shell and for suggestions.
func (r *root) topicNames() []string {
	all, err := r.topics()
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range all {
		name := strings.ReplaceAll(t.Name, "[]", "")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		if last := name[strings.LastIndex(name, ".")+1:]; t.Kind == kindField && !slices.Contains(names, last) {
			names = append(names, last)
		}
	}
	return names
}
