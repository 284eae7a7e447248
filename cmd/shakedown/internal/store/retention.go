package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Retention says which runs are to be kept. The zero value keeps all.
type Retention struct {
	// Keep is how many of the newest runs stay; negative means any number.
	Keep int
	// OlderThan lets go of runs that began longer ago; 0 of none.
	OlderThan time.Duration
	// MaxBytes lets go of the oldest until the rest is no larger; 0 of none.
	MaxBytes int64
}

// liveFor is how long after its last event a run that was not judged counts as
// still going on.
const liveFor = time.Hour

// A Sized is a run with the room that it takes.
type Sized struct {
	Info
	Bytes int64 `json:"bytes"`
	// Changed is when anything in it was last written.
	Changed time.Time `json:"-"`
}

// Measure tells how much room runs take. What cannot be read takes none.
func Measure(runs []Info) []Sized {
	out := make([]Sized, 0, len(runs))
	for _, r := range runs {
		s := Sized{Info: r}
		_ = filepath.WalkDir(r.Path, func(_ string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			if e.Type().IsRegular() {
				s.Bytes += info.Size()
			}
			if info.ModTime().After(s.Changed) {
				s.Changed = info.ModTime()
			}
			return nil
		})
		out = append(out, s)
	}
	return out
}

// Surplus are those of the runs, newest first, that are to be let go. A run
// that found a violation is never among them, nor one that still goes on, nor
// one that is broken; they do count.
func (r Retention) Surplus(runs []Sized, now time.Time) []Sized {
	var total int64
	for _, run := range runs {
		total += run.Bytes
	}
	var out []Sized
	for i := len(runs) - 1; i >= 0; i-- { // the oldest goes first
		run := runs[i]
		tooMany := r.Keep >= 0 && i >= r.Keep
		tooOld := r.OlderThan > 0 && now.Sub(run.Started) > r.OlderThan
		tooLarge := r.MaxBytes > 0 && total > r.MaxBytes
		if (tooMany || tooOld || tooLarge) && !run.precious(now) {
			out = append(out, run)
			total -= run.Bytes
		}
	}
	slices.Reverse(out)
	return out
}

// precious tells whether a run must not be let go.
func (s Sized) precious(now time.Time) bool {
	goesOn := s.Stage != StageResult && now.Sub(s.Changed) < liveFor
	return s.Verdict == "violation" || s.Problem != "" || goesOn
}

// Remove removes the folders of runs, and says which are gone.
func Remove(runs []Sized) ([]Sized, error) {
	var gone []Sized
	for _, run := range runs {
		f, err := Open(run.Path)
		if err == nil {
			err = f.Discard()
		}
		if err != nil && !os.IsNotExist(err) {
			return gone, err
		}
		gone = append(gone, run)
	}
	return gone, nil
}
