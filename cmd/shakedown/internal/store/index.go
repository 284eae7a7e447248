package store

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// indexFile is a cache of what [List] found, a line a run. It may be missing,
// stale or damaged: what it says of a run is believed only while the run's
// folder and its result have not been touched since.
const indexFile = ".index.jsonl"

const (
	// indexFrom is how many runs must have been read anew before the index is
	// written again.
	indexFrom = 16
	// settledAfter is how old a change must be before it is indexed: a second
	// one in the same tick of the file system's clock would go unseen.
	settledAfter = 2 * time.Second
)

// An indexed is a run as the index has it.
type indexed struct {
	Info
	// Folder and Result are when the folder and its result.json were changed
	// last, in nanoseconds, and Size is the latter's size.
	Folder int64 `json:"folder"`
	Result int64 `json:"result,omitempty"`
	Size   int64 `json:"size,omitempty"`
}

// readIndex reads the index below root by scenario and id; what cannot be read
// is not in it.
func readIndex(root string) map[string]indexed {
	f, err := os.Open(filepath.Join(root, indexFile))
	if err != nil {
		return nil
	}
	defer f.Close()
	out := map[string]indexed{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e indexed
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			out[e.Scenario+"/"+e.ID] = e
		}
	}
	return out
}

// stampOf is a run as it is now, without what is in its files.
func stampOf(dir string, folder fs.FileInfo) indexed {
	e := indexed{Folder: folder.ModTime().UnixNano()}
	if result, err := os.Stat(filepath.Join(dir, ResultFile)); err == nil {
		e.Result, e.Size = result.ModTime().UnixNano(), result.Size()
	}
	return e
}

// same tells whether nothing has been touched between two stamps.
func (e indexed) same(o indexed) bool {
	return e.Folder == o.Folder && e.Result == o.Result && e.Size == o.Size
}

// settled tells whether the stamp is old enough to be believed later.
func (e indexed) settled(now time.Time) bool {
	return now.UnixNano()-max(e.Folder, e.Result) > int64(settledAfter)
}

// writeIndex writes the index anew. That it cannot be written costs time only.
func writeIndex(root string, entries []indexed) {
	f, err := os.CreateTemp(root, indexFile+".*.tmp")
	if err != nil {
		return
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	for _, e := range entries {
		if err == nil {
			err = encoder.Encode(e)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(root, indexFile))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
