package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
	"github.com/shakedown-dev/shakedown/nemesis"
)

// deadRun is the folder of a run that was killed while a fault was in force.
func deadRun(t *testing.T, out, plan string, u nemesis.Undo) *store.Folder {
	t.Helper()
	f, err := store.Create(out, time.Unix(1e9, 0), "storm", func() uint64 { return 7 })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile(store.PlanFile, []byte(plan)); err != nil {
		t.Fatal(err)
	}
	j, err := f.CreateUndo()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Will(u); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil { // as when its program is killed
		t.Fatal(err)
	}
	return f
}

const dockerPlan = `{"format":2,"scenario":{"name":"storm","system":{"use":"etcd","nodes":1}},"seed":1,"nodes":["n1"]}`

// Without an engine nothing of a run in docker is undone, and so its journal
// must not say that it was: a later run, which has one, still finds it.
func TestWithoutAnEngineDockersJournalsStay(t *testing.T) {
	out := t.TempDir()
	f := deadRun(t, out, dockerPlan, nemesis.Undo{ID: "s/pause#1", Fault: "pause"})
	var stderr bytes.Buffer
	r := &root{env: Env{Stderr: &stderr, Getenv: func(string) string { return "" }}}
	r.healDead(t.Context(), nil, out)
	swept, err := r.sweep(t.Context(), nil, out, docker.SweepOptions{})
	if err != nil || len(swept) > 0 || stderr.Len() > 0 {
		t.Errorf("swept %v, %v, and said %q", swept, err, stderr.String())
	}
	left, err := store.Left(out)
	if err != nil || len(left) != 1 || left[0].Folder.ID() != f.ID() {
		t.Errorf("left: %v, %v", left, err)
	}
}

// What was done outside the nodes is not gone with them: it is said, with its
// heal, and not claimed.
func TestHealsOutsideTheNodesAreSaidAndNotClaimed(t *testing.T) {
	for name, tt := range map[string]struct {
		custom *nemesis.Custom
		said   string
	}{
		"no custom fault":      {nil, ""},
		"on the node":          {&nemesis.Custom{Heal: nemesis.Step{Run: []string{"mend"}}}, ""},
		"a call to the node":   {&nemesis.Custom{Heal: nemesis.Step{Method: "PUT", URL: "http://{ip}/x"}}, ""},
		"on this machine":      {&nemesis.Custom{Heal: nemesis.Step{Run: []string{"mend", "it"}, OnHost: true}}, `"mend" "it"`},
		"a call to a balancer": {&nemesis.Custom{Heal: nemesis.Step{Method: "PUT", URL: "http://balancer/x"}}, "http://balancer/x"},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			deadRun(t, out, dockerPlan, nemesis.Undo{ID: "s/c#1", Injection: nemesis.Injection{ID: "s/c#1", Custom: tt.custom}})
			left, err := store.Left(out)
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			r := &root{env: Env{Stderr: &stderr, Getenv: func(string) string { return "" }}}
			undone, err := r.settle(left, false)
			if err != nil || (len(undone) == 0) != (tt.said != "") || !strings.Contains(stderr.String(), tt.said) {
				t.Errorf("undone %v, %v, said %q", undone, err, stderr.String())
			}
			if text, _ := os.ReadFile(filepath.Join(left[0].Folder.Path(), store.UndoFile)); !bytes.Contains(text, []byte(`"clean"`)) {
				t.Errorf("the journal: %s", text)
			}
		})
	}
}
