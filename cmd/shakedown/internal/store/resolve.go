package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Resolve finds the run that ref names: a folder (from here, or from root),
// "latest", "-1" for the latest, "-2" for the one before, an id, or the unique
// beginning of an id or of its last six characters. An error says what there is
// instead.
func Resolve(root, ref string) (*Folder, error) {
	if ref == "" {
		return nil, errors.New("which run? name its folder, its id, or latest")
	}
	if back, ok := fromTheEnd(ref); ok {
		return resolveBack(root, ref, back)
	}
	if strings.ContainsRune(filepath.ToSlash(ref), '/') || ref == "." || ref == ".." {
		return resolvePath(root, ref)
	}
	if folder, err := Open(ref); err == nil {
		return folder, nil
	}
	return resolveID(root, ref)
}

// fromTheEnd reads "latest" as 1 and "-2" as 2.
func fromTheEnd(ref string) (int, bool) {
	if ref == latestLink {
		return 1, true
	}
	digits, ok := strings.CutPrefix(ref, "-")
	if !ok {
		return 0, false
	}
	back, err := strconv.Atoi(digits)
	return back, err == nil && back > 0
}

func resolvePath(root, ref string) (*Folder, error) {
	folder, err := Open(ref)
	if errors.Is(err, fs.ErrNotExist) && filepath.IsLocal(ref) {
		if below, err := Open(filepath.Join(root, ref)); err == nil {
			return below, nil
		}
	}
	return folder, err
}

func resolveBack(root, ref string, back int) (*Folder, error) {
	infos, err := List(root)
	if err != nil {
		return nil, err
	}
	if len(infos) < back {
		return nil, fmt.Errorf("there is no run %s: %s", ref, inventory(root, infos))
	}
	return Open(infos[back-1].Path)
}

func resolveID(root, ref string) (*Folder, error) {
	infos, err := List(root)
	if err != nil {
		return nil, err
	}
	var matches []Info
	for _, info := range infos {
		_, chance, _ := strings.Cut(info.ID, "-")
		if strings.HasPrefix(info.ID, ref) || strings.HasPrefix(chance, ref) {
			matches = append(matches, info)
		}
	}
	switch len(matches) {
	case 1:
		return Open(matches[0].Path)
	case 0:
		if _, err := os.Stat(ref); err == nil {
			return Open(ref) // it exists, and Open says why it is no run
		}
		return nil, fmt.Errorf("no run matches %q: %s", ref, inventory(root, infos))
	}
	return nil, fmt.Errorf("%q is ambiguous, %d runs match: %s", ref, len(matches), candidates(matches))
}

// inventory says how many runs there are, for whoever named none of them.
func inventory(root string, infos []Info) string {
	switch len(infos) {
	case 0:
		return fmt.Sprintf("there are no runs in %s", root)
	case 1:
		return fmt.Sprintf("there is 1 run in %s, %s", root, infos[0].ID)
	}
	return fmt.Sprintf("there are %d runs in %s, the latest is %s", len(infos), root, infos[0].ID)
}

// candidates lists the newest of those that match.
func candidates(matches []Info) string {
	const shown = 5
	var words []string
	for _, info := range matches[:min(shown, len(matches))] {
		words = append(words, fmt.Sprintf("%s (%s)", info.ID, info.Scenario))
	}
	if more := len(matches) - shown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}
