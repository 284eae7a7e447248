package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/runner"
)

// An answer is what --json prints for a run, or for a bare history: where it
// is, and its result.json.
type answer struct {
	Run      string `json:"run,omitempty"`
	Folder   string `json:"folder,omitempty"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	store.Result
}

// resultOf is the result.json of a run with its verdict.
func resultOf(out report.Run, o runner.Outcome) store.Result {
	return store.Result{
		Format: store.Format, Verdict: out.Verdict, Expect: report.Word(out.Expect), AsExpected: out.AsExpected(),
		Exit: codeFor(out.Verdict, out.Expect), Interrupted: o.Interrupted, Stopped: o.Stopped, Reasons: out.Reasons,
		Checks: out.Results, Counts: o.Counts, Timings: o.Timings, Problems: o.Problems,
	}
}

// outcomeOf is what a result.json keeps of the run itself.
func outcomeOf(r store.Result) runner.Outcome {
	return runner.Outcome{Interrupted: r.Interrupted, Stopped: r.Stopped, Timings: r.Timings, Counts: r.Counts, Problems: r.Problems}
}

// newRunInfo says under which circumstances a run is made.
func newRunInfo(env Env, start time.Time, p *runner.Plan) store.RunInfo {
	b := thisBuild()
	if b.Modified {
		b.Commit += "+changes"
	}
	return store.RunInfo{
		Format: store.Format, Shakedown: store.Build{Version: b.Version, Commit: b.Commit},
		Argv: append([]string{"shakedown"}, env.Args...), Seed: p.Seed, Started: start.UTC(),
		Env: store.SafeEnv(env.Getenv), Host: store.ThisHost(),
	}
}

// factsOf is the fine print of a report.
func factsOf(i store.RunInfo, o runner.Outcome) []report.Fact {
	facts := []report.Fact{
		{Name: "command", Value: strings.Join(i.Argv, " ")},
		{Name: "shakedown", Value: strings.TrimSpace(i.Shakedown.Version + " " + i.Shakedown.Commit)},
	}
	if i.Docker.Engine != "" {
		facts = append(facts, report.Fact{Name: "image", Value: strings.TrimSpace(i.Image.Ref + " " + i.Image.ID)},
			report.Fact{Name: "docker", Value: "engine " + i.Docker.Engine + ", API " + i.Docker.API})
	}
	facts = append(facts, report.Fact{Name: "host", Value: strings.Join([]string{i.Host.OS, i.Host.Arch, i.Host.Kernel, countOf(i.Host.CPUs, "processor")}, ", ")})
	for _, name := range slices.Sorted(maps.Keys(o.Timings)) {
		facts = append(facts, report.Fact{Name: "time of " + name, Value: o.Timings[name].Round(time.Microsecond).String()})
	}
	if shed := o.Counts["shed"]; shed > 0 {
		facts = append(facts, report.Fact{Name: "not sent", Value: fmt.Sprintf("%s of the plan, because their client was still waiting; in_flight under workload lets it have more under way",
			countOf(int(shed), "operation"))})
	}
	for _, p := range o.Problems {
		facts = append(facts, report.Fact{Name: "problem", Value: p})
	}
	return facts
}
