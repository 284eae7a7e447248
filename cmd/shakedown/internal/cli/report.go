package cli

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/compare"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

func (r *root) report() *cobra.Command {
	var out, to string
	c := &cobra.Command{
		Use:   "report [RUN|HISTORY.jsonl]",
		Short: "Write the report of a run, or of any history, as one page",
		Long: `Report writes the page that shows what happened, from what is in the run's folder; it
judges nothing again. RUN is named as for check. A history by itself is judged as check
judges it, and its page is put beside it. The path of the page is printed.`,
		Example:           "  shakedown report latest\n  shakedown report history.jsonl --to page.html",
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && isHistory(args[0]) {
				return r.reportHistory(c.Context(), args[0], to)
			}
			return r.reportRun(strings.Join(args, ""), out, to)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the file to write (default: report.html in the run's folder, or beside the history)")
	outFlag(c, &out)
	return c
}

// reportRun writes the page of a run as it was judged.
func (r *root) reportRun(ref, root, to string) error {
	folder, err := r.resolve(root, ref)
	if err != nil {
		return err
	}
	c, err := openCase(folder)
	if err != nil {
		return err
	}
	out := c.judged()
	if folder.Bundle() == "" {
		out.Results = withPages(folder, out.Results) // the pages of a bundle are not beside this one
	}
	out.Compared = compare.Before(folder)
	if to == "" {
		to = filepath.Join(folder.Path(), "report.html")
		if file := folder.Bundle(); file != "" {
			to = strings.TrimSuffix(file, filepath.Ext(file)) + ".report.html"
		}
	}
	return r.writeReport(out, to)
}

// withPages finds the pages that the checks left in the folder.
func withPages(f *store.Folder, results []checkers.Result) []checkers.Result {
	for i, c := range results {
		entries, err := os.ReadDir(filepath.Join(f.Path(), "checks", report.CheckFolder(c.Check)))
		if err != nil {
			continue // then there are none to link to
		}
		for _, e := range entries {
			if e.Type().IsRegular() && e.Name() != store.ResultFile {
				results[i].Pages = append(results[i].Pages, checkers.Page{Name: e.Name()})
			}
		}
	}
	return results
}

// reportHistory judges a history that comes without a run, and writes its page.
func (r *root) reportHistory(ctx context.Context, file, to string) error {
	h, found, err := readAny(file, "")
	if err != nil {
		return err
	}
	all, err := checkFlags{found: found}.checkers(bareSpecs(h), nil)
	if err != nil {
		return err
	}
	summary := checkers.RunWithin(ctx, h, all, memoryLimit())
	out := report.Run{Scenario: filepath.Base(file), History: h, Results: summary.Results, Expect: checkers.Valid}
	if n := len(h.Ops); n > 0 {
		out.Took = h.Ops[n-1].Time
	}
	if why := cutShort(h); why != "" {
		out.Reasons = append(out.Reasons, why)
	}
	out.Verdict = verdict(summary, out.Reasons)
	for i := range out.Results {
		out.Results[i].Pages = nil // they are not beside this page
	}
	if to == "" {
		to = strings.TrimSuffix(file, filepath.Ext(file)) + ".report.html"
	}
	return r.writeReport(out, to)
}

// writeReport writes the page and prints where it is.
func (r *root) writeReport(out report.Run, to string) error {
	var b bytes.Buffer
	if err := report.HTML(&b, out); err != nil {
		return err
	}
	if err := os.WriteFile(to, b.Bytes(), fs.FileMode(0o600)); err != nil {
		return environment(fmt.Errorf("write the report: %w", err), "")
	}
	_, err := fmt.Fprintln(r.env.Stdout, to)
	return err
}
