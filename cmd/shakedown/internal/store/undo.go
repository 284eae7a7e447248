package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/shakedown-dev/shakedown/nemesis"
)

// UndoFile is the undo journal of a run: a line for each fault before it is
// injected, with the way back, and one when it is gone. What has no second line
// was left behind by a program that was killed.
const UndoFile = "undo.jsonl"

// An undoLine is a line of the journal. One of Will, Undone and Stays is set; By
// says who undid it, if it was not the run.
type undoLine struct {
	Will   *nemesis.Undo `json:"will,omitempty"`
	Undone string        `json:"undone,omitempty"`
	By     string        `json:"by,omitempty"`
	// Stays says that the run ended and left its nodes where they were.
	Stays bool `json:"stays,omitempty"`
}

// An UndoJournal is the journal of a run that is going on. As long as it is
// open nobody takes the run for dead.
type UndoJournal struct {
	mu   sync.Mutex
	file *os.File
}

var _ nemesis.Journal = (*UndoJournal)(nil)

// CreateUndo begins the journal of a run.
func (f *Folder) CreateUndo() (*UndoJournal, error) {
	file, err := os.OpenFile(filepath.Join(f.path, UndoFile), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the undo journal: %w", err)
	}
	if held, err := lock(file); err != nil || !held {
		return nil, errors.Join(fmt.Errorf("lock the undo journal: %w", err), file.Close())
	}
	return &UndoJournal{file: file}, nil
}

// Will notes a fault that is about to be injected.
func (j *UndoJournal) Will(u nemesis.Undo) error { return j.write(undoLine{Will: &u}) }

// Undone notes that a fault is gone.
func (j *UndoJournal) Undone(id string) error { return j.write(undoLine{Undone: id}) }

// Stays notes that the nodes are not taken down by the run.
func (j *UndoJournal) Stays() error { return j.write(undoLine{Stays: true}) }

func (j *UndoJournal) write(line undoLine) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return appendUndo(j.file, line)
}

// appendUndo writes a line down to the disk.
func appendUndo(file *os.File, line undoLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encode a line of the undo journal: %w", err)
	}
	if _, err := file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the undo journal: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("write the undo journal: %w", err)
	}
	return nil
}

// Close ends the journal.
func (j *UndoJournal) Close() error { return j.file.Close() }

// Leftovers are what a run that was killed may have left behind.
type Leftovers struct {
	Folder *Folder
	// Undo are the faults that were injected, or about to be, and that nobody
	// has seen to be gone.
	Undo []nemesis.Undo
}

// Left lists the runs below root, the oldest first, whose program is dead and
// whose journal has something to be undone.
func Left(root string) ([]Leftovers, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", "*", UndoFile))
	if err != nil {
		return nil, fmt.Errorf("look for undo journals: %w", err)
	}
	var out []Leftovers
	for _, path := range files {
		undo, err := leftIn(path)
		if err != nil {
			return out, err
		}
		if len(undo) > 0 {
			folder := filepath.Dir(path)
			out = append(out, Leftovers{Folder: &Folder{path: folder, id: filepath.Base(folder)}, Undo: undo})
		}
	}
	slices.SortFunc(out, func(a, b Leftovers) int { return bytes.Compare([]byte(a.Folder.id), []byte(b.Folder.id)) })
	return out, nil
}

// leftIn is what a journal has to be undone; nothing while its run goes on.
func leftIn(path string) ([]nemesis.Undo, error) {
	if !locksTell {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it was removed meanwhile
	}
	if err != nil {
		return nil, fmt.Errorf("read an undo journal: %w", err)
	}
	defer file.Close()
	if free, err := lock(file); err != nil || !free {
		return nil, err
	}
	return openUndo(file), nil
}

// openUndo reads the faults of a journal that are not undone. A last line that
// was cut short is of a fault that was never injected.
func openUndo(file *os.File) []nemesis.Undo {
	var open []nemesis.Undo
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line undoLine
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		if line.Will != nil {
			open = append(open, *line.Will)
			continue
		}
		open = slices.DeleteFunc(open, func(u nemesis.Undo) bool {
			return line.Undone == nemesis.Everything || u.ID == line.Undone
		})
	}
	return open
}

// Settle notes that all that was left is undone, and by whom.
func (l Leftovers) Settle(by string) error {
	file, err := os.OpenFile(filepath.Join(l.Folder.path, UndoFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("write the undo journal: %w", err)
	}
	// A last line that was cut short must not swallow this one.
	if _, err := file.Write([]byte{'\n'}); err != nil {
		return errors.Join(fmt.Errorf("write the undo journal: %w", err), file.Close())
	}
	return errors.Join(appendUndo(file, undoLine{Undone: nemesis.Everything, By: by}), file.Close())
}

// Abandoned lists the runs below root, the oldest first, whose program is dead
// before it wrote a result, or that say that their nodes stay, and after which
// nobody has cleaned up. They may have left nodes behind even where no fault was
// in force.
func Abandoned(root string) ([]*Folder, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", "*", UndoFile))
	if err != nil {
		return nil, fmt.Errorf("look for undo journals: %w", err)
	}
	var out []*Folder
	for _, path := range files {
		dir := filepath.Dir(path)
		f := &Folder{path: dir, id: filepath.Base(dir)}
		left, err := abandoned(path, f.Has(ResultFile))
		if err != nil {
			return out, err
		}
		if left {
			out = append(out, f)
		}
	}
	return out, nil
}

// abandoned tells whether nobody holds a journal and it was not settled. Of a
// run with a result that is only so if its nodes stay.
func abandoned(path string, result bool) (bool, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it was removed meanwhile
	}
	if err != nil {
		return false, fmt.Errorf("read an undo journal: %w", err)
	}
	defer file.Close()
	if free, err := lock(file); err != nil || !free || !locksTell {
		return false, err
	}
	left := !result
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line undoLine
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			left = (left || line.Stays) && line.By == ""
		}
	}
	return left, lines.Err()
}
