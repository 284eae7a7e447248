package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/compare"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/foreign"
	"github.com/shakedown-dev/shakedown/nemesis"
	"github.com/shakedown-dev/shakedown/runner"
)

// A runCase is what is judged: a run folder with all that its files say.
type runCase struct {
	folder *store.Folder
	info   store.RunInfo
	// plan is without the operations of the clients: what is judged is what was
	// done. See wholePlan.
	plan    *runner.Plan
	history *history.History
	// logged are the nodes' logs; nil if none were collected.
	logged fs.FS
	// outcome and reasons are what the run said about itself.
	outcome runner.Outcome
	reasons []string
	// result is how the run was judged last; nil if it was not.
	result *store.Result
}

// openCase reads a run folder as far as it got. A folder without a history is
// of a run that was cut short before its first event.
func openCase(f *store.Folder) (*runCase, error) {
	text, err := f.Open(store.PlanFile)
	if err != nil {
		return nil, usage(fmt.Errorf("read run %s: %w", f.ID(), err), "without a plan.json there is nothing to judge it by; it was cut short before anything happened")
	}
	defer text.Close()
	plan, err := runner.DecodeOutline(text)
	if err != nil {
		return nil, usage(fmt.Errorf("run %s, plan.json: %w", f.ID(), err), "")
	}
	return openCaseOf(f, plan)
}

// wholePlan reads the plan with what the clients were to do.
func (c *runCase) wholePlan() (*runner.Plan, error) {
	text, err := c.folder.ReadFile(store.PlanFile)
	if err != nil {
		return nil, usage(fmt.Errorf("read run %s: %w", c.folder.ID(), err), "")
	}
	plan, err := runner.Decode(text)
	if err != nil {
		return nil, usage(fmt.Errorf("run %s, plan.json: %w", c.folder.ID(), err), "")
	}
	return plan, nil
}

// openCaseOf is openCase for a run whose plan is at hand.
func openCaseOf(f *store.Folder, plan *runner.Plan) (*runCase, error) {
	c := &runCase{folder: f, plan: plan, history: history.New(nil)}
	var err error
	if err := readIfThere(f, store.RunFile, &c.info); err != nil {
		return nil, err
	}
	var before store.Result
	if err := readIfThere(f, store.ResultFile, &before); err != nil {
		return nil, err
	}
	c.outcome, c.reasons = outcomeOf(before), before.Reasons
	if f.Has(store.ResultFile) {
		c.result = &before
	}
	if f.Has(store.HistoryFile) {
		if c.history, err = readHistory(filepath.Join(f.Path(), store.HistoryFile)); err != nil {
			return nil, err
		}
	}
	if f.Has("nodes") {
		c.logged = os.DirFS(filepath.Join(f.Path(), "nodes"))
	}
	return c, nil
}

// openRun reads the run that ref names below root.
func (r *root) openRun(root, ref string) (*runCase, error) {
	folder, err := r.resolve(root, ref)
	if err != nil {
		return nil, err
	}
	return openCase(folder)
}

// readIfThere reads a file that a run which was cut short may lack.
func readIfThere(f *store.Folder, name string, v any) error {
	if !f.Has(name) {
		return nil
	}
	if err := f.ReadJSON(name, v); err != nil {
		return usage(fmt.Errorf("run %s: %w", f.ID(), err), "if the file was damaged, move it away and check the run again")
	}
	return nil
}

// What a byte of history takes of memory while it is judged: at least, with the
// collector of garbage hard at work, and with ease (3.8 were measured, for a
// history of registers).
const (
	memoryPerByte = 3
	easePerByte   = 5
)

// fits refuses a history that would take the machine down rather than be
// judged, at so much memory for each of its bytes. Where memory cannot be told,
// everything fits.
func fits(file string, perByte uint64) error {
	info, err := os.Stat(file)
	available, known := ourMemory()
	if err != nil || !known || !tooLarge(info.Size(), available, perByte) {
		return nil // that a file is not there is for its reader to say
	}
	return usage(fmt.Errorf("%s has %s, %w than the %s that are available",
		file, gibibytes(uint64(info.Size())), errTooLarge, gibibytes(available)), "judge it on a larger machine, or only its first lines")
}

// errTooLarge is why a history is not judged here.
var errTooLarge = errors.New("and judging it would take more memory")

