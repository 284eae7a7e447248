package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/compare"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
)

// A difference is what diff --json prints.
type difference struct {
	A        string               `json:"a"`
	B        string               `json:"b"`
	SamePlan bool                 `json:"same_plan"`
	Plan     map[string][2]string `json:"plan,omitempty"`
	Rows     map[string][2]string `json:"figures"`
	Checks   map[string][2]string `json:"checks"`
}

func (r *root) diff() *cobra.Command {
	var out string
	var asJSON, everything bool
	c := &cobra.Command{
		Use:   "diff RUN RUN",
		Short: "Show what differs between two runs: plan, rates, latencies, verdicts",
		Long: `Diff puts two runs side by side and prints what differs: the settings and faults of
their plans, how many operations ended how and how fast, and what each check said.
It exits with 0 whether they differ or not.`,
		Example:           "  shakedown diff -- -2 -1\n  shakedown diff 7f3a91 bundle.zip --all",
		Args:              r.arguments(2, 2),
		ValidArgsFunction: r.completeTwoRuns,
		RunE:              func(_ *cobra.Command, args []string) error { return r.printDiff(out, args, everything, asJSON) },
	}
	c.Flags().BoolVar(&everything, "all", false, "also print what is the same")
	jsonFlag(c, &asJSON)
	outFlag(c, &out)
	return c
}

func (r *root) printDiff(out string, args []string, everything, asJSON bool) error {
	var sides [2]compare.Side
	var cases [2]*runCase
	for i, ref := range args {
		f, err := r.resolve(out, ref)
		if err != nil {
			return err
		}
		if cases[i], err = openCase(f); err != nil {
			return err
		}
		sides[i] = compare.Read(f)
	}
	c := compare.Of(sides[0], sides[1])
	plan := planDiff(cases[0].plan, cases[1].plan)
	if asJSON {
		return printJSON(r.env.Stdout, difference{c.A.ID, c.B.ID, c.SamePlan, pairsOf(plan, true), pairsOf(c.Rows, false), pairsOf(c.Checks, false)})
	}
	rows := [][]string{{"", c.A.ID, c.B.ID}}
	add := func(more []report.ComparedRow) {
		for _, x := range more {
			if x.Differs || everything {
				rows = append(rows, []string{oneLine(x.Name), oneLine(x.A), oneLine(x.B)})
			}
		}
	}
	add(c.Rows)
	add(c.Checks)
	if err := printTable(r.env.Stdout, rows); err != nil {
		return err
	}
	if c.SamePlan {
		_, err := fmt.Fprintln(r.env.Stdout, "the plans are the same, byte for byte")
		return err
	}
	if _, err := fmt.Fprintln(r.env.Stdout, "\nthe plans differ:"); err != nil {
		return err
	}
	rows = [][]string{}
	add(plan)
	return printTable(r.env.Stdout, rows)
}

// pairsOf are compared rows by name; only those that differ, if asked for.
func pairsOf(rows []report.ComparedRow, only bool) map[string][2]string {
	out := map[string][2]string{}
	for _, x := range rows {
		if x.Differs || !only {
			out[x.Name] = [2]string{x.A, x.B}
		}
	}
	return out
}
