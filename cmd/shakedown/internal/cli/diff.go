package cli

import (
	"cmp"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/compare"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/runner"
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
	var plans [2]*runner.Plan
	for i, ref := range args {
		c, err := r.openRun(out, ref)
		if err != nil {
			return err
		}
		if plans[i], err = c.wholePlan(); err != nil {
			return err
		}
		sides[i] = compare.Read(c.folder)
	}
	c := compare.Of(sides[0], sides[1])
	plan := planDiff(plans[0], plans[1])
	if asJSON {
		return printJSON(r.env.Stdout, difference{c.A.ID, c.B.ID, c.SamePlan, pairsOf(plan, true), pairsOf(c.Rows, false), pairsOf(c.Checks, false)})
	}
	rows := append([][]string{{"", "A " + c.A.ID, "B " + c.B.ID}}, differing(c.Rows, everything)...)
	if err := printTable(r.env.Stdout, rows); err != nil {
		return err
	}
	if err := r.printChecks(differing(c.Checks, everything)); err != nil {
		return err
	}
	if c.SamePlan {
		_, err := fmt.Fprintln(r.env.Stdout, "\nthe plans are the same, byte for byte")
		return err
	}
	if _, err := fmt.Fprintln(r.env.Stdout, "\nthe plans differ:"); err != nil {
		return err
	}
	return printTable(r.env.Stdout, differing(plan, everything))
}

// differing are the rows in which two runs differ, or all, each on one line.
func differing(rows []report.ComparedRow, everything bool) [][]string {
	var out [][]string
	for _, x := range rows {
		if x.Differs || everything {
			out = append(out, []string{oneLine(x.Name), shortDigest(oneLine(x.A)), shortDigest(oneLine(x.B))})
		}
	}
	return out
}

// printChecks prints what the checks say of each run, one below the other: they
// say it in sentences, which would make a table too wide to read.
func (r *root) printChecks(rows [][]string) error {
	for _, x := range rows {
		if _, err := fmt.Fprintf(r.env.Stdout, "\n%s\n  A  %s\n  B  %s\n", x[0], cmp.Or(x[1], "–"), cmp.Or(x[2], "–")); err != nil {
			return err
		}
	}
	return nil
}

// shortDigest cuts digests to as much as people compare.
func shortDigest(text string) string {
	return regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`).ReplaceAllString(text, "$1")
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
