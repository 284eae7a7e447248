package catalog

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history/foreign"
)

// shared is where histories with known verdicts lie beside the repository.
const shared = "../../../shared/histories"

// disagreements are the histories of which we say something else than their
// authors, with the reason. Each is proved in the tests of its family.
func disagreements() map[string]checkers.Verdict {
	return map[string]checkers.Verdict{
		// All operations are additions: that all reads lie within bounds
		// holds of none, so nothing is known.
		"elle-cli/jepsen/counter.edn": checkers.Unknown,
		// Nobody did anything that could be wrong: one has no operation at all,
		// the other no read. A pass is earned.
		"knossos/cas-register/good/mongodb-v0-ack-rollback-.edn":   checkers.Unknown,
		"knossos/cas-register/good/mongodb-v0-ack-rollback-11.edn": checkers.Unknown,
		// They read values that nobody wrote, which no level allows. They
		// are cut out of longer histories; see TestElleRegisters.
		"elle-cli/elle/rw-register.json":                         checkers.Violation,
		"elle-unit-rw-register/g2-item-linearizable-keys-rc.edn": checkers.Violation,
		// Elle was told not to use that writes follow reads.
		"elle-unit-rw-register/wfr-off.edn": checkers.Violation,
	}
}

// specFor is what a line of a verdicts.tsv asks for. It is false for what we
// have no check for, or where the question needs more than a file.
func specFor(folder, model string) (Spec, bool) {
	words := strings.Fields(model)
	if len(words) == 0 {
		return Spec{}, false
	}
	switch folder {
	case "elle-unit-list-append", "elle-unit-rw-register":
		spec := Spec{Check: strings.TrimPrefix(folder, "elle-unit-"), Isolation: words[0], Options: map[string][]string{}}
		for _, w := range words[1:] {
			spec.Options[strings.ReplaceAll(w, "-", "_")] = []string{"true"}
		}
		_, err := New(spec)
		return spec, err == nil // an order of transactions is no option
	case "real-db-violations":
		level := map[string]string{"serializability": "serializable", "snapshot": "snapshot-isolation", "transactional": "causal"}
		return Spec{Check: "rw-register", Isolation: level[strings.Trim(words[0], ",")]}, true
	case "porcupine-etcd-jepsen":
		return Spec{Check: "linearizable", Model: "cas-register"}, true
	case "knossos":
		model, _, _ := strings.Cut(words[0], "(")
		return Spec{Check: "linearizable", Model: model}, true
	case "porcupine-kv":
		return Spec{Check: "linearizable", Model: "kv"}, true
	case "limo", "lee-mathur":
		return Spec{Check: "linearizable", Model: words[0]}, true
	case "elle":
		if len(words) > 1 {
			return Spec{}, false
		}
	}
	spec := Spec{Check: words[0]}
	if slices.Contains([]string{"cas-register", "mutex"}, words[0]) {
		spec = Spec{Check: "linearizable", Model: words[0]}
	}
	if i := slices.Index(words, "--consistency-models"); i > 0 {
		spec.Isolation = words[i+1]
	}
	_, err := find(spec.Check)
	return spec, err == nil
}

func theirs(expected string) (checkers.Verdict, bool) {
	switch word, _, _ := strings.Cut(strings.ReplaceAll(expected, ":", " "), " "); word {
	case "true", "ok":
		return checkers.Valid, true
	case "false", "illegal":
		return checkers.Violation, true
	case "unknown":
		return checkers.Unknown, true
	}
	return 0, false
}

// A question is what we are asked about a file, with its authors' answer.
type question struct {
	spec Spec
	want checkers.Verdict
}

// questions are those of a line of a verdicts.tsv. AWDIT's have three: "RC ok,
// RA illegal, CC illegal".
func questions(folder, model, expected string) (all []question) {
	if folder == "awdit" {
		levels := map[string]string{"RC": "read-committed", "RA": "read-atomic", "CC": "causal"}
		for _, answer := range strings.Split(expected, ", ") {
			short, verdict, _ := strings.Cut(answer, " ")
			if want, told := theirs(verdict); told {
				all = append(all, question{Spec{Check: "rw-register", Isolation: levels[short]}, want})
			}
		}
		return all
	}
	spec, known := specFor(folder, model)
	want, told := theirs(expected)
	if !known || !told {
		return nil
	}
	return []question{{spec, want}}
}

// Without this the way from a file to a verdict, which users go, could lead to
// another verdict than the checker's own tests, or than that of the authors.
func TestVerdictsOfOthers(t *testing.T) {
	tables, err := filepath.Glob(filepath.Join(shared, "*/verdicts.tsv"))
	if err != nil || len(tables) == 0 {
		t.Skip("the histories with known verdicts are not beside the repository")
	}
	judged, used := map[string]int{}, map[string]bool{}
	for _, table := range tables {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Base(filepath.Dir(table))
		for line := range strings.Lines(string(text)) {
			columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
			name := folder + "/" + columns[0]
			if folder == "lee-mathur" && strings.HasSuffix(name, ".log") {
				columns[1] = header(t, filepath.Join(shared, name))
			}
			for _, q := range questions(folder, columns[1], columns[2]) {
				judged[folder]++
				if ours, disagree := disagreements()[name]; disagree {
					q.want = ours
					used[name] = true
				}
				t.Run(strings.TrimSpace(name+" "+q.spec.Isolation), func(t *testing.T) { judgeFile(t, filepath.Join(shared, name), q) })
			}
		}
	}
	for name := range disagreements() {
		if !used[name] {
			t.Errorf("there is no %s to disagree about", name)
		}
	}
	t.Log("judged, by folder:", judged)
	for folder, least := range map[string]int{
		"porcupine-etcd-jepsen": 51, "jepsen-checkers": 12, "elle-cli": 13, "elle-unit-list-append": 15,
		"elle-unit-rw-register": 6, "real-db-violations": 5, "elle": 2, "awdit": 33, "knossos": 61, "porcupine-kv": 6, "limo": 69, "lee-mathur": 12,
	} {
		if judged[folder] < least {
			t.Errorf("only %d of the histories in %s were judged, not %d", judged[folder], folder, least)
		}
	}
}

// header is the model that a file of Lee and Mathur names in its first line.
func header(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.Replace(strings.Trim(first, "# \r"), "priorityqueue", "priority-queue", 1)
}

func judgeFile(t *testing.T, path string, q question) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, format, err := foreign.ReadAny(f, path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Customary(q.spec, format))
	if err != nil {
		t.Fatal(err)
	}
	s := checkers.Run(context.Background(), h, []checkers.Checker{checkers.Limited(c, 20*time.Second)})
	if r := s.Results[0]; r.Verdict != q.want {
		t.Errorf("%v, want %v (%+v): %s", r.Verdict, q.want, q.spec, strings.Join(r.Says, "\n"))
	}
}
