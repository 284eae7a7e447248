package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	var index map[string]indexed
	var reading sync.WaitGroup
	reading.Go(func() { index = readIndex(root) })
	places, err := placesBelow(root)
	reading.Wait()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	looked := make([]indexed, len(places))
	fresh := make([]bool, len(places))
	sideBySide(len(places), func(i int) {
		var known bool
		looked[i], known = places[i].look(index)
		fresh[i] = !known
	})
	infos := make([]Info, len(places))
	var entries []indexed
	read := 0
	for i, e := range looked {
		infos[i] = e.Info
		if fresh[i] {
			read++
		}
		if !fresh[i] || e.settled(time.Now()) {
			entries = append(entries, e)
		}
	}
	if read >= indexFrom {
		writeIndex(root, entries)
	}
	slices.SortFunc(infos, newestFirst)
	return infos, nil
}

// A place is where a run lies.
type place struct {
	parent, scenario string
	run              fs.DirEntry
}

// placesBelow finds the folders that are named as those of runs.
func placesBelow(root string) ([]place, error) {
	scenarios, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var out []place
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
				out = append(out, place{parent, scenario.Name(), run})
			}
		}
	}
	return out, nil
}

// sideBySide calls do with each number below n, from as many goroutines as
// there are processors, and returns when all calls have.
func sideBySide(n int, do func(i int)) {
	var workers sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

// look describes a run, by the index if nothing has been touched since.
func (p place) look(index map[string]indexed) (e indexed, known bool) {
	path := filepath.Join(p.parent, p.run.Name())
	if before, ok := index[p.scenario+"/"+p.run.Name()]; ok && before.unchanged(path, p.run) {
		before.Path = path
		return before, true
	}
	if folder, err := p.run.Info(); err == nil {
		e = stampOf(path, folder)
	}
	f := &Folder{path: path, id: p.run.Name()}
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
