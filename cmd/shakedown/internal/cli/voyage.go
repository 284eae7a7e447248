package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
	"github.com/shakedown-dev/shakedown/runner/ssh"
)

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
	// engines are what was opened for this run only.
	engines []docker.Berth
	// newRoot says that the folder for run folders was not there before.
	newRoot bool
}

// runJob is a run from the plan to the verdict.
func (r *root) runJob(ctx context.Context, e *docker.Engine, j job, f runFlags, did *ran) error {
	v, err := r.newVoyage(e, j, f)
	if err != nil {
		return err
	}
	did.id = v.folder.ID()
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
	did.verdict, did.out = report.Word(out.Verdict), out
	return v.answer(out, outcome, err)
}

// newVoyage makes the plan and the folder with all that is known before.
func (r *root) newVoyage(e *docker.Engine, j job, f runFlags) (*voyage, error) {
	plan, err := r.planOf(j, f)
	if err != nil {
		return nil, err
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
	v.info.Parent, v.info.Set = j.parent, j.set
	return v, v.writePlan()
}

// planOf is the plan of a job: the one that it came with, or one made from a
// seed, given or drawn.
func (r *root) planOf(j job, f runFlags) (*runner.Plan, error) {
	if j.plan != nil {
		return j.plan, nil
	}
	if !f.fixed {
		f.seed = r.env.Chance() >> 32 // short enough to be typed
	}
	plan, err := runner.Compile(j.scenario, f.seed)
	if err != nil {
		return nil, usage(err, "")
	}
	return plan, nil
}

// writePlan is the first stage of the folder.
func (v *voyage) writePlan() error {
	err := errors.Join(
		v.folder.WriteJSON(store.RunFile, v.info),
		v.folder.WriteFile(store.ScenarioFile, v.job.source.src),
		v.folder.WriteFrom(store.PlanFile, v.plan.Write))
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
	defer v.hangUp()
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
	if outcome.Stays {
		err = errors.Join(err, journal.Stays())
	}
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
	switch {
	case onHosts(v.plan.Scenario):
		return v.prepareHosts(ctx, say)
	case onEngines(v.plan.Scenario):
		return v.prepareEngines(ctx, say)
	}
	image, err := imageOf(ctx, v.engine, v.root.env.Catalog.Images, v.plan, say)
	if err != nil {
		return nil, err
	}
	v.info.Image = store.Image{Ref: image.Ref, ID: image.ID}
	if err := v.folder.WriteJSON(store.RunFile, v.info); err != nil {
		return nil, environment(fmt.Errorf("write the run folder: %w", err), "")
	}
	further, err := furtherImages(ctx, v.engine, v.root.env.Catalog.Images, v.plan, say)
	if err != nil {
		return nil, err
	}
	c, err := v.engine.Up(ctx, specOf(v.folder.ID(), image.Ref, further, v.plan), say)
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
	if v.job.plan == nil { // or others may be about to carry it out
		v.plan.Forget() // what is judged is what was done
	}
	c, err := openCaseOf(v.folder, v.plan)
	if errors.Is(err, errTooLarge) && failed == nil {
		// Recorded it is, whole; whoever has the memory can judge it.
		return report.Run{}, &failure{exitUnknown, err, "the history is safe; where there is more memory, shakedown check " + v.folder.ID() + " finishes the run"}
	}
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
	var bug *nemesis.PanicError
	switch {
	case errors.As(failed, &bug):
		out = append(out, "Shakedown itself failed: "+oneLine(failed.Error())+".")
	case failed != nil:
		out = append(out, "The environment failed: "+oneLine(failed.Error())+".")
	}
	return out
}
