package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// surplus names the runs that are let go, newest first.
func surplus(r Retention, runs []Sized, now time.Time) string {
	var ids []string
	for _, s := range r.Surplus(runs, now) {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

func TestSurplus(t *testing.T) {
	now := tenFifteen
	runs := []Sized{ // a day apart, the newest first
		{Info: Info{ID: "e", Started: now, Stage: StageHistory}, Bytes: 10, Changed: now},
		{Info: Info{ID: "d", Started: now.Add(-24 * time.Hour), Stage: StageResult, Verdict: "valid"}, Bytes: 10},
		{Info: Info{ID: "c", Started: now.Add(-48 * time.Hour), Stage: StageResult, Verdict: "violation"}, Bytes: 10},
		{Info: Info{ID: "b", Started: now.Add(-72 * time.Hour), Stage: StageResult, Verdict: "unknown"}, Bytes: 10},
		{Info: Info{ID: "a", Started: now.Add(-96 * time.Hour), Stage: StageHistory}, Bytes: 10, Changed: now.Add(-96 * time.Hour)},
		{Info: Info{ID: "x", Started: now.Add(-99 * time.Hour), Problem: "cannot be read"}, Bytes: 10},
	}
	for _, test := range []struct {
		name string
		r    Retention
		want string
	}{
		{"nothing is asked", Retention{Keep: -1}, ""},
		{"the newest", Retention{Keep: 1}, "d b a"},
		{"none but what is precious", Retention{Keep: 0}, "d b a"}, // e still goes on
		{"many", Retention{Keep: 100}, ""},
		{"by age", Retention{Keep: -1, OlderThan: 60 * time.Hour}, "b a"},
		{"by size, oldest first", Retention{Keep: -1, MaxBytes: 45}, "b a"},
		{"any of them", Retention{Keep: 4, OlderThan: 20 * time.Hour, MaxBytes: 1000}, "d b a"},
	} {
		if got := surplus(test.r, runs, now); got != test.want {
			t.Errorf("%s: lets go of %q, want %q", test.name, got, test.want)
		}
	}
}

// Whatever is asked, a violation stays.
func TestViolationsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var runs []Sized
		for range rapid.IntRange(0, 20).Draw(t, "runs") {
			runs = append(runs, Sized{Info: Info{Stage: StageResult, Verdict: rapid.SampledFrom([]string{"valid", "violation", "unknown"}).Draw(t, "verdict"),
				Started: tenFifteen.Add(-time.Duration(len(runs)) * time.Hour)}, Bytes: 1})
		}
		r := Retention{Keep: rapid.IntRange(-1, 5).Draw(t, "keep"), OlderThan: time.Duration(rapid.IntRange(0, 10).Draw(t, "hours")) * time.Hour,
			MaxBytes: rapid.Int64Range(0, 10).Draw(t, "bytes")}
		for _, s := range r.Surplus(runs, tenFifteen) {
			if s.Verdict == "violation" {
				t.Fatalf("%+v lets go of a violation", r)
			}
		}
	})
}

// What is removed is gone, with the scenario's folder when it was the last.
func TestRemove(t *testing.T) {
	t.Chdir(t.TempDir())
	create(t, "runs", "storm", tenFifteen, 1)
	create(t, "runs", "calm", tenFifteen.Add(time.Hour), 2)
	runs, err := List("runs")
	if err != nil {
		t.Fatal(err)
	}
	sized := Measure(runs)
	gone, err := Remove(sized[:1])
	if err != nil || len(gone) != 1 || gone[0].Scenario != "calm" {
		t.Fatalf("gone %v (%v)", gone, err)
	}
	if _, err := os.Stat(filepath.Join("runs", "calm")); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if left, err := List("runs"); err != nil || len(left) != 1 || left[0].Scenario != "storm" {
		t.Errorf("left %v (%v)", left, err)
	}
}
