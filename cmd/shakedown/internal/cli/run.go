package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/runner/client"
	"github.com/shakedown-dev/shakedown/runner/ssh"
	"github.com/shakedown-dev/shakedown/scenarios"
)

type runFlags struct {
	seed  uint64
	fixed bool // the seed was given
	set   []string
	out   string
	keep  bool
	times int
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
	c.Flags().IntVar(&f.times, "times", 1, "run each scenario so many times; with --seed, the same plan each time")
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
}

// runAll reads every scenario before it runs the first: a mistake in the last
// one should not come to light after an hour.
func (r *root) runAll(ctx context.Context, args []string, f runFlags) error {
	if f.times < 1 {
		return usage(fmt.Errorf("--times is %d, and must be at least 1", f.times), "")
	}
	jobs, err := r.jobs(args, f.set)
	if err != nil {
		return err
	}
	if err := r.watchWith(f.show); err != nil {
		return err
	}
	e, err := engineFor(ctx, jobs)
	if err != nil {
		return err
	}
	if e != nil {
		defer e.Close()
	}
	stop := context.AfterFunc(ctx, func() {
		fmt.Fprintln(r.env.Stderr, "shakedown: interrupted: stopping, healing, and judging what there is; once more leaves at once")
	})
	defer stop()
	r.healDead(ctx, e, f.out)
	var codes []int
	for _, j := range jobs {
		for range f.times {
			if ctx.Err() != nil {
				break
			}
			codes = append(codes, r.runOne(ctx, e, j, f))
		}
	}
	r.printRate(codes, f)
	return silent(worst(codes...))
}

// engineFor is docker's engine, if any of the scenarios needs it; nil if none.
func engineFor(ctx context.Context, jobs []job) (*docker.Engine, error) {
	if !slices.ContainsFunc(jobs, func(j job) bool { return !onHosts(j.scenario) }) {
		return nil, nil
	}
	return docker.Open(ctx)
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
		scenario, err := r.parseAndPlan(s, set)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		system, err := r.env.Catalog.system(scenario)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{source: s, scenario: scenario, system: system})
	}
	if len(errs) > 0 {
		for _, err := range errs[1:] {
			printFailure(r.env.Stderr, err)
		}
		return nil, usage(errs[0], "")
	}
	return jobs, nil
}

// runOne carries out one run, and prints what became of it. A bug that shows
// in one run does not take away what others have found.
func (r *root) runOne(ctx context.Context, e *docker.Engine, j job, f runFlags) int {
	err := r.env.guard(func() error { return r.runJob(ctx, e, j, f) })
	printFailure(r.env.Stderr, err)
	return exitCode(err)
}

// A voyage is one run on its way.
type voyage struct {
	root   *root
	engine *docker.Engine
	job    job
	flags  runFlags
	plan   *runner.Plan
	folder *store.Folder
	info   store.RunInfo
	now    func() time.Duration
	// newRoot says that the folder for run folders was not there before.
	newRoot bool
}

// runJob is a run from the plan to the verdict.
func (r *root) runJob(ctx context.Context, e *docker.Engine, j job, f runFlags) error {
	v, err := r.newVoyage(e, j, f)
	if err != nil {
		return err
	}
	r.watch.Begin(v.describe())
	outcome, prepared, err := v.sail(ctx)
	if err != nil && !prepared || outcome.Interrupted && !v.folder.Has(store.HistoryFile) {
		v.vanish() // nothing happened that anyone would want to read
		r.watch.End(ending(report.Run{}, err))
		return err
	}
	// What happened is judged even after an interruption, and whatever failed.
	out, err := v.judge(context.WithoutCancel(ctx), outcome, err)
	r.watch.End(ending(out, err))
	if out.ID == "" {
		return err // it could not be judged
	}
	return v.answer(out, outcome, err)
}

// newVoyage makes the plan and the folder with all that is known before.
func (r *root) newVoyage(e *docker.Engine, j job, f runFlags) (*voyage, error) {
	if !f.fixed {
		f.seed = r.env.Chance() >> 32 // short enough to be typed
	}
	plan, err := runner.Compile(j.scenario, f.seed)
	if err != nil {
		return nil, usage(err, "")
	}
	start := r.env.Now()
	_, missing := os.Stat(f.out)
	folder, err := store.Create(f.out, start, j.scenario.Name, r.env.Chance)
	if err != nil {
		return nil, environment(err, "")
	}
	v := &voyage{root: r, engine: e, job: j, flags: f, plan: plan, folder: folder, newRoot: missing != nil}
	v.now = func() time.Duration { return r.env.Now().Sub(start) }
	v.info = newRunInfo(r.env, start, plan)
	if e != nil {
		i := e.Info()
		v.info.Docker = store.Docker{Engine: i.Version, API: i.API}
	}
	return v, v.writePlan()
}

// writePlan is the first stage of the folder.
func (v *voyage) writePlan() error {
	text, err := v.plan.Encode()
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	err = errors.Join(
		v.folder.WriteJSON(store.RunFile, v.info),
		v.folder.WriteFile(store.ScenarioFile, v.job.source.src),
		v.folder.WriteFile(store.PlanFile, text))
	if err != nil {
		v.vanish()
		return environment(fmt.Errorf("write the run folder: %w", err), "")
	}
	return nil
}

// vanish removes a folder in which nothing happened, and the root if it was
// made for it.
func (v *voyage) vanish() {
	if err := v.folder.Discard(); err != nil {
		v.root.warn("%v", err)
	}
	if v.newRoot {
		_ = os.Remove(v.flags.out) // fails when it holds something else, as it should
	}
}

