package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/history/foreign"
	"github.com/shakedown-dev/shakedown/runner"
)

type checkFlags struct {
	only       []string
	model      string
	isolation  string
	options    []string
	invariants []string
	format     string
	// found is the format that a file turned out to have.
	found   foreign.Format
	timeout time.Duration
	out     string
	json    bool
}

func (r *root) check() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [RUN|FILE]",
		Short: "Judge a run again, or any history; never talks to docker",
		Long: `Check judges what a run wrote down, and writes the verdict into its folder; a folder
that was cut short is finished. RUN is a folder, an id or the beginning of one,
latest (which is also what no argument means), or -1, -2, … for those before.
With --check, --model and the like the answer is only printed, and the folder left
as it is.

A file is judged as a history by itself: ours, Jepsen's (EDN, JSON, log lines), or
one of those that --format names, which is found out by itself. Without --check
what the operations are called decides: transactions are judged as strict
serializable, enqueue and dequeue as a queue that loses nothing, acquire and release
as a lock, and so on; what cannot be told, as cas-registers that must be linearizable. shakedown list checks tells what can be asked.`,
		Example: `  shakedown check latest
  shakedown check history.jsonl --model register
  shakedown check history.edn --check list-append --isolation snapshot-isolation
  shakedown check history.edn --check set-full --option linearizable=true
  shakedown check history.jsonl --invariants rules.star`,
		Args: r.arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && isHistory(args[0]) {
				return r.checkHistory(c.Context(), args[0], f)
			}
			return r.checkRun(c.Context(), strings.Join(args, ""), f)
		},
		ValidArgsFunction: r.completeRuns,
	}
	f.ask(c)
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	return c
}

// ask adds the flags that say what is to be judged, and how.
func (f *checkFlags) ask(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.only, "check", nil, "only this check; may be repeated")
	c.Flags().StringVar(&f.model, "model", "", "what the objects are meant to be, for checks that ask for a model, as in register")
	c.Flags().StringVar(&f.isolation, "isolation", "", "the level that transactions must keep (by itself strict-serializable)")
	c.Flags().StringArrayVar(&f.options, "option", nil, "something else that a check may be told, as in linearizable=true; may be repeated")
	c.Flags().StringArrayVar(&f.invariants, "invariants", nil, "a file of rules in Starlark; may be repeated")
	c.Flags().StringVar(&f.format, "format", "", "what kind of history the file is, where that cannot be told")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "how long each check may take (0: as the scenario says)")
}

// checkHistory judges a file that comes without a run.
func (r *root) checkHistory(ctx context.Context, file string, f checkFlags) error {
	out, err := judgeHistory(ctx, file, f)
	if err != nil {
		return err
	}
	return r.answer(ctx, out, runner.Outcome{}, f.json)
}

// judgeHistory judges a file that comes without a run, by what the flags ask
// or else by what its operations look like.
func judgeHistory(ctx context.Context, file string, f checkFlags) (report.Run, error) {
	h, found, err := readAny(file, f.format)
	if err != nil {
		return report.Run{}, err
	}
	f.found = found
	base := bareSpecs(h, f.model)
	if len(f.only) == 0 && len(f.invariants) > 0 {
		base = nil // the rules are what is asked for
	}
	all, err := f.checkers(base, nil)
	if err != nil {
		return report.Run{}, err
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
	return out, nil
}

// checkRun judges a run folder again.
func (r *root) checkRun(ctx context.Context, ref string, f checkFlags) error {
	c, err := r.openRun(f.out, ref)
	if err != nil {
		return err
	}
	if f.format != "" {
		return usage(errors.New("--format is for a file, and this is a run"), "leave it out")
	}
	all, err := c.checkers(f)
	if err != nil {
		return err
	}
	out := c.judge(ctx, all)
	switch {
	case ctx.Err() != nil:
	case c.folder.Bundle() != "":
		fmt.Fprintln(r.env.Stderr, "shakedown: note: the bundle is left as it was")
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
