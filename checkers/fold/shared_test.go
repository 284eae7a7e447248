package fold

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/history/edn"
)

// Without this test our verdicts could differ from those of the authors of
// real histories. It reads what lies beside the repository.
func TestVerdictsOfOthers(t *testing.T) {
	for _, folder := range []string{"jepsen-checkers", "elle-cli"} {
		dir := filepath.Join("../../../shared/histories", folder)
		table, err := os.ReadFile(filepath.Join(dir, "verdicts.tsv"))
		if err != nil {
			t.Skipf("the histories with known verdicts are absent: %v", err)
		}
		for line := range strings.Lines(string(table)) {
			columns := strings.Split(line, "\t")
			model, _, _ := strings.Cut(columns[1], " ")
			if build, known := makers()[model]; known {
				t.Run(columns[0], func(t *testing.T) {
					h := readForeign(t, filepath.Join(dir, columns[0]))
					r := build(&datadriven.TestData{}).Check(context.Background(), h)
					want := verdictOf(columns[2])
					if columns[0] == "jepsen/counter.edn" {
						// All 287 operations are additions, so that Jepsen's "all
						// reads lie within bounds" holds of none. We say that
						// nothing is known, which is no verdict on the system.
						if want = checkers.Unknown; len(oks(h.Operations(), fRead)) > 0 {
							t.Error("there are reads after all")
						}
					}
					if r.Verdict != want {
						t.Errorf("%v, but its authors say %s: %v", r.Verdict, columns[2], r.Says)
					}
					agree(t, columns[0], r)
				})
			}
		}
	}
}

func verdictOf(word string) checkers.Verdict {
	switch {
	case strings.HasPrefix(word, "true"), word == "ok":
		return checkers.Valid
	case word == "false", word == "illegal":
		return checkers.Violation
	}
	return checkers.Unknown
}

// agree compares the figures that Jepsen's tests give.
func agree(t *testing.T, file string, r checkers.Result) {
	for name, n := range map[string]map[string]int64{
		"set-final-read.edn":      {"lost": 1, "unexpected": 1, "recovered": 1, "aborted": 1, "acknowledged": 2, "attempted": 6},
		"counter-interleaved.edn": {"out-of-bounds": 1},
		"set-full-stable-2.edn":   {"stable": 1},
		"total-queue-sane.edn":    {"recovered": 1, "lost": 0},
		"jepsen/long-fork.edn":    {"fork": 1},
		"jepsen/bank.edn":         {"total": 100},
	}[file] {
		if r.Counts[name] != n {
			t.Errorf("%s is %d, not %d: %v", name, r.Counts[name], n, r.Says)
		}
	}
}

func readForeign(t *testing.T, path string) *history.History {
	t.Helper()
	if strings.HasSuffix(path, ".json") {
		return readJSON(t, path)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := edn.Read(f, edn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// readJSON reads a Jepsen history in one array of objects.
func readJSON(t *testing.T, path string) *history.History {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var raw []struct {
		Type    history.Type
		F       string
		Process int
		Value   json.RawMessage
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	ops := make([]history.Op, len(raw))
	for i, x := range raw {
		ops[i] = history.Op{Index: i, Process: x.Process, Type: x.Type, F: x.F, Value: x.Value}
	}
	return history.New(ops)
}