// tooLarge tells whether a history of size bytes takes more than there is.
func tooLarge(size int64, available, perByte uint64) bool { return uint64(size) > available/perByte }

// readHistory reads a history of ours; one that leaves little of the memory there
// is, apart from it. That it cannot be read is the caller's to mend.
func readHistory(file string) (*history.History, error) {
	if fits(file, easePerByte) != nil {
		h, err := readApart(file)
		if err == nil || !errors.Is(err, history.ErrNotApart) {
			return h, err
		}
		if large := fits(file, memoryPerByte); large != nil {
			return nil, fmt.Errorf("%w (%w)", large, err)
		}
	}
	h, err := history.ReadFile(file)
	if err != nil {
		return nil, usage(err, "")
	}
	return h, nil
}

// readApart reads a history into a file: where it is itself, or, if that cannot
// be, where temporary files are.
func readApart(file string) (*history.History, error) {
	h, err := history.ReadFileApart(file, filepath.Dir(file))
	if errors.Is(err, history.ErrNotApart) {
		h, err = history.ReadFileApart(file, os.TempDir())
	}
	switch {
	case errors.Is(err, history.ErrNotApart):
		return nil, err
	case err != nil:
		return nil, usage(err, "")
	}
	return h, nil
}

// readAny reads a history in the named format, or if that is empty in whatever
// format it is.
func readAny(file, format string) (*history.History, foreign.Format, error) {
	hint := file
	if format != "" {
		if _, err := foreign.ParseFormat(format); err != nil {
			return nil, 0, usage(err, "")
		}
		hint = format
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, usage(fmt.Errorf("read history %s: %w", file, pathless(err)), "")
	}
	defer f.Close()
	found, text, err := foreign.Recognize(f, hint)
	if err != nil {
		return nil, 0, usage(fmt.Errorf("read history %s: %w", file, err), "")
	}
	if found == foreign.Shakedown {
		h, err := readHistory(file)
		return h, found, err
	}
	if err := fits(file, memoryPerByte); err != nil {
		return nil, 0, err
	}
	h, err := found.Read(text)
	if err != nil {
		return nil, 0, usage(fmt.Errorf("read history %s: %w", file, err), "")
	}
	return h, found, nil
}

// cutShort says why a history is not the whole of its run, or "". A bare list
// of operations, without phases, comes from elsewhere and has no end to miss.
func cutShort(h *history.History) string {
	phases := h.Phases()
	switch {
	case len(h.Ops) == 0:
		return "The run was cut short before its first event."
	case len(phases) > 0 && !h.Ended():
		last := h.Ops[len(h.Ops)-1].Time
		return fmt.Sprintf("The run was cut short: its history ends at %.1fs, in phase %s.", last.Seconds(), phases[len(phases)-1].Name)
	case h.Truncated:
		return "The last line of the history is cut short, so there may have been more."
	}
	return ""
}

// verdict joins what the checks say with the reasons for which a pass would
// not count. A violation stands, whatever else happened.
func verdict(s checkers.Summary, reasons []string) checkers.Verdict {
	if s.Verdict == checkers.Valid && len(reasons) > 0 {
		return checkers.Unknown
	}
	return s.Verdict
}

// codeFor is the exit code for a verdict where another was expected.
func codeFor(got, want checkers.Verdict) int {
	switch got {
	case want:
		return exitExpected
	case checkers.Unknown:
		return exitUnknown
	}
	return exitViolation
}

// checkers are all that the scenario asks for, as the flags narrow it.
func (c *runCase) checkers(f checkFlags) ([]checkers.Checker, error) {
	rules, err := rulesIn(c.plan.Scenario)
	if err != nil {
		return nil, err
	}
	return f.checkers(specsOf(c.plan.Scenario, c.logged), rules)
}

// judge runs the checks over the case. Nothing is written.
func (c *runCase) judge(ctx context.Context, all []checkers.Checker) report.Run {
	summary := checkers.RunWithin(ctx, c.history, all, memoryLimit())
	out := c.describe()
	if why := cutShort(c.history); why != "" && !slices.Contains(out.Reasons, why) {
		out.Reasons = append(out.Reasons, why)
	}
	out.Verdict, out.Results = verdict(summary, out.Reasons), summary.Results
	return out
}

