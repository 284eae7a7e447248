package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
)

// resolve finds the run that ref names; "" is the latest. A bundle is unpacked
// into a folder that is removed when the command ends.
func (r *root) resolve(root, ref string) (*store.Folder, error) {
	if ref == "" {
		ref = "latest"
	}
	if store.IsBundle(ref) {
		return r.unpack(ref)
	}
	f, err := store.Resolve(root, ref)
	if err != nil {
		hint := "shakedown list runs --out " + root + " names the runs; if it is the file of a history, there is no such file"
		if _, missing := os.Stat(ref); strings.HasSuffix(ref, store.BundleSuffix) && errors.Is(missing, fs.ErrNotExist) {
			hint = "if it is a bundle, there is no such file"
		}
		return nil, usage(err, hint)
	}
	return f, nil
}

func (r *root) unpack(file string) (*store.Folder, error) {
	into, err := r.scratch()
	if err != nil {
		return nil, err
	}
	f, err := store.Unpack(file, into)
	if err != nil {
		return nil, usage(err, "shakedown export makes bundles")
	}
	return f, nil
}

// scratch makes a folder that is removed when the command ends.
func (r *root) scratch() (string, error) {
	dir, err := os.MkdirTemp("", "shakedown-")
	if err != nil {
		return "", environment(fmt.Errorf("make a folder for a while: %w", err), "")
	}
	r.after = append(r.after, func() {
		if err := os.RemoveAll(dir); err != nil {
			r.warn("%v", err)
		}
	})
	return dir, nil
}

// isHistory tells the file of a history from a run: runs are folders and
// bundles.
func isHistory(arg string) bool {
	info, err := os.Stat(arg)
	return err == nil && info.Mode().IsRegular() && !store.IsBundle(arg)
}
