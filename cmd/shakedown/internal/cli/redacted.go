package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/redact"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/runner"
)

// redacted is a case of which all files are new, with tokens for what clients
// and nodes said. It is judged again, and is what hides most of all that gives
// the same verdict for every check.
func (r *root) redacted(ctx context.Context, c *runCase) (*runCase, error) {
	all, err := c.checkers(checkFlags{})
	if err != nil {
		return nil, err
	}
	want := c.judge(ctx, all)
	for _, level := range redact.Levels() {
		hidden, err := r.hide(c, level)
		if err != nil {
			return nil, environment(fmt.Errorf("redact run %s: %w", c.folder.ID(), err), "")
		}
		got, err := hidden.checkers(checkFlags{})
		if err != nil {
			return nil, err
		}
		out := hidden.judge(ctx, got)
		switch {
		case ctx.Err() != nil:
			return nil, errors.New("interrupted before the redacted run was judged; nothing was written")
		case !sameVerdicts(want, out):
			continue
		}
		if kept := level.String(); kept != "" {
			fmt.Fprintf(r.env.Stderr, "shakedown: note: %s are kept as they were, since the verdict depends on them\n", kept)
		}
		if err := r.conclude(hidden, out); err != nil {
			return nil, err
		}
		return openCase(hidden.folder)
	}
	return nil, environment(fmt.Errorf("redact run %s: its verdict depends on what would be replaced", c.folder.ID()),
		"a rule that names values can only be judged with them; without --redact the bundle has them")
}

// sameVerdicts tells whether each check came to the same.
func sameVerdicts(a, b report.Run) bool {
	if a.Verdict != b.Verdict || len(a.Results) != len(b.Results) {
		return false
	}
	for i := range a.Results {
		if a.Results[i].Check != b.Results[i].Check || a.Results[i].Verdict != b.Results[i].Verdict {
			return false
		}
	}
	return true
}

// hide writes a run folder with tokens at the given level.
func (r *root) hide(c *runCase, level redact.Level) (*runCase, error) {
	into, err := r.scratch()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(into, c.plan.Scenario.Name, c.folder.ID())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	tokens := redact.NewTokens(level)
	whole, err := c.wholePlan()
	if err != nil {
		return nil, err
	}
	plan, err := hiddenPlan(whole, c.history, tokens)
	if err != nil {
		return nil, err
	}
	// With a file of a run in it, it is a run's folder whatever its name.
	if err := os.WriteFile(filepath.Join(dir, store.PlanFile), plan, 0o600); err != nil {
		return nil, err
	}
	folder, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	if c.folder.Has(store.RunFile) {
		info := c.info
		info.Argv, info.Set, info.Env = redact.Command(info.Argv), redact.Command(info.Set), nil
		if err := folder.WriteJSON(store.RunFile, info); err != nil {
			return nil, err
		}
	}
	if err := writeHistory(folder, tokens.History(c.history)); err != nil {
		return nil, err
	}
	if err := hideLogs(folder, c.logged, forbidden(c)); err != nil {
		return nil, err
	}
	hidden, err := openCase(folder)
	if err != nil {
		return nil, err
	}
	hidden.outcome, hidden.reasons = c.outcome, redact.Reasons(c.reasons)
	hidden.outcome.Problems = slices.Clone(c.outcome.Problems) // the case keeps its own
	if c.outcome.Stopped != "" {
		hidden.outcome.Stopped = redact.Redacted
	}
	hidden.history.Truncated, hidden.history.SessionOnly = c.history.Truncated, c.history.SessionOnly
	for i := range hidden.outcome.Problems {
		hidden.outcome.Problems[i] = "a problem beside the system under test (its words were redacted)"
	}
	return hidden, nil
}

// hiddenPlan is plan.json with tokens, the same ones as in the history, and
// without what is set in environments, headers, bodies and commands.
func hiddenPlan(p *runner.Plan, h *history.History, t *redact.Tokens) ([]byte, error) {
	text, err := p.Encode()
	if err != nil {
		return nil, err
	}
	copied, err := runner.Decode(text) // what follows must not change the case
	if err != nil {
		return nil, err
	}
	for _, op := range h.Ops {
		if op.Process != history.Nemesis {
			t.See(op.Key, op.Value)
		}
	}
	for _, c := range copied.Clients {
		for _, o := range c.Operations {
			t.See(o.Key, o.Value)
		}
	}
	for _, c := range copied.Clients {
		for i, o := range c.Operations {
			c.Operations[i].Key, c.Operations[i].Value = t.Key(o.Key), t.Value(o.Value)
		}
	}
	for i, key := range copied.FinalReads {
		copied.FinalReads[i] = t.Key(key)
	}
	if err := redact.Settings(copied.Scenario); err != nil {
		return nil, err
	}
	if err := redact.Settings(&copied.Faults); err != nil {
		return nil, err
	}
	return copied.Encode()
}

func writeHistory(f *store.Folder, h *history.History) error {
	var b bytes.Buffer
	for _, op := range h.Ops {
		line, err := op.MarshalJSON()
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	return f.WriteFile(store.HistoryFile, b.Bytes())
}

// forbidden are the texts that some check looks for in logs.
func forbidden(c *runCase) []string {
	var out []string
	for _, check := range c.plan.Scenario.Checks {
		out = append(out, check.Forbid...)
	}
	return out
}

// hideLogs copies the logs with their words masked, and of what docker said
// about a node only how it ended.
func hideLogs(f *store.Folder, logs fs.FS, keep []string) error {
	if logs == nil {
		return nil
	}
	return fs.WalkDir(logs, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		var b bytes.Buffer
		switch path.Base(name) {
		case "stdout.log", "stderr.log":
			in, err := logs.Open(name)
			if err != nil {
				return err
			}
			defer in.Close()
			if err := redact.Log(&b, in, keep); err != nil {
				return err
			}
		case "inspect.json":
			text, err := fs.ReadFile(logs, name)
			if err != nil {
				return err
			}
			if err := json.NewEncoder(&b).Encode(endOf(text)); err != nil {
				return err
			}
		default:
			return nil // nobody knows what else a node left
		}
		return f.WriteFile(path.Join("nodes", name), b.Bytes())
	})
}

// endOf is how a container ended, out of what docker says about it.
func endOf(inspected []byte) map[string]any {
	var all map[string]any
	if json.Unmarshal(inspected, &all) != nil {
		return map[string]any{}
	}
	out := map[string]any{"RestartCount": all["RestartCount"]}
	if state, ok := all["State"].(map[string]any); ok {
		kept := map[string]any{}
		for _, name := range []string{"Status", "ExitCode", "OOMKilled", "StartedAt", "FinishedAt"} {
			kept[name] = state[name]
		}
		out["State"] = kept
	}
	return out
}