// sail carries out the plan. prepared tells whether the cluster came up.
func (v *voyage) sail(ctx context.Context) (outcome runner.Outcome, prepared bool, err error) {
	file, err := v.folder.CreateHistory()
	if err != nil {
		return outcome, false, environment(fmt.Errorf("create the history: %w", err), "")
	}
	defer func() { err = errors.Join(err, closeHistory(file)) }()
	look, unwatch, err := v.lookout(ctx)
	if err != nil {
		return outcome, false, err
	}
	defer unwatch()
	journal, err := v.folder.CreateUndo()
	if err != nil {
		return outcome, false, environment(err, "")
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	outcome, err = runner.Run(ctx, v.plan, runner.Options{
		Watch: look,
		Prepare: func(ctx context.Context, say func(string)) (runner.Cluster, error) {
			c, err := v.prepare(ctx, say)
			prepared = err == nil
			return c, err
		},
		System: v.job.system, History: file, Now: v.now, Observe: v.root.watch.Event, Measure: v.root.measure(),
		Nodes: filepath.Join(v.folder.Path(), "nodes"), Keep: v.flags.keep, Journal: journal,
	})
	return outcome, prepared, err
}

// lookout is what sees every event while the run goes on, nil if nothing needs
// to; the function ends it.
func (v *voyage) lookout(ctx context.Context) (look func(history.Op) string, end func(), err error) {
	l, err := newLookout(context.WithoutCancel(ctx), v.plan.Scenario)
	if err != nil || l == nil {
		return nil, func() {}, err
	}
	if len(l.later) > 0 {
		v.root.watch.Event(runner.Event{Kind: "note",
			Text: "judged after the run only, since everything must be known for it: " + strings.Join(l.later, ", ")})
	}
	return l.look, l.close, nil
}

// prepare makes the image and starts the nodes.
func (v *voyage) prepare(ctx context.Context, say func(string)) (runner.Cluster, error) {
	if onHosts(v.plan.Scenario) {
		return v.prepareHosts(ctx, say)
	}
	image, err := imageOf(ctx, v.engine, v.root.env.Catalog.Images, v.plan, say)
	if err != nil {
		return nil, err
	}
	v.info.Image = store.Image{Ref: image.Ref, ID: image.ID}
	if err := v.folder.WriteJSON(store.RunFile, v.info); err != nil {
		return nil, environment(fmt.Errorf("write the run folder: %w", err), "")
	}
	c, err := v.engine.Up(ctx, specOf(v.folder.ID(), image.Ref, v.plan), say)
	if err != nil {
		return nil, err // not c, which would be no nil once it is an interface
	}
	return c, nil
}

// prepareHosts starts the nodes on their hosts.
func (v *voyage) prepareHosts(ctx context.Context, say func(string)) (runner.Cluster, error) {
	spec, err := v.hostsOf(ctx, say)
	if err != nil {
		return nil, err
	}
	c, err := ssh.Up(ctx, spec, say)
	if err != nil {
		return nil, err // as in prepare
	}
	return c, nil
}

// closeHistory makes sure that the history is on disk.
func closeHistory(f io.Closer) error {
	if err := f.Close(); err != nil {
		return environment(fmt.Errorf("write the history: %w", err), "is the disk full?")
	}
	return nil
}

// judge gives the folder its verdict. The error is that of the environment, if
// it failed, joined with what went wrong here.
func (v *voyage) judge(ctx context.Context, outcome runner.Outcome, failed error) (report.Run, error) {
	c, err := openCase(v.folder)
	if err != nil {
		return report.Run{}, errors.Join(failed, err)
	}
	c.outcome, c.reasons = outcome, reasonsOf(outcome, failed)
	all, err := c.checkers(checkFlags{})
	if err != nil {
		return report.Run{}, errors.Join(failed, err)
	}
	v.root.watch.Event(runner.Event{Kind: "note", Text: "judging " + countOf(len(c.history.Ops), "event") + " by " + countOf(len(all), "check")})
	out := c.judge(ctx, all)
	return out, errors.Join(failed, v.root.conclude(c, out))
}

// answer prints the verdict. If the environment failed, that is why the verdict
// cannot be better than unknown, and the code that counts, unless a violation
// was found before.
func (v *voyage) answer(out report.Run, outcome runner.Outcome, failed error) error {
	err := errors.Join(failed, v.root.print(out, outcome, v.flags.json))
	if out.Verdict == checkers.Violation {
		printFailure(v.root.env.Stderr, err)
		err = nil
	}
	if err != nil {
		return err
	}
	return silent(codeFor(out.Verdict, out.Expect))
}

// reasonsOf says what keeps a run from being judged as a whole.
func reasonsOf(o runner.Outcome, failed error) []string {
	var out []string
	if o.Interrupted {
		out = append(out, "The run was interrupted before its plan was carried out.")
	}
	if o.Stopped != "" {
		out = append(out, "The storm ended before its time, as the scenario asks: "+o.Stopped)
	}
	if failed != nil {
		out = append(out, "The environment failed: "+oneLine(failed.Error())+".")
	}
	return out
}

// printRate says how often the runs ended as expected, if there were several.
func (r *root) printRate(codes []int, f runFlags) {
	if len(codes) < 2 || f.json {
		return
	}
	counts := map[int]int{}
	for _, c := range codes {
		counts[c]++
	}
	fmt.Fprintf(r.env.Stdout, "%d runs: %d as expected, %d not, %d unknown, %d failed\n", len(codes),
		counts[exitExpected], counts[exitViolation], counts[exitUnknown],
		len(codes)-counts[exitExpected]-counts[exitViolation]-counts[exitUnknown])
}
