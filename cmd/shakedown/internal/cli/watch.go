package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/progress"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/runner"
)

// How a run may be shown while it goes on.
const (
	progressAuto  = "auto"
	progressLive  = "live"
	progressPlain = "plain"
	progressJSON  = "json"
	progressNone  = "none"
)

// progressFlags say how runs are shown.
type progressFlags struct {
	how   string
	quiet bool
}

func (f *progressFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.how, "progress", progressAuto, "how to show what goes on: live (in place, on a terminal), plain (a line an event), json (an object a line), none, or auto")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print the verdict only; the same as --progress none")
	c.MarkFlagsMutuallyExclusive("progress", "quiet")
	_ = c.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(progressWays(), cobra.ShellCompDirectiveNoFileComp))
}

func progressWays() []string {
	return []string{progressAuto, progressLive, progressPlain, progressJSON, progressNone}
}

// watchWith chooses how runs are shown from here on. A live picture keeps the
// bottom of the terminal for itself, so all that goes to standard error from
// then on goes through it.
func (r *root) watchWith(f progressFlags) error {
	how := f.how
	if f.quiet {
		how = progressNone
	}
	terminal, is := r.env.terminal(r.env.Stderr)
	if how == progressAuto {
		how = progressPlain
		if is {
			how = progressLive
		}
	}
	colour := r.env.colour(r.env.Stderr)
	switch how {
	case progressNone:
	case progressPlain:
		r.watchBy(progress.NewPlain(r.env.Stderr, colour))
	case progressJSON:
		r.watchBy(progress.NewStream(r.env.Stderr, thisBuild().Version))
		r.measured = true
	case progressLive:
		if !is {
			return usage(errors.New("--progress live needs a terminal on standard error"), "plain prints a line an event")
		}
		screen := progress.NewScreen(terminal, sizeOf(terminal))
		r.env.Stderr = screen
		start := r.env.Now()
		r.watchBy(progress.NewLive(screen, func() time.Duration { return r.env.Now().Sub(start) }, colour))
		r.measured = true
	default:
		hint := didYouMean(how, progressWays())
		if hint == "" {
			hint = "there are " + oneOf(progressWays())
		}
		return usage(fmt.Errorf("there is no way %q to show progress", how), hint)
	}
	return nil
}

// watchBy sets the watcher, apart from the run: a terminal that stands still must
// not hold up a fault.
func (r *root) watchBy(w progress.Watcher) { r.watch = progress.NewDetached(w) }

// measure is who takes the readings of a run; nil if nobody wants them.
func (r *root) measure() func(runner.Reading) {
	if !r.measured {
		return nil
	}
	return r.watch.Reading
}

// sizeOf tells a terminal's size each time it is asked; 0 if it cannot be told.
func sizeOf(f *os.File) func() (columns, rows int) {
	return func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
}

// describe is the run for whoever watches it.
func (v *voyage) describe() progress.Run {
	p := v.plan
	return progress.Run{
		ID: v.folder.ID(), Folder: v.folder.Path(), Scenario: p.Scenario.Name, System: systemName(p.Scenario), Seed: p.Seed,
		Nodes: p.Nodes, Phases: p.Phases, Faults: p.Faults,
	}
}

// ending is how a run ended; out is empty if it was not judged.
func ending(out report.Run, failed error) progress.Ending {
	e := progress.Ending{Exit: exitCode(failed), Hint: hintOf(failed)}
	if failed != nil {
		e.Error = failed.Error()
	}
	if out.ID == "" {
		return e
	}
	e.Verdict, e.Expect = report.Word(out.Verdict), report.Word(out.Expect)
	if code := codeFor(out.Verdict, out.Expect); failed == nil || e.Verdict == "violation" {
		e.Exit = code
	}
	return e
}
