package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

const historyText = `{"index":0,"time_ns":0,"process":"nemesis","type":"info","f":"phase","value":{"phase":"storm"}}
{"index":1,"time_ns":1000000,"process":0,"type":"invoke","f":"write","key":"r1","value":1,"node":"n1"}
{"index":2,"time_ns":3000000,"process":0,"type":"ok","f":"write","key":"r1","value":1,"node":"n1"}
`

// made makes the folder of a run on a day of November.
func made(t *testing.T, root, scenario string, day int, verdict, parent, plan string) *store.Folder {
	t.Helper()
	dir := filepath.Join(root, scenario, fmt.Sprintf("202611%02dT101502Z-%06d", day, day))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"run.json":      fmt.Sprintf(`{"format":1,"seed":%d,"started":"2026-11-%02dT10:15:02Z","argv":[],"parent":%q}`, day, day, parent),
		"plan.json":     plan,
		"history.jsonl": historyText,
		"result.json":   fmt.Sprintf(`{"format":1,"verdict":%q,"expect":"valid","checks":[{"check":"stats","verdict":%q,"says":["Because."]}]}`, verdict, verdict),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Without this a run could be put beside one of another scenario, a later one,
// one that proves nothing, or itself.
func TestBefore(t *testing.T) {
	root := t.TempDir()
	first := made(t, root, "kv", 1, "valid", "", "{}")
	made(t, root, "kv", 2, "unknown", "", "{}")
	third := made(t, root, "kv", 3, "violation", "", "{}")
	made(t, root, "queue", 2, "valid", "", "{}")
	repeat := made(t, root, "kv", 4, "violation", third.ID(), "{}")
	made(t, root, "kv", 5, "valid", "", "{}")
	for name, test := range map[string]struct {
		of   *store.Folder
		with string
	}{
		"the first":        {first, ""},
		"after others":     {third, first.ID()},
		"one with parent":  {repeat, third.ID()},
		"without a parent": {made(t, root, "kv", 6, "violation", "20261101T000000Z-ffffff", "{}"), ""},
	} {
		got := ""
		if c := Before(test.of); c != nil {
			got = c.With
		}
		if got != test.with {
			t.Errorf("%s is compared with %q, want %q", name, got, test.with)
		}
	}
}

// Without this a difference could pass unmarked.
func TestOf(t *testing.T) {
	root := t.TempDir()
	c := Of(Read(made(t, root, "kv", 1, "valid", "", "{}")), Read(made(t, root, "kv", 2, "violation", "", `{"seed":2}`)))
	if c.SamePlan {
		t.Error("two plans pass for the same")
	}
	if diff := cmp.Diff([]report.ComparedRow{{Name: "stats", A: "valid: Because.", B: "violation: Because.", Differs: true}}, c.Checks); diff != "" {
		t.Error(diff)
	}
	differs := map[string]bool{}
	for _, row := range c.Rows {
		differs[row.Name] = row.Differs
	}
	for name, want := range map[string]bool{"verdict": true, "seed": true, "scenario": false, "ok": false, "latency p99": false} {
		if got, there := differs[name]; !there || got != want {
			t.Errorf("%s differs: %v (there: %v), want %v", name, got, there, want)
		}
	}
}
