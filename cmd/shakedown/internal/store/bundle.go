package store

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// BundleSuffix is how the name of a bundle ends.
const BundleSuffix = ".zip"

// Limits of what a bundle unpacks to, against one that is made to fill a disk.
const (
	maxBundleFiles = 100_000
	maxBundleBytes = 32 << 30
	maxBundlePlan  = 64 << 20 // of the plan that is read for the scenario's name
)

// IsBundle tells whether a path names a bundle: a file that ends in .zip.
func IsBundle(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && strings.EqualFold(path.Ext(name), BundleSuffix)
}

// Pack writes the run as one zip: below a folder named by its id, all regular
// files, and the files of more, by name, which stand before those of the same
// name in the run. Links, unfinished temporary files and whatever else a run
// cannot have made are left out.
func (f *Folder) Pack(w io.Writer, more map[string][]byte) error {
	if err := f.pack(w, more); err != nil {
		return fmt.Errorf("pack run %s: %w", f.id, err)
	}
	return nil
}

func (f *Folder) pack(w io.Writer, more map[string][]byte) error {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return err
	}
	defer root.Close()
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(more)) {
		out, err := z.Create(path.Join(f.id, name))
		if err != nil {
			return err
		}
		if _, err := out.Write(more[name]); err != nil {
			return err
		}
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if _, replaced := more[name]; err != nil || replaced || !e.Type().IsRegular() || strings.HasSuffix(name, ".tmp") {
			return err
		}
		return packFile(z, root, name, path.Join(f.id, name))
	})
	if err != nil {
		return err
	}
	return z.Close()
}

func packFile(z *zip.Writer, root *os.Root, name, as string) error {
	in, err := root.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header, err := zip.FileInfoHeader(info)
	if err != nil {
		return err
	}
	header.Name, header.Method = as, zip.Deflate
	out, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

// Unpack opens the bundle in a file by unpacking it below the folder into, which
// is the caller's to remove. A file whose name leads out of the bundle is an
// error, as is a bundle without a run in it.
func Unpack(file, into string) (*Folder, error) {
	f, err := unpack(file, into)
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", file, err)
	}
	f.bundle = file
	return f, nil
}

func unpack(file, into string) (*Folder, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	id, err := bundled(&z.Reader)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(into, bundledScenario(&z.Reader, id), id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	left := int64(maxBundleBytes)
	for _, entry := range z.File {
		name, ok := strings.CutPrefix(entry.Name, id+"/")
		if !ok || name == "" || strings.HasSuffix(name, "/") {
			continue
		}
		n, err := unpackFile(root, entry, name, left)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		left -= n
	}
	return Open(dir)
}

// bundled is the id of the run in a bundle: the folder that holds its files.
func bundled(z *zip.Reader) (string, error) {
	if len(z.File) > maxBundleFiles {
		return "", fmt.Errorf("it has %d files, and %d is the limit", len(z.File), maxBundleFiles)
	}
	for _, entry := range z.File {
		dir, base := path.Split(entry.Name)
		dir = strings.TrimSuffix(dir, "/")
		known := slices.Contains([]string{RunFile, PlanFile, HistoryFile, ResultFile}, base)
		if known && dir != "" && !strings.ContainsAny(dir, `/\`) && filepath.IsLocal(dir) {
			return dir, nil
		}
	}
	return "", errors.New("there is no run in it")
}

// bundledScenario is the name of the run's scenario, as far as it can be told.
func bundledScenario(z *zip.Reader, id string) string {
	const unknown = "bundle"
	f, err := z.Open(id + "/" + PlanFile)
	if err != nil {
		return unknown
	}
	defer f.Close()
	var plan struct {
		Scenario struct {
			Name string `json:"name"`
		} `json:"scenario"`
	}
	if json.NewDecoder(io.LimitReader(f, maxBundlePlan)).Decode(&plan) != nil || !namePattern.MatchString(plan.Scenario.Name) {
		return unknown
	}
	return plan.Scenario.Name
}

// unpackFile writes one file and returns its size, which may be limit at most.
func unpackFile(root *os.Root, entry *zip.File, name string, limit int64) (int64, error) {
	if !filepath.IsLocal(name) || strings.Contains(name, `\`) {
		return 0, errors.New("its name leads out of the bundle")
	}
	if !entry.Mode().IsRegular() {
		return 0, errors.New("it is no regular file")
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return 0, err
	}
	in, err := entry.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("the bundle unpacks to more than %d bytes", int64(maxBundleBytes))
	}
	return n, errors.Join(err, out.Close())
}
