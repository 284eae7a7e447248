package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// keptLimit bounds the bytes of copies kept under one name.
const keptLimit = 1 << 30

// A keeper holds old copies of files, by the name they are kept under.
type keeper struct {
	mu     sync.Mutex
	copies map[string][]keptFile
}

// A keptFile is a copy of a file, which has no name of its own.
type keptFile struct {
	path string
	copy *os.File
	size int64
}

func (k *keeper) replace(id string, files []keptFile) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, old := range k.copies[id] {
		_ = old.copy.Close() // a copy that nobody needs any more
	}
	if k.copies == nil {
		k.copies = map[string][]keptFile{}
	}
	k.copies[id] = files
}

func (k *keeper) get(id string) []keptFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.copies[id]
}

func (k *keeper) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, files := range k.copies {
		for _, old := range files {
			_ = old.copy.Close() // a copy that nobody needs any more
		}
	}
	k.copies = nil
}

// Keep copies the files of a pattern as they are now, for [Restore], and
// returns how many they were. What was kept under that id before is dropped.
func (f *FS) Keep(id, pattern string) (int, error) {
	if err := checkPattern(pattern); err != nil {
		return 0, err
	}
	f.gate.Lock() // one moment for all files
	defer f.gate.Unlock()
	var kept []keptFile
	room := int64(keptLimit)
	err := f.each(pattern, func(name string, file *os.File, size int64) error {
		if room -= size; room < 0 {
			return fmt.Errorf("keep %s: more than %d bytes", name, int64(keptLimit))
		}
		to, err := f.nameless()
		if err != nil {
			return err
		}
		kept = append(kept, keptFile{name, to, size})
		_, err = io.Copy(to, file)
		return err
	})
	f.kept.replace(id, kept)
	return len(kept), err
}

// each calls do with every regular file of the backing directory that matches,
// open for input and output.
func (f *FS) each(pattern string, do func(name string, file *os.File, size int64) error) error {
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
			err = do(name, file, info.Size())
		}
		return errors.Join(err, file.Close())
	})
}

// Damage harms files at rest. The evidence names them, and what was done.
func (f *FS) Damage(d Damage) (Evidence, error) {
	if err := d.check(); err != nil {
		return Evidence{}, err
	}
	f.gate.Lock()
	f.names.saveAll(f)
	f.forgetChanges()
	ev, err := f.damage(d)
	f.gate.Unlock()
	f.invalidate()
	return ev, err
}

func (f *FS) damage(d Damage) (Evidence, error) {
	if d.Harm == Restore {
		return f.restore(d)
	}
	var names []string
	err := f.each(d.Path, func(name string, _ *os.File, size int64) error {
		if size > 0 {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return Evidence{}, err
	}
	if len(names) == 0 {
		return Evidence{}, fmt.Errorf("no file with anything in it matches %q", d.Path)
	}
	dice := rand.New(rand.NewPCG(d.Seed, 0))
	name := names[dice.IntN(len(names))]
	file, err := os.OpenFile(filepath.Join(f.options.Backing, name), os.O_RDWR, 0)
	if err != nil {
		return Evidence{}, err
	}
	what, err := d.harm(file, dice)
	return Evidence{Files: 1, Paths: []string{name + ": " + what}}, errors.Join(err, file.Close())
}

// harm flips bits of a file or cuts it, and says what it did.
func (d Damage) harm(file *os.File, dice *rand.Rand) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	size := info.Size()
	if d.Harm == CutShort {
		bytes := min(d.Bytes, size)
		if bytes == 0 {
			bytes = 1 + dice.Int64N(size)
		}
		return fmt.Sprintf("cut from %d to %d bytes", size, size-bytes), file.Truncate(size - bytes)
	}
	what := ""
	for range max(1, d.Bits) {
		at, bit := dice.Int64N(size), dice.IntN(8)
		var b [1]byte
		if _, err := file.ReadAt(b[:], at); err != nil {
			return what, err
		}
		b[0] ^= 1 << bit
		if _, err := file.WriteAt(b[:], at); err != nil {
			return what, err
		}
		if len(what) < 200 {
			what += fmt.Sprintf("bit %d of byte %d flipped; ", bit, at)
		}
	}
	return what[:len(what)-len("; ")], nil
}

// restore writes the copies over the files, which are made if they are gone.
func (f *FS) restore(d Damage) (Evidence, error) {
	var ev Evidence
	for _, k := range f.kept.get(d.Kept) {
		if !Match(d.Path, k.path) {
			continue
		}
		file, err := os.OpenFile(filepath.Join(f.options.Backing, k.path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return ev, err
		}
		_, err = io.Copy(file, io.NewSectionReader(k.copy, 0, k.size))
		if err := errors.Join(err, file.Close()); err != nil {
			return ev, err
		}
		ev.Files++
		ev.names(k.path + ": old copy put back")
	}
	if ev.Files == 0 {
		return ev, fmt.Errorf("no copy is kept as %q that matches %q", d.Kept, d.Path)
	}
	return ev, nil
}
