package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/runner"
)

type checkFlags struct {
	only    []string
	model   string
	timeout time.Duration
	out     string
	json    bool
}

func (r *root) check() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [RUN|HISTORY.jsonl]",
		Short: "Judge a run again, or any history; never talks to docker",
		Long: `Check judges what a run wrote down, and writes the verdict into its folder; a folder
that was cut short is finished. RUN is a folder, an id or the beginning of one,
latest (which is also what no argument means), or -1, -2, … for those before.
A file is judged as a history by itself: is it linearizable, as a cas-register?
With --check or --model the answer is only printed, and the folder left as it is.`,
		Example: "  shakedown check latest\n  shakedown check history.jsonl --model register\n  shakedown check 20261122T10 --check linearizable",
		Args:    r.arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && isFile(args[0]) {
				return r.checkHistory(c.Context(), args[0], f)
			}
			return r.checkRun(c.Context(), strings.Join(args, ""), f)
		},
		ValidArgsFunction: r.completeRuns,
	}
	c.Flags().StringArrayVar(&f.only, "check", nil, "only this check; may be repeated")
	c.Flags().StringVar(&f.model, "model", "", "the model of linearizable: register or cas-register")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "how long each check may take (0: as the scenario says)")
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	return c
}

// isFile tells a history from a run: runs are folders.
func isFile(arg string) bool {
	info, err := os.Stat(arg)
	return err == nil && info.Mode().IsRegular()
}

// apply narrows the specs to what the flags ask for.
func (f checkFlags) apply(specs []checkers.Spec) []checkers.Spec {
	var out []checkers.Spec
	for _, s := range specs {
		if len(f.only) == 0 || slices.Contains(f.only, s.Check) {
			out = append(out, s)
		}
	}
	for _, name := range f.only {
		if !slices.ContainsFunc(specs, named(name)) {
			out = append(out, checkers.Spec{Check: name, Model: "cas-register"})
		}
	}
	for i := range out {
		if f.model != "" && out[i].Check == "linearizable" {
			out[i].Model = f.model
		}
		if f.timeout > 0 {
			out[i].Timeout = f.timeout
		}
	}
	return out
}

// partial tells whether the flags ask for less than the whole verdict.
func (f checkFlags) partial() bool { return len(f.only) > 0 || f.model != "" }

// checkHistory judges a file that comes without a run.
func (r *root) checkHistory(ctx context.Context, file string, f checkFlags) error {
	h, err := readHistory(file)
	if err != nil {
		return err
	}
	summary, err := checkers.Check(ctx, h, f.apply(bareSpecs()))
	if err != nil {
		return usage(err, "")
	}
	out := report.Run{Scenario: filepath.Base(file), History: h, Results: summary.Results, Expect: checkers.Valid}
	if why := cutShort(h); why != "" {
		out.Reasons = append(out.Reasons, why)
	}
	out.Verdict = verdict(summary, out.Reasons)
	return r.answer(ctx, out, runner.Outcome{}, f.json)
}

// checkRun judges a run folder again.
func (r *root) checkRun(ctx context.Context, ref string, f checkFlags) error {
	folder, err := resolve(f.out, ref)
	if err != nil {
		return err
	}
	c, err := openCase(folder)
	if err != nil {
		return err
	}
	out, err := c.judge(ctx, f.apply(specsOf(c.plan.Scenario, c.logged)))
	if err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
	case f.partial():
		fmt.Fprintln(r.env.Stderr, "shakedown: note: the folder's verdict is left as it was, since not everything was judged")
	default:
		if err := r.conclude(c, out); err != nil {
			return err
		}
	}
	return r.answer(ctx, out, c.outcome, f.json)
}

// answer prints a verdict. An interrupted check has none.
func (r *root) answer(ctx context.Context, out report.Run, outcome runner.Outcome, asJSON bool) error {
	if ctx.Err() != nil {
		return errors.New("interrupted before everything was judged; nothing was written")
	}
	if err := r.print(out, outcome, asJSON); err != nil {
		return err
	}
	return silent(codeFor(out.Verdict, out.Expect))
}

// resolve finds the run folder that ref names; "" is the latest.
func resolve(root, ref string) (*store.Folder, error) {
	if ref == "" {
		ref = "latest"
	}
	f, err := store.Resolve(root, ref)
	if err != nil {
		return nil, usage(err, "shakedown list runs --out "+root+" names the runs; a history is a file that ends in .jsonl")
	}
	return f, nil
}
