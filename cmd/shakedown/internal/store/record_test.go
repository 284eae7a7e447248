package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
)

// Without this test what a run says of itself could change by being kept.
func TestRecordsComeBackAsTheyWere(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	run := RunInfo{
		Format: Format, Shakedown: Build{Version: "0.1.0", Commit: "abc"}, Argv: []string{"run", "x.yaml"},
		Seed: 1<<64 - 1, Started: time.Date(2026, 11, 22, 10, 15, 2, 123456789, time.UTC), Host: ThisHost(),
		Docker: Docker{Engine: "20.10.24", API: "1.41"}, Image: Image{Ref: "etcd:3.5.21", ID: "sha256:1"}, Parent: "p",
	}
	result := Result{
		Format: Format, Verdict: checkers.Violation, Expect: "violation", AsExpected: true, Exit: 1, Interrupted: true,
		Checks:   []checkers.Result{{Check: "linearizable", Verdict: checkers.Unknown, Says: []string{"no time"}, Took: time.Second}},
		Counts:   map[string]int64{"ok": 7},
		Timings:  Timings{"up": 4200 * time.Millisecond, "down": 1},
		Problems: []string{"a network was still in use"},
	}
	if err := f.WriteJSON(RunFile, run); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteJSON(ResultFile, result); err != nil {
		t.Fatal(err)
	}
	var gotRun RunInfo
	var gotResult Result
	if err := f.ReadJSON(RunFile, &gotRun); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadJSON(ResultFile, &gotResult); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, gotRun); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(result, gotResult); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	text, err := f.ReadFile(ResultFile)
	for _, want := range []string{`"verdict": "violation"`, `"up_ns": 4200000000`, `"as_expected": true`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("result.json lacks %s: %v\n%s", want, err, text)
		}
	}
}

func TestRecordsOfAnotherFormat(t *testing.T) {
	f := create(t, t.TempDir(), "s", tenFifteen, 1)
	for text, want := range map[string]string{
		`{"format":2}`: "its format is 2, and this version reads up to 1",
		`{}`:           "its format is 0, which never was one",
	} {
		write(t, f.Path(), RunFile, text)
		for _, into := range []any{new(RunInfo), new(Result)} {
			if err := f.ReadJSON(RunFile, into); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s into %T: %v", text, into, err)
			}
		}
	}
}

func TestTimingsWithoutUnit(t *testing.T) {
	for _, text := range []string{`{"up":1}`, `{"up_ns":"1s"}`, `[]`} {
		var timings Timings
		if err := timings.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s is accepted as %v", text, timings)
		}
	}
}

func TestThisHost(t *testing.T) {
	h := ThisHost()
	if h.OS == "" || h.Arch == "" || h.CPUs < 1 {
		t.Errorf("%+v", h)
	}
	if h.OS == "linux" && (h.Kernel == "" || h.MemoryBytes < 1<<20) {
		t.Errorf("%+v", h)
	}
}
