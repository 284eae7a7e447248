package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// indexFile is a cache of what [List] found, a line a run. It may be missing,
// stale or damaged: what it says of a run is believed only while the run's
// result, or the folder of one that has none, has not been touched since.
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
	text, err := os.ReadFile(filepath.Join(root, indexFile))
	if err != nil {
		return nil
	}
	lines := bytes.Split(text, []byte("\n"))
	entries := make([]indexed, len(lines))
	sideBySide(len(lines), func(i int) {
		if json.Unmarshal(lines[i], &entries[i]) != nil {
			entries[i] = indexed{} // of no run
		}
	})
	out := make(map[string]indexed, len(entries))
	for _, e := range entries {
		out[e.Scenario+"/"+e.ID] = e
	}
	return out
}

// stampOf is a run as it is now, without what is in its files.
func stampOf(dir string, folder fs.FileInfo) indexed {
	e := indexed{Folder: folder.ModTime().UnixNano()}
	e.Result, e.Size = resultStamp(dir)
	return e
}

// resultStamp is when the result in a run's folder was changed last, and its
// size; zero if there is none.
func resultStamp(dir string) (changed, size int64) {
	result, err := os.Stat(filepath.Join(dir, ResultFile))
	if err != nil {
		return 0, 0
	}
	return result.ModTime().UnixNano(), result.Size()
}

// unchanged tells whether nothing has been touched of which the list tells: of a
// run that was judged that is the result, of others whatever is in the folder.
func (e indexed) unchanged(dir string, run fs.DirEntry) bool {
	changed, size := resultStamp(dir)
	if e.Result != changed || e.Size != size {
		return false
	}
	if changed != 0 {
		return true
	}
	folder, err := run.Info()
	return err == nil && folder.ModTime().UnixNano() == e.Folder
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
