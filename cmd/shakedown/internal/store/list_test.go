package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shakedown-dev/shakedown/checkers"
)

// finish takes the run through all its stages; a test stops where it likes.
func finish(t *testing.T, f *Folder, stage string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.WriteJSON(RunFile, RunInfo{Format: Format, Started: f.started().Add(time.Millisecond)}))
	if stage == StagePrepared {
		return
	}
	file, err := f.CreateHistory()
	must(err)
	must(file.Close())
	if stage == StageHistory {
		return
	}
	must(f.WriteJSON(ResultFile, Result{Format: Format, Verdict: checkers.Violation, Expect: "violation", AsExpected: true}))
}

// Without this test a run that was killed could be listed as one that went
// well, or one broken folder could hide all others.
func TestListOfWholeCutAndBrokenRuns(t *testing.T) {
	root := t.TempDir()
	at := func(seconds int) time.Time {
		return tenFifteen.Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
	}
	empty := create(t, root, "b", at(0), 1)
	prepared := create(t, root, "a", at(1), 2)
	finish(t, prepared, StagePrepared)
	cut := create(t, root, "a", at(2), 3)
	finish(t, cut, StageHistory)
	whole := create(t, root, "b", at(3), 4)
	finish(t, whole, StageResult)
	badResult := create(t, root, "b", at(4), 5)
	finish(t, badResult, StageHistory)
	write(t, badResult.Path(), ResultFile, `{"format":1,"verd`)
	badRun := create(t, root, "b", at(5), 6)
	finish(t, badRun, StageResult)
	write(t, badRun.Path(), RunFile, `[]`)
	newer := create(t, root, "b", at(6), 7)
	finish(t, newer, StageHistory)
	write(t, newer.Path(), ResultFile, `{"format":2,"verdict":"valid"}`)

	write(t, root, "index.jsonl", "")
	write(t, filepath.Join(root, "a"), "20261122T101502Z-ffffff", "a file, not a folder")
	write(t, filepath.Join(root, "a", "notes"), "x", "")

	ms := time.Millisecond
	want := []Info{
		{ID: newer.ID(), Scenario: "b", Started: at(6).Add(ms), Stage: StageHistory,
			Problem: "read " + newer.Path() + "/result.json: it was written by a newer shakedown: its format is 2, and this version reads up to 1"},
		{ID: badRun.ID(), Scenario: "b", Started: at(5), Stage: StageResult, Verdict: "violation", Expect: "violation",
			Problem: "read " + badRun.Path() + "/run.json: json: cannot unmarshal array into Go value of type store.RunInfo"},
		{ID: badResult.ID(), Scenario: "b", Started: at(4).Add(ms), Stage: StageHistory,
			Problem: "read " + badResult.Path() + "/result.json: unexpected end of JSON input"},
		{ID: whole.ID(), Scenario: "b", Started: at(3).Add(ms), Stage: StageResult, Verdict: "violation", Expect: "violation"},
		{ID: cut.ID(), Scenario: "a", Started: at(2).Add(ms), Stage: StageHistory},
		{ID: prepared.ID(), Scenario: "a", Started: at(1).Add(ms), Stage: StagePrepared},
		{ID: empty.ID(), Scenario: "b", Started: at(0), Stage: StagePrepared},
	}
	got, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Path != filepath.Join(root, got[i].Scenario, got[i].ID) {
			t.Errorf("path %s", got[i].Path)
		}
		got[i].Path = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListOfWhatCannotBeRead(t *testing.T) {
	if infos, err := List(filepath.Join(t.TempDir(), "absent")); err != nil || len(infos) != 0 {
		t.Errorf("no root: %v %v", infos, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := List(file); err == nil {
		t.Error("a file as root is no error")
	}
}

func TestListSkipsAScenarioThatCannotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser can read everything")
	}
	root := t.TempDir()
	create(t, root, "locked", tenFifteen, 1)
	f := create(t, root, "open", tenFifteen, 2)
	locked := filepath.Join(root, "locked")
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(locked, 0o700) }) // for TempDir to remove it
	infos, err := List(root)
	if err != nil || len(infos) != 1 || infos[0].ID != f.ID() {
		t.Errorf("%v %v", infos, err)
	}
}

// Runs that began in one second are told apart by run.json.
func TestOrderWithinASecond(t *testing.T) {
	root := t.TempDir()
	later := create(t, root, "s", tenFifteen, 1)
	earlier := create(t, root, "s", tenFifteen, 0xffffff)
	for f, ms := range map[*Folder]int{later: 900, earlier: 100} {
		if err := f.WriteJSON(RunFile, RunInfo{Format: 1, Started: f.started().Add(time.Duration(ms) * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := Resolve(root, "-1"); err != nil || f.ID() != later.ID() {
		t.Errorf("%v %v", f, err)
	}
	if f, err := Resolve(root, "-2"); err != nil || f.ID() != earlier.ID() {
		t.Errorf("%v %v", f, err)
	}
}
