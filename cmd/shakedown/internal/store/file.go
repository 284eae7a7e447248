package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// writeBuffer is how much of a file is written at a time.
const writeBuffer = 64 << 10

// WriteFile puts data into the folder under name, which may have subfolders
// ("checks/linearizable/result.json"). The file is there whole or not at all,
// whatever happens meanwhile, and replaces one of that name. A name that leads
// out of the folder, be it through a link inside, is an error.
func (f *Folder) WriteFile(name string, data []byte) error {
	return f.WriteFrom(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteFrom is [Folder.WriteFile] for what is not in memory as a whole: from
// writes it.
func (f *Folder) WriteFrom(name string, from func(io.Writer) error) error {
	if err := f.writeWhole(name, from); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(f.path, name), err)
	}
	return nil
}

// WriteJSON writes v as WriteFile does, indented for people to read.
func (f *Folder) WriteJSON(name string, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(f.path, name), err)
	}
	return f.WriteFile(name, b.Bytes())
}

func (f *Folder) writeWhole(name string, from func(io.Writer) error) error {
	root, name, err := f.enter(name)
	if err != nil {
		return err
	}
	defer root.Close()
	dir, base := path.Dir(name), path.Base(name)
	if err := root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary := path.Join(dir, fmt.Sprintf(".%s.%d-%d.tmp", base, os.Getpid(), f.temps.Add(1)))
	if err := fill(root, temporary, from); err != nil {
		return discard(root, temporary, err)
	}
	if err := root.Rename(temporary, name); err != nil {
		return discard(root, temporary, err)
	}
	return syncFolder(root, dir)
}

// discard removes a file that could not be finished because of err.
func discard(root *os.Root, name string, err error) error {
	if remove := root.Remove(name); remove != nil && !errors.Is(remove, fs.ErrNotExist) {
		return errors.Join(err, remove)
	}
	return err
}

// enter opens the folder in a way that no name gets out of, and returns the
// name in its shortest form.
func (f *Folder) enter(name string) (*os.Root, string, error) {
	clean := path.Clean(filepath.ToSlash(name))
	if !filepath.IsLocal(name) || clean == "." {
		return nil, "", errors.New("the name leads out of the run's folder")
	}
	root, err := os.OpenRoot(f.path)
	return root, clean, err
}

// fill writes a new file down to the disk.
func fill(root *os.Root, name string, from func(io.Writer) error) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, writeBuffer)
	if err := errors.Join(from(buffered), buffered.Flush()); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// syncFolder makes a rename survive a power failure.
func syncFolder(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// CreateHistory makes the run's history.jsonl, to be written at its end only.
// A run has one history: that there is one already is an error.
func (f *Folder) CreateHistory() (*os.File, error) {
	root, name, err := f.enter(HistoryFile)
	if err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create history in %s: %w", f.path, err)
	}
	return file, nil
}

// ReadFile returns what is in a file of the folder.
func (f *Folder) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(f.path, name), err)
	}
	return data, nil
}

// Open opens a file of the folder to be read, which may be too large to be in
// memory as a whole.
func (f *Folder) Open(name string) (*os.File, error) {
	root, clean, err := f.enter(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(f.path, name), err)
	}
	defer root.Close()
	file, err := root.Open(clean)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(f.path, name), err)
	}
	return file, nil
}

// ReadJSON reads a file of the folder into v. A [RunInfo] or [Result] that a
// newer shakedown wrote is an error.
func (f *Folder) ReadJSON(name string, v any) error {
	data, err := f.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(f.path, name), err)
	}
	if versioned, ok := v.(interface{ checkFormat() error }); ok {
		if err := versioned.checkFormat(); err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(f.path, name), err)
		}
	}
	return nil
}

// Has reports whether the folder has a file (or folder) of that name.
func (f *Folder) Has(name string) bool {
	root, name, err := f.enter(name)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = root.Stat(name)
	return err == nil
}
