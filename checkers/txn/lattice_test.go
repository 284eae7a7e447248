package txn

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLatticeIsElles compares what each anomaly rules out with what Elle's own
// graphs give. Two things are ours: the session levels of Biswas and Enea,
// and that monotonic atomic view includes monotonic view, so that G-monotonic,
// which Elle never finds, rules out more.
func TestLatticeIsElles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "histories", "elle-consistency-model.json"))
	if err != nil {
		t.Skipf("Elle's lattice is not here: %v", err)
	}
	var elle struct {
		Canonical map[string]string `json:"canonical_names"`
		Boundary  map[string]struct {
			Not     []string `json:"not"`
			AlsoNot []string `json:"also_not"`
		} `json:"boundary"`
	}
	if err := json.Unmarshal(text, &elle); err != nil {
		t.Fatal(err)
	}
	l := latticeOf()
	compared := 0
	for anomaly, b := range elle.Boundary {
		if strings.HasSuffix(anomaly, "-cycle-exists") || anomaly == "G-monotonic" {
			continue
		}
		compared++
		var want []string
		for _, name := range slices.Concat(b.Not, b.AlsoNot) {
			model, err := l.model(name)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, model)
		}
		var got []string
		out := l.ruledOut(anomaly, nil)
		for m := range out {
			if !strings.HasPrefix(m, "session-") {
				got = append(got, m)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s rules out\n%v, Elle says\n%v", anomaly, got, want)
		}
		weakest := slices.DeleteFunc(l.weakest(out), func(m string) bool { return strings.HasPrefix(m, "session-") })
		var not []string
		for _, name := range b.Not {
			model, _ := l.model(name)
			not = append(not, model)
		}
		slices.Sort(not)
		if !slices.Equal(weakest, not) {
			t.Errorf("%s: the weakest are %v, Elle says %v", anomaly, weakest, not)
		}
	}
	if compared < 30 {
		t.Errorf("only %d anomalies were compared", compared)
	}
}

func TestLatticeIsWhole(t *testing.T) {
	l := latticeOf()
	if len(l.Models) < 39 {
		t.Errorf("only %d models", len(l.Models))
	}
	for name, m := range l.Models {
		for _, below := range m.Implies {
			if _, ok := l.Models[below]; !ok {
				t.Errorf("%s implies %s, which is no model", name, below)
			}
			if l.below(below)[name] {
				t.Errorf("%s and %s imply each other", name, below)
			}
		}
	}
	for alias, name := range l.Aliases {
		if _, ok := l.Models[name]; !ok {
			t.Errorf("%s stands for %s, which is no model", alias, name)
		}
	}
	for _, test := range tests() {
		for _, m := range test.models {
			if !l.ruledOut(test.anomaly, nil)[m] {
				t.Errorf("%s does not rule out %s, which its absence is to prove", test.anomaly, m)
			}
		}
	}
	for _, model := range []string{strictSerializable, sessionSerial, serializable, strongSI, sessionSI, snapshotIsolation, repeatableRead,
		consistentView, readCommitted, readUncommitted, readAtomic, sessionCausal, sessionAtomic, sessionCommitted} {
		if _, ok := l.Models[model]; !ok {
			t.Errorf("the code speaks of %s, which is no model", model)
		}
	}
}

// TestAssuming holds what was inferred from a level against it and what implies
// it, and against nothing else.
func TestAssuming(t *testing.T) {
	l := latticeOf()
	out := l.ruledOut("G0", []string{snapshotIsolation, repeatableRead})
	for model, want := range map[string]bool{
		readUncommitted: false, readCommitted: false, "cursor-stability": false, "prefix": false,
		snapshotIsolation: true, repeatableRead: true, serializable: true, strictSerializable: true,
	} {
		if out[model] != want {
			t.Errorf("%s: %v, want %v", model, out[model], want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, name := range []string{"", "serializable", "PL-3", "strong-serializable", "snapshot-isolation", "PL-SI"} {
		if err := CheckLevel(name); err != nil {
			t.Error(err)
		}
	}
	err := CheckLevel("snapshot")
	if err == nil || !strings.Contains(err.Error(), "snapshot-isolation") {
		t.Errorf("%v does not suggest anything", err)
	}
	if !slices.IsSorted(Levels()) || !slices.Contains(Levels(), "strict-serializable") {
		t.Error(Levels())
	}
}
