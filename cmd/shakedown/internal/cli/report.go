package cli

import (
	"bytes"
	"context"
	"errors"
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
	var to string
	var f checkFlags
	c := &cobra.Command{
		Use:   "report [RUN|FILE]",
		Short: "Write the report of a run, or of any history, as one page",
		Long: `Report writes the page that shows what happened, from what is in the run's folder; it
judges nothing again. RUN is named as for check. A history by itself, ours or somebody
else's, is judged as check judges it, with the same flags, and its page is put beside it.
The path of the page is printed.`,
		Example: `  shakedown report latest
  shakedown report history.jsonl --to page.html
  shakedown report history.edn --check list-append --isolation serializable`,
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && isHistory(args[0]) {
				return r.reportHistory(c.Context(), args[0], to, f)
			}
			if f.partial() || f.format != "" || f.timeout != 0 {
				return usage(errors.New("the page of a run shows how it was judged, and judges nothing itself"),
					"shakedown check judges it by other checks; or name its history.jsonl")
			}
			return r.reportRun(strings.Join(args, ""), f.out, to)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the file to write (default: report.html in the run's folder, or beside the history)")
	f.ask(c)
	outFlag(c, &f.out)
	return c
}

// reportRun writes the page of a run as it was judged.
func (r *root) reportRun(ref, root, to string) error {
	c, err := r.openRun(root, ref)
	if err != nil {
		return err
	}
	out := c.judged()
	if c.folder.Bundle() == "" {
		out.Results = withPages(c.folder, out.Results) // the pages of a bundle are not beside this one
	}
	out.Compared = compare.Before(c.folder)
	if to == "" {
		to = filepath.Join(c.folder.Path(), "report.html")
		if file := c.folder.Bundle(); file != "" {
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
func (r *root) reportHistory(ctx context.Context, file, to string, f checkFlags) error {
	out, err := judgeHistory(ctx, file, f)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted before everything was judged; nothing was written")
	}
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
