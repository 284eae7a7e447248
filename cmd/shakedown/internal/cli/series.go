package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/docker"
)

// untilViolation is what runs may be repeated until.
const untilViolation = "violation"

// mostRuns is how often a run is repeated at most when nobody says how often.
const mostRuns = 50

// A ran is one run of a series, and what became of it.
type ran struct {
	job  job
	id   string
	code int
	// verdict is empty if the run could not be judged.
	verdict string
	out     report.Run
}

// repeat adds the flags for running again and again.
func (f *runFlags) repeat(c *cobra.Command) {
	c.Flags().IntVar(&f.times, "times", 0, fmt.Sprintf("run so many times (default 1; with --until, at most so many: %d)", mostRuns))
	c.Flags().StringVar(&f.until, "until", "", "run again until this: "+untilViolation)
	_ = c.RegisterFlagCompletionFunc("until", cobra.FixedCompletions([]string{untilViolation}, cobra.ShellCompDirectiveNoFileComp))
}

// rounds is how often each job is run at most.
func (f runFlags) rounds() int {
	switch {
	case f.times > 0:
		return f.times
	case f.until != "":
		return mostRuns
	}
	return 1
}

// carryOut runs each job as often as asked for. Between the runs of one job
// come those of the others, so that a machine that is busy for a while does
// not hit one alone.
func (r *root) carryOut(ctx context.Context, jobs []job, f runFlags) ([]ran, error) {
	if err := r.watchWith(f.show); err != nil {
		return nil, err
	}
	e, err := engineFor(ctx, jobs)
	if err != nil {
		return nil, err
	}
	if e != nil {
		defer e.Close()
	}
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintln(r.env.Stderr, "shakedown: interrupted: stopping, healing, and judging what there is; once more leaves at once")
	})
	defer stop()
	r.healDead(ctx, e, f.out)
	var all []ran
	for range f.rounds() {
		for _, j := range jobs {
			if ctx.Err() != nil {
				return all, nil
			}
			did := r.runOne(ctx, e, j, f)
			all = append(all, did)
			if f.until != "" && did.verdict == untilViolation {
				return all, nil
			}
		}
	}
	return all, nil
}

// engineFor is docker's own engine, if any of the scenarios needs it; nil if none.
func engineFor(ctx context.Context, jobs []job) (*docker.Engine, error) {
	if !slices.ContainsFunc(jobs, func(j job) bool { return !elsewhere(j.scenario) }) {
		return nil, nil
	}
	return docker.Open(ctx)
}

// runOne carries out one run, and prints what became of it. A bug that shows
// in one run does not take away what others have found.
func (r *root) runOne(ctx context.Context, e *docker.Engine, j job, f runFlags) ran {
	did := ran{job: j}
	r.beginGroup(j)
	err := r.env.guard(func() error { return r.runJob(ctx, e, j, f, &did) })
	printFailure(r.env.Stderr, err)
	did.code = exitCode(err)
	r.endGroup(did, err)
	return did
}

func codesOf(all []ran) []int {
	var codes []int
	for _, did := range all {
		codes = append(codes, did.code)
	}
	return codes
}

// A line of a series is all runs of one scenario with the same settings.
type seriesLine struct {
	Scenario   string   `json:"scenario"`
	System     string   `json:"system"`
	Set        []string `json:"set,omitempty"`
	Runs       int      `json:"runs"`
	Violations int      `json:"violations"`
	Valid      int      `json:"valid"`
	Unknown    int      `json:"unknown"`
	Failed     int      `json:"failed"`
	// Rate is the share of violations among the runs that could be judged,
	// between Low and High with a confidence of 95 %.
	Rate float64  `json:"rate"`
	Low  float64  `json:"rate_low"`
	High float64  `json:"rate_high"`
	Exit int      `json:"exit"`
	IDs  []string `json:"ids"`
}

// linesOf sums up a series, a line for each job in the order of their first run.
func linesOf(all []ran) []*seriesLine {
	byName := map[string]*seriesLine{}
	var lines []*seriesLine
	codes := map[*seriesLine][]int{}
	for _, did := range all {
		name := did.job.scenario.Name + "\n" + strings.Join(did.job.set, "\n")
		l, ok := byName[name]
		if !ok {
			l = &seriesLine{Scenario: did.job.scenario.Name, System: systemName(did.job.scenario), Set: did.job.set}
			byName[name] = l
			lines = append(lines, l)
		}
		l.add(did)
		codes[l] = append(codes[l], did.code)
	}
	for _, l := range lines {
		judged := l.Violations + l.Valid
		if judged > 0 {
			l.Rate = float64(l.Violations) / float64(judged)
		}
		l.Low, l.High = interval(l.Violations, judged)
		l.Exit = worst(codes[l]...)
	}
	return lines
}

func (l *seriesLine) add(did ran) {
	l.Runs++
	if did.id != "" {
		l.IDs = append(l.IDs, did.id)
	}
	switch did.verdict {
	case "violation":
		l.Violations++
	case "valid":
		l.Valid++
	case "unknown":
		l.Unknown++
	default:
		l.Failed++
	}
}

// rate is how often a violation was found, in words.
func (l *seriesLine) rate() string {
	judged := l.Violations + l.Valid
	if judged == 0 {
		return "no run could be judged"
	}
	return fmt.Sprintf("violation in %d of %d runs, %.0f %% (%.0f–%.0f %%)", l.Violations, judged, 100*l.Rate, 100*l.Low, 100*l.High)
}

// printSeries prints what became of several runs, a line for each scenario and
// its settings.
func (r *root) printSeries(all []ran, asJSON bool) error {
	lines := linesOf(all)
	if asJSON {
		return printLines(r.env.Stdout, lines)
	}
	rows := [][]string{}
	for _, l := range lines {
		var rest []string
		for _, x := range []struct {
			n    int
			noun string
		}{{l.Unknown, "unknown"}, {l.Failed, "failed"}} {
			if x.n > 0 {
				rest = append(rest, fmt.Sprintf("%d %s", x.n, x.noun))
			}
		}
		rows = append(rows, []string{l.Scenario, strings.Join(append([]string{l.System}, l.Set...), " "), countOf(l.Runs, "run"), l.rate(), strings.Join(rest, ", ")})
	}
	if _, err := fmt.Fprintln(r.env.Stdout, "\nall runs (in brackets: where the true rate lies, with 95 % confidence)"); err != nil {
		return err
	}
	return printTable(r.env.Stdout, rows)
}
