package compare

import (
	"path/filepath"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// Before puts a run beside the one that tells most about it: its parent, or if
// it has none the last valid run of its scenario. It is nil if there is neither.
// What goes wrong on the way means that there is nothing to compare with: a
// report must never break a run.
func Before(f *store.Folder) *report.Compared {
	other, why := before(f)
	if other == nil {
		return nil
	}
	c := Of(Read(f), Read(other))
	says := "The plans differ."
	if c.SamePlan {
		says = "The plans are the same, byte for byte."
	}
	return &report.Compared{With: other.ID(), Why: why, Says: says, Rows: c.Rows, Checks: c.Checks}
}

// before finds the run to compare with, and says why it is that one.
func before(f *store.Folder) (*store.Folder, string) {
	var run store.RunInfo
	if f.ReadJSON(store.RunFile, &run) != nil {
		return nil, ""
	}
	root := filepath.Dir(filepath.Dir(f.Path()))
	runs, err := store.List(root)
	if err != nil {
		return nil, ""
	}
	for _, i := range runs { // newest first
		switch {
		case i.ID == f.ID():
		case run.Parent != "" && i.ID == run.Parent:
			return opened(i.Path), "the run that this one repeats"
		case run.Parent == "" && i.Scenario == f.Scenario() && i.Verdict == "valid" && i.Started.Before(run.Started):
			return opened(i.Path), "the last valid run of this scenario before"
		}
	}
	return nil, ""
}

func opened(path string) *store.Folder {
	f, err := store.Open(path)
	if err != nil {
		return nil
	}
	return f
}
