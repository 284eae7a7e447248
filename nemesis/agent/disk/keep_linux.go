package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// keptLimit bounds the bytes of copies kept under one name.
const keptLimit = 1 << 30

// A keeper holds old copies of files, by the name they are kept under.
type keeper struct {
	mu     sync.Mutex
	copies map[string]keptSet
}

// A keptSet is what the files of a pattern were at one moment.
type keptSet struct {
	pattern string
	files   []keptFile
}

// A keptFile is a copy of a file, which has no name of its own.
type keptFile struct {
	path     string
	copy     *os.File
	size     int64
	mode     os.FileMode
	uid, gid int
}

func (k *keeper) replace(id string, set keptSet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.copies[id].close()
	if k.copies == nil {
		k.copies = map[string]keptSet{}
	}
	k.copies[id] = set
}

func (k *keeper) get(id string) (keptSet, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set, ok := k.copies[id]
	return set, ok
}

func (k *keeper) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, set := range k.copies {
		set.close()
	}
	k.copies = nil
}

func (s keptSet) close() {
	for _, old := range s.files {
		_ = old.copy.Close() // a copy that nobody needs any more
	}
}

// Keep copies the files of a pattern as they are now, for [OldCopy] and
// [FS.PutBack], and returns how many they were. What was kept under that id
// before is dropped.
func (f *FS) Keep(id, pattern string) (int, error) {
	if err := checkPattern(pattern); err != nil {
		return 0, err
	}
	f.gate.Lock() // one moment for all files
	defer f.gate.Unlock()
	return f.keep(id, pattern)
}

// keep is Keep with the gate held.
func (f *FS) keep(id, pattern string) (int, error) {
	set := keptSet{pattern: pattern}
	room := int64(keptLimit)
	err := f.each(pattern, func(name string, file *os.File, info fs.FileInfo) error {
		k := keptFile{path: name, size: info.Size(), mode: info.Mode().Perm()}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			k.uid, k.gid = int(st.Uid), int(st.Gid)
		}
		var err error
		if k.copy, err = f.nameless(); err != nil {
			return err
		}
		set.files = append(set.files, k)
		if room -= spaceOf(info); room < 0 {
			return fmt.Errorf("keep %s: more than %d bytes", name, int64(keptLimit))
		}
		return copyRange(int(file.Fd()), 0, k.size, k.copy)
	})
	if err != nil {
		set.close()
		return 0, err
	}
	f.kept.replace(id, set)
	return len(set.files), nil
}

// spaceOf is what a file takes on the disk, without its holes.
func spaceOf(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * sector
	}
	return info.Size()
}

// each calls do with every regular file of the backing directory that matches,
// open for input and output.
func (f *FS) each(pattern string, do func(name string, file *os.File, info fs.FileInfo) error) error {
	return filepath.WalkDir(f.options.Backing, func(where string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(f.options.Backing, where)
		if err != nil || !Match(pattern, name) {
			return err
		}
		file, err := os.OpenFile(where, os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err == nil {
			err = do(name, file, info)
		}
		return errors.Join(err, file.Close())
	})
}

// PutBack makes the files of the pattern under which they were kept what they
// were then, and tells what has changed by it. No process may have them open.
func (f *FS) PutBack(id string) (Damaged, error) {
	f.atRest()
	defer f.invalidate() // what the kernel remembers of them, once the gate is open
	defer f.gate.Unlock()
	return f.putBack(id)
}

// atRest closes the gate and takes everything for written.
func (f *FS) atRest() {
	f.gate.Lock()
	f.names.saveAll(f)
	f.forgetChanges()
}

// putBack is PutBack with the gate held.
func (f *FS) putBack(id string) (Damaged, error) {
	set, ok := f.kept.get(id)
	if !ok {
		return Damaged{}, fmt.Errorf("no copy is kept as %q", id)
	}
	var d Damaged
	err := f.each(set.pattern, func(name string, _ *os.File, info fs.FileInfo) error {
		if slices.ContainsFunc(set.files, func(k keptFile) bool { return k.path == name }) {
			return nil
		}
		d.add(name, "removed, it came later", info.Size())
		return os.Remove(filepath.Join(f.options.Backing, name))
	})
	for _, k := range set.files {
		if err == nil {
			err = f.putBackFile(k, &d)
		}
	}
	return d, err
}

func (f *FS) putBackFile(k keptFile, d *Damaged) error {
	where := filepath.Join(f.options.Backing, k.path)
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(where, os.O_RDWR|os.O_CREATE, k.mode)
	if err != nil {
		return fmt.Errorf("put back %s: %w", k.path, err)
	}
	was, err := file.Stat()
	var differ int64
	if err == nil {
		differ, err = differing(file, k.copy, max(was.Size(), k.size))
	}
	if err == nil && differ > 0 {
		d.add(k.path, fmt.Sprintf("%d of %d bytes are those of before", differ, k.size), differ)
		err = errors.Join(file.Truncate(0), copyRange(int(k.copy.Fd()), 0, k.size, file), file.Chown(k.uid, k.gid))
	}
	return errors.Join(err, file.Close())
}

// differing counts the bytes, up to size, in which two files differ; what one
// of them has not differs.
func differing(a, b *os.File, size int64) (int64, error) {
	var count int64
	p, q := make([]byte, inMemory), make([]byte, inMemory)
	for at := int64(0); at < size; at += inMemory {
		n, err := readUpTo(a, p, at)
		if err != nil {
			return 0, err
		}
		m, err := readUpTo(b, q, at)
		if err != nil {
			return 0, err
		}
		both := min(n, m)
		count += int64(max(n, m) - both)
		if bytes.Equal(p[:both], q[:both]) {
			continue
		}
		for i := range both {
			if p[i] != q[i] {
				count++
			}
		}
	}
	return count, nil
}

// readUpTo reads what there is.
func readUpTo(f *os.File, p []byte, at int64) (int, error) {
	n, err := f.ReadAt(p, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Wipe removes every file, for good. No process may have any open.
func (f *FS) Wipe() error {
	f.atRest()
	defer f.invalidate() // once the gate is open
	defer f.gate.Unlock()
	entries, err := os.ReadDir(f.options.Backing)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(f.options.Backing, e.Name())))
	}
	return err
}
