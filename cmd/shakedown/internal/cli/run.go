package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/scenarios"
)

type runFlags struct {
	seed  uint64
	fixed bool // the seed was given
	set   []string
	out   string
	keep  bool
	times int
	until string
	json  bool
	show  progressFlags
}

func (r *root) run() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Break a cluster as scenarios say, and judge what it did",
		Long: `Run starts the nodes of each scenario in docker, lets clients work and faults strike,
heals everything, reads what is there, and judges it. What happened is written into a
folder below runs/ while it happens. SCENARIO is the name of a bundled scenario, a
file, or a folder with scenarios.

Ctrl-C once stops, heals, and judges what there is; twice leaves at once.`,
		Example: `  shakedown run etcd-storm
  shakedown run my.yaml --seed 7 --times 10
  shakedown run etcd-storm --until violation --times 20
  shakedown run etcd-storm --set system.version=3.6.5 --set phases.storm.for=20s`,
		Args:              r.arguments(1, -1),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, args []string) error {
			f.fixed = c.Flags().Changed("seed")
			return r.runAll(c.Context(), args, f)
		},
	}
	c.Flags().Uint64Var(&f.seed, "seed", 0, "what everything random is drawn from (default: chosen by chance, and printed)")
	c.Flags().BoolVar(&f.keep, "keep", false, "leave the containers running in the end")
	f.repeat(c)
	f.show.add(c)
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	setFlag(c, &f.set)
	return c
}

// A job is one scenario, read and found good.
type job struct {
	source   source
	scenario *scenarios.Scenario
	system   client.System
	// set are the settings by which the scenario differs from its source, and
	// row those of them that a matrix gave.
	set, row []string
	// plan is the plan to carry out; nil to make one from the seed.
	plan *runner.Plan
	// parent is the run that is repeated; empty if none is.
	parent string
}

// runAll reads every scenario before it runs the first: a mistake in the last
// one should not come to light after an hour.
func (r *root) runAll(ctx context.Context, args []string, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	jobs, err := r.jobs(args, f.set)
	if err != nil {
		return err
	}
	all, err := r.carryOut(ctx, jobs, f)
	if err != nil {
		return err
	}
	if len(all) == 1 && len(jobs) == 1 {
		return silent(all[0].code)
	}
	if err := r.printSeries(all, f.json); err != nil {
		return err
	}
	return silent(worst(codesOf(all)...))
}

// check finds mistakes in the flags.
func (f runFlags) check() error {
	switch {
	case f.times < 0:
		return usage(fmt.Errorf("--times is %d, and must be at least 1", f.times), "")
	case f.until != "" && f.until != untilViolation:
		return usage(fmt.Errorf("there is no end %q to run until", f.until), "there is --until "+untilViolation)
	}
	return nil
}

// jobs reads all scenarios and makes a plan of each.
func (r *root) jobs(args, set []string) ([]job, error) {
	sources, err := find(args)
	if err != nil {
		return nil, err
	}
	var jobs []job
	var errs []error
	for _, s := range sources {
		more, err := r.rows(s, set)
		if err != nil {
			errs = append(errs, err)
		}
		jobs = append(jobs, more...)
	}
	if len(errs) > 0 {
		for _, err := range errs[1:] {
			printFailure(r.env.Stderr, err)
		}
		return nil, usage(errs[0], "")
	}
	return jobs, nil
}

// matrixOf are the settings of each run that a scenario asks for: of one
// without a matrix, none for one run.
func matrixOf(s source) ([][]string, error) {
	rows, err := scenarios.Rows(s.path, s.src)
	if err == nil && len(rows) == 0 {
		rows = [][]string{nil}
	}
	return rows, err
}

// rows are the runs that one scenario asks for: one, or as many as its matrix
// has rows.
func (r *root) rows(s source, set []string) ([]job, error) {
	rows, err := matrixOf(s)
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, row := range rows {
		// What the command line says comes last, and stands.
		all := slices.Concat(row, set)
		scenario, err := r.parseAndPlan(s, all)
		if err != nil {
			return nil, err
		}
		system, err := r.env.Catalog.system(scenario)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{source: s, scenario: scenario, system: system, set: all, row: row})
	}
	return jobs, nil
}