// describe is the report of a case, without a verdict.
func (c *runCase) describe() report.Run {
	s := c.plan.Scenario
	out := report.Run{
		ID: c.folder.ID(), Folder: c.folder.Path(), Bundle: c.folder.Bundle(), Scenario: s.Name, About: s.About,
		System: fmt.Sprintf("%s, %s", systemName(s), countOf(s.System.Nodes, "node")), Seed: c.plan.Seed,
		Started: c.info.Started, Expect: expected(s), History: c.history, Reasons: slices.Clone(c.reasons), Facts: factsOf(c.info, c.outcome), Logs: c.logged, Zero: zeroOf(c.info, c.outcome),
	}
	if n := len(c.history.Ops); n > 0 {
		out.Took = c.history.Ops[n-1].Time
	}
	for _, f := range c.plan.Faults {
		out.Planned = append(out.Planned, planned(f))
	}
	return out
}

// planned is an injection of the plan as a report tells it.
func planned(f nemesis.Injection) report.Planned {
	p := report.Planned{ID: f.ID, Fault: f.Fault, Says: plannedWhat(f.Shape, f.Target, f.Nodes), At: f.At, For: f.For}
	if f.Trigger != nil {
		p.When = f.Trigger.String()
	}
	return p
}

// zeroOf is when the history began by the wall clock: once the cluster was up
// and healthy. It is the zero time if the run did not get to note that.
func zeroOf(i store.RunInfo, o runner.Outcome) time.Time {
	healthy, ok := o.Timings["healthy"]
	if !ok || i.Started.IsZero() {
		return time.Time{}
	}
	return i.Started.Add(o.Timings["up"] + healthy)
}

// plannedWhat is what a fault does to whom, in a few words.
func plannedWhat(shape, target string, nodes []string) string {
	if len(nodes) > 0 {
		target = strings.Join(nodes, " ")
	}
	return strings.TrimSpace(shape + " " + target)
}

// conclude writes the verdict into the run folder: each check, then
// result.json, which says that the folder is whole, then what can be made
// again from the others. Only trouble with result.json is an error.
func (r *root) conclude(c *runCase, out report.Run) error {
	if err := writeChecks(c.folder, out.Results); err != nil {
		r.warn("write the checks of run %s: %v", out.ID, err)
	}
	if err := c.folder.WriteJSON(store.ResultFile, resultOf(out, c.outcome)); err != nil {
		return environment(fmt.Errorf("write the result: %w", err), "the history is safe; shakedown check "+out.ID+" finishes the folder")
	}
	out.Compared = compare.Before(c.folder)
	if err := writeWith(c.folder, "report.html", out, report.HTML); err != nil {
		r.warn("write the report of run %s: %v", out.ID, err)
	}
	if err := writeWith(c.folder, "junit.xml", out, report.JUnit); err != nil {
		r.warn("write the junit.xml of run %s: %v", out.ID, err)
	}
	return nil
}

// writeWith writes a file of the folder in a form of the report.
func writeWith(f *store.Folder, name string, out report.Run, form func(io.Writer, report.Run) error) error {
	var b bytes.Buffer
	if err := form(&b, out); err != nil {
		return err
	}
	return f.WriteFile(name, b.Bytes())
}

// warn tells of trouble that changes nothing.
func (r *root) warn(format string, args ...any) {
	fmt.Fprintf(r.env.Stderr, "shakedown: warning: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// writeChecks replaces checks/ by a folder for each check, with its result and
// its pages.
func writeChecks(f *store.Folder, results []checkers.Result) error {
	if err := os.RemoveAll(filepath.Join(f.Path(), "checks")); err != nil {
		return err
	}
	for _, c := range results {
		dir := path.Join("checks", report.CheckFolder(c.Check))
		if err := f.WriteJSON(path.Join(dir, "result.json"), c); err != nil {
			return err
		}
		for _, p := range c.Pages {
			var b bytes.Buffer
			if err := p.Write(&b); err != nil {
				return fmt.Errorf("make page %s: %w", p.Name, err)
			}
			if err := f.WriteFile(path.Join(dir, path.Base(p.Name)), b.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// print prints the verdict.
func (r *root) print(out report.Run, outcome runner.Outcome, asJSON bool) error {
	if asJSON {
		return printJSON(r.env.Stdout, answer{out.ID, out.Folder, out.Scenario, out.Seed, resultOf(out, outcome)})
	}
	return report.Text(r.env.Stdout, out, report.Style{Colour: r.env.colour(r.env.Stdout)})
}
