package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// listRuns prints the runs, newest first.
func (r *root) listRuns(out string, asJSON bool) error {
	runs, err := store.List(out)
	if err != nil {
		return environment(err, "")
	}
	if asJSON {
		return printLines(r.env.Stdout, runs)
	}
	var rows [][]string
	for _, i := range runs {
		rows = append(rows, []string{i.ID, i.Scenario, runState(i)})
	}
	return printTable(r.env.Stdout, rows)
}

// runState is how far a run got, and what was found.
func runState(i store.Info) string {
	switch {
	case i.Problem != "":
		return "broken: " + oneLine(i.Problem)
	case i.Stage != store.StageResult:
		return "not judged; shakedown check finishes it"
	case i.Verdict == i.Expect:
		return i.Verdict + ", as expected"
	}
	return i.Verdict
}

// completeTwoRuns is completeRuns for two arguments.
func (r *root) completeTwoRuns(c *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return r.completeRuns(c, nil, begin)
}

// completeRuns offers the ids of runs to a shell.
func (r *root) completeRuns(c *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	out, err := c.Flags().GetString("out")
	if len(args) > 0 || err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	runs, err := store.List(out)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ids := []string{"latest"}
	for _, i := range runs {
		ids = append(ids, i.ID+"\t"+i.Scenario+" "+runState(i))
	}
	var fit []string
	for _, id := range ids {
		if strings.HasPrefix(id, begin) {
			fit = append(fit, id)
		}
	}
	return fit, cobra.ShellCompDirectiveDefault
}
