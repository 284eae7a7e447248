package store

import (
	"fmt"
	"os"
	"path/filepath"
)

// Discard removes the folder and all that is in it: of a run that failed before
// anything happened that somebody would want to read. What Create made for it
// goes too, unless another run uses it; root itself stays.
func (f *Folder) Discard() error {
	if err := os.RemoveAll(f.path); err != nil {
		return fmt.Errorf("discard run: %w", err)
	}
	parent := filepath.Dir(f.path)
	_ = os.Remove(parent) // fails when it holds other runs, as it should
	relink(filepath.Dir(parent))
	return nil
}

// relink points root/latest at the newest run that is left, or removes it.
func relink(root string) {
	infos, err := List(root)
	if err != nil {
		return
	}
	if len(infos) > 0 {
		linkLatest(root, infos[0].Scenario, infos[0].ID)
		return
	}
	link := filepath.Join(root, latestLink)
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink != 0 {
		_ = os.Remove(link) // it is for people only
	}
}
