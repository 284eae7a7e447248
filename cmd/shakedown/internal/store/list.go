package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How far a run got, see [Info].
const (
	StageResult   = "result"   // it was judged
	StageHistory  = "history"  // it ran, whole or not, and can be judged
	StagePrepared = "prepared" // it never began
)

// An Info is a run in a list.
type Info struct {
	ID       string    `json:"id"`
	Scenario string    `json:"scenario"`
	Path     string    `json:"path"`
	Started  time.Time `json:"started"`
	Stage    string    `json:"stage"`
	// Verdict and Expect are of a run that was judged, else empty.
	Verdict string `json:"verdict,omitempty"`
	Expect  string `json:"expect,omitempty"`
	// Problem says what is wrong with the folder, empty if it is well. A
	// result that cannot be read counts as none.
	Problem string `json:"problem,omitempty"`
}

// List returns the runs below root, newest first. A folder in which something
// is broken is listed with its Problem. That there is no root yet is no error.
func List(root string) ([]Info, error) {
	scenarios, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	var infos []Info
	var entries []indexed
	index, fresh := readIndex(root), 0
	for _, scenario := range scenarios {
		if !scenario.IsDir() {
			continue // the link to the latest, or nothing of ours
		}
		parent := filepath.Join(root, scenario.Name())
		runs, err := os.ReadDir(parent)
		if err != nil {
			continue // one unreadable folder must not hide the others
		}
		for _, run := range runs {
			if run.IsDir() && idPattern.MatchString(run.Name()) {
				e, known := look(parent, scenario.Name(), run, index)
				infos = append(infos, e.Info)
				if !known {
					fresh++
				}
				if known || e.settled(time.Now()) {
					entries = append(entries, e)
				}
			}
		}
	}
	if fresh >= indexFrom {
		writeIndex(root, entries)
	}
	slices.SortFunc(infos, newestFirst)
	return infos, nil
}

// look describes a run, by the index if nothing has been touched since.
func look(parent, scenario string, run fs.DirEntry, index map[string]indexed) (e indexed, known bool) {
	path := filepath.Join(parent, run.Name())
	folder, err := run.Info()
	if err == nil {
		e = stampOf(path, folder)
		if before, ok := index[scenario+"/"+run.Name()]; ok && before.same(e) {
			before.Path = path
			return before, true
		}
	}
	f := &Folder{path: path, id: run.Name()}
	e.Info = f.Info()
	return e, false
}

// newestFirst orders runs; those of the same moment by id, so that the order is
// always the same.
func newestFirst(a, b Info) int {
	if c := b.Started.Compare(a.Started); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

// Info describes the run by what is in its folder. It has no error: what cannot
// be read is said in the Problem.
func (f *Folder) Info() Info {
	info := Info{ID: f.id, Scenario: f.Scenario(), Path: f.path, Started: f.started(), Stage: StagePrepared}
	if f.Has(HistoryFile) {
		info.Stage = StageHistory
	}
	if f.Has(RunFile) {
		var run RunInfo
		if err := f.ReadJSON(RunFile, &run); err != nil {
			info.Problem = err.Error()
		} else if !run.Started.IsZero() {
			info.Started = run.Started
		}
	}
	if f.Has(ResultFile) {
		var result Result
		if err := f.ReadJSON(ResultFile, &result); err != nil {
			info.Problem = err.Error()
		} else {
			info.Stage, info.Verdict, info.Expect = StageResult, result.Verdict.String(), result.Expect
		}
	}
	return info
}

// started is the moment in the id; zero for a folder that was renamed.
func (f *Folder) started() time.Time {
	moment, _, _ := strings.Cut(f.id, "-")
	at, err := time.Parse(idTime, moment)
	if err != nil {
		return time.Time{}
	}
	return at
}
