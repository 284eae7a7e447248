package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"time"
)

// The files by which a folder is known as a run, and how far it got.
const (
	RunFile      = "run.json"
	ScenarioFile = "scenario.yaml"
	PlanFile     = "plan.json"
	HistoryFile  = "history.jsonl"
	ResultFile   = "result.json"
)

// latestLink is the symbolic link to the newest run, for people. The program
// itself does not rely on it.
const latestLink = "latest"

const idTime = "20060102T150405Z"

var (
	idPattern   = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{6}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
)

// A Folder is where one run is kept. Its methods may be used by many
// goroutines, as long as no two write the same file.
type Folder struct {
	path  string
	id    string
	temps atomic.Int64
	// bundle is the zip that the folder was unpacked from, if it was.
	bundle string
}

// Create makes the folder of a new run, root/<scenario>/<id>, which only this
// user may read, and points root/latest at it. The id is now in UTC and six
// hexadecimal digits of chance; a folder that exists is never taken. That the
// link could not be set is no error.
func Create(root string, now time.Time, scenario string, chance func() uint64) (*Folder, error) {
	if !namePattern.MatchString(scenario) || scenario == latestLink {
		return nil, fmt.Errorf("create run: %q cannot be the name of a folder: use letters, digits, '.', '_' and '-'", scenario)
	}
	parent := filepath.Join(root, scenario)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("create run: %w", err)
	}
	const attempts = 100
	for range attempts {
		id := fmt.Sprintf("%s-%06x", now.UTC().Format(idTime), chance()&0xffffff)
		path := filepath.Join(parent, id)
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create run: %w", err)
		}
		linkLatest(root, scenario, id)
		return &Folder{path: path, id: id}, nil
	}
	return nil, fmt.Errorf("create run: %d ids in a row are taken in %s", attempts, parent)
}

// linkLatest points root/latest at the run, in one step. A file system
// without links, or a folder of that name, must not stop a run.
func linkLatest(root, scenario, id string) {
	temporary := filepath.Join(root, ".latest-"+id)
	if os.Symlink(filepath.Join(scenario, id), temporary) != nil {
		return
	}
	if os.Rename(temporary, filepath.Join(root, latestLink)) != nil {
		_ = os.Remove(temporary)
	}
}

// Open opens the run in the folder path, which may be a link to it. A folder
// that neither is named like a run nor has one of a run's files is an error.
func Open(path string) (*Folder, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	absolute, err := filepath.Abs(real)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open run: %s is a file, not the folder of a run", path)
	}
	f := &Folder{path: real, id: filepath.Base(absolute)}
	if !idPattern.MatchString(f.id) && !f.hasAny(RunFile, PlanFile, HistoryFile, ResultFile) {
		return nil, fmt.Errorf("open run: %s is not the folder of a run: it has neither %s nor %s", path, RunFile, HistoryFile)
	}
	return f, nil
}

func (f *Folder) hasAny(names ...string) bool {
	for _, name := range names {
		if f.Has(name) {
			return true
		}
	}
	return false
}

// Path returns where the folder is, relative if it was opened so.
func (f *Folder) Path() string { return f.path }

// Bundle returns the zip that the folder was unpacked from; empty if it is the
// run's own folder. What is written into one that was unpacked is lost.
func (f *Folder) Bundle() string { return f.bundle }

// ID returns the folder's name, for example 20261122T101502Z-7f3a91.
func (f *Folder) ID() string { return f.id }

// Scenario returns the name of the folder that the run is in, which is that of
// its scenario.
func (f *Folder) Scenario() string {
	absolute, err := filepath.Abs(f.path)
	if err != nil {
		return ""
	}
	return filepath.Base(filepath.Dir(absolute))
}
