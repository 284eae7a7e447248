package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/scenarios"
)

func (r *root) rerun() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "rerun [RUN]",
		Short: "Carry out the plan of a run again, and say how often it gives the same",
		Long: `Rerun makes a new run of the same plan: the same faults at the same times on the same
targets, the same operations of the same clients. It cannot promise the same
interleaving, so it says how often a violation came, and where the true rate lies.
The new run's run.json names the one it repeats.

With --set the plan is carried out twice in turn, as it was and with the settings, so
that one command shows whether a violation is there on one version and gone on
another. The exit code is then that of the runs with the settings.`,
		Example: `  shakedown rerun 7f3a91 --until violation
  shakedown rerun bundle.zip --times 10
  shakedown rerun 7f3a91 --times 5 --set system.version=3.5.21`,
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			return r.runAgain(c.Context(), strings.Join(args, ""), f)
		},
	}
	f.repeat(c)
	c.Flags().BoolVar(&f.keep, "keep", false, "leave the containers running in the end")
	f.show.add(c)
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	setFlag(c, &f.set)
	return c
}

func (r *root) runAgain(ctx context.Context, ref string, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c, err := r.openRun(f.out, ref)
	if err != nil {
		return err
	}
	before, err := r.again(c)
	if err != nil {
		return err
	}
	jobs := []job{before}
	if len(f.set) > 0 {
		after, err := r.changed(c, before, f.set)
		if err != nil {
			return err
		}
		jobs = append(jobs, after)
	}
	all, err := r.carryOut(ctx, jobs, f)
	if err != nil {
		return err
	}
	if err := r.printAgain(c, all, jobs, f.json); err != nil {
		return err
	}
	last := jobs[len(jobs)-1]
	return silent(worst(codesOf(slices.DeleteFunc(slices.Clone(all), func(did ran) bool { return did.job.plan != last.plan }))...))
}

// again is the job of carrying out a run's plan as it is.
func (r *root) again(c *runCase) (job, error) {
	system, err := r.env.Catalog.system(c.plan.Scenario)
	if err != nil {
		return job{}, err
	}
	plan, err := c.wholePlan()
	if err != nil {
		return job{}, err
	}
	src, err := c.folder.ReadFile(store.ScenarioFile)
	if err != nil {
		src = nil // a bundle that was redacted has none
	}
	return job{
		source: source{path: store.ScenarioFile, src: src}, scenario: plan.Scenario, system: system,
		set: c.info.Set, plan: plan, parent: c.folder.ID(),
	}, nil
}

// changed is the job of carrying out the same plan with other settings. Where
// they change what is planned, the plan is made anew with the same seed.
func (r *root) changed(c *runCase, before job, set []string) (job, error) {
	if before.source.src == nil {
		return job{}, usage(errors.New("the run has no scenario.yaml, which --set would change"), "a redacted bundle has none; take the run itself")
	}
	after := before
	after.set = slices.Concat(before.set, set)
	var err error
	if after.scenario, err = r.parse(before.source, after.set); err != nil {
		return job{}, err
	}
	if after.system, err = r.env.Catalog.system(after.scenario); err != nil {
		return job{}, err
	}
	if samePlan(c.plan.Scenario, after.scenario) {
		plan := *before.plan
		plan.Scenario = after.scenario
		after.plan = &plan
		return after, nil
	}
	fmt.Fprintln(r.env.Stderr, "shakedown: note: the settings change what is planned, so the plan is made anew with the same seed")
	if after.plan, err = runner.Compile(after.scenario, c.plan.Seed); err != nil {
		return job{}, usage(err, "")
	}
	return after, nil
}

// samePlan tells whether two scenarios plan the same: by the nodes, the
// workload and the phases.
func samePlan(a, b *scenarios.Scenario) bool {
	planned := func(s *scenarios.Scenario) []byte {
		text, err := json.Marshal([]any{s.System.Nodes, s.Workload, s.Phases})
		if err != nil {
			return nil
		}
		return text
	}
	x, y := planned(a), planned(b)
	return x != nil && bytes.Equal(x, y)
}

// printAgain says how often the plan gave a violation, and if there were other
// settings, what they changed.
func (r *root) printAgain(c *runCase, all []ran, jobs []job, asJSON bool) error {
	if len(all) == 0 {
		return nil
	}
	if err := r.printSeries(all, asJSON); err != nil || asJSON {
		return err
	}
	lines := linesOf(all)
	says := fmt.Sprintf("run %s, which this repeats, was %s", c.folder.ID(), wasJudged(c))
	if len(jobs) == 2 && len(lines) == 2 {
		says = contrast(lines[0], lines[1])
	}
	_, err := fmt.Fprintln(r.env.Stdout, says)
	return err
}

func wasJudged(c *runCase) string {
	if c.result == nil {
		return "not judged"
	}
	return c.result.Verdict.String()
}

// contrast says in words what other settings changed.
func contrast(before, after *seriesLine) string {
	was, is := before.System, after.System
	if was == is {
		was, is = "as it was", "with "+strings.Join(after.Set, " ")
	}
	found := func(l *seriesLine) bool { return l.Violations > 0 }
	judged := func(l *seriesLine) bool { return l.Violations+l.Valid > 0 }
	switch {
	case !judged(before) || !judged(after):
		return "not enough runs could be judged to say what the settings change"
	case found(before) && !found(after):
		return fmt.Sprintf("fails on the old, passes on the new: %s, %s%s", was, is, doubt(before, after))
	case !found(before) && found(after):
		return fmt.Sprintf("passes on the old, fails on the new: %s, %s%s", was, is, doubt(before, after))
	case found(before):
		return fmt.Sprintf("fails on both: %s, %s", was, is)
	}
	return fmt.Sprintf("passes on both: %s, %s", was, is)
}

// doubt warns where the two rates could still be the same one.
func doubt(a, b *seriesLine) string {
	if a.Low <= b.High && b.Low <= a.High {
		return "; so few runs could also differ by chance: more with --times"
	}
	return ""
}
