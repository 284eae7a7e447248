package disk

import (
	"slices"
	"sync"
	"syscall"
)

const (
	// journalLimit is how many unsaved changes of names are kept; a real
	// journal is written out every few seconds, whoever asks.
	journalLimit = 4096
	// graveLimit bounds the bytes of removed files that are kept.
	graveLimit = 1 << 30
)

// An entry is one change of names or attributes that a power failure takes
// back.
type entry struct {
	seq   uint64
	about *node   // what it concerns; nil: only the directories
	dirs  []*node // whose names it changed
	extra []*node // also needed by undo
	name  string  // for the evidence
	bytes int64   // kept in the state directory
	undo  func() error
	// save makes it final; nil if there is nothing to do.
	save func()
}

// concerns says whether a sync of n is about the entry.
func (e *entry) concerns(n *node) bool { return e.about == n || slices.Contains(e.dirs, n) }

func (e *entry) nodes() []*node {
	all := append(slices.Clone(e.dirs), e.extra...)
	if e.about != nil {
		all = append(all, e.about)
	}
	return all
}

// A journal holds the unsaved changes of names in their order. Its lock is
// held through every such change, so that the order is the real one.
type journal struct {
	mu      sync.Mutex
	entries []*entry
	bytes   int64
}

// add notes a change that was made; the lock is held.
func (j *journal) add(f *FS, e *entry) {
	e.seq = f.seq.Add(1)
	for _, n := range e.nodes() {
		f.nodes.pin(n)
	}
	j.entries = append(j.entries, e)
	j.bytes += e.bytes
	for len(j.entries) > journalLimit || j.bytes > graveLimit {
		j.save(f, 1)
	}
}

// save makes the first n entries final.
func (j *journal) save(f *FS, n int) {
	for _, e := range j.entries[:n] {
		j.finish(f, e)
	}
	j.entries = slices.Delete(j.entries, 0, n)
}

// finish makes one entry final, without taking it out.
func (j *journal) finish(f *FS, e *entry) {
	if e.save != nil {
		e.save()
	}
	j.bytes -= e.bytes
	for _, n := range e.nodes() {
		f.nodes.unpin(n)
	}
}

func (j *journal) saveAll(f *FS) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.save(f, len(j.entries))
}

// synced makes final what a sync of n saves of the entries up to seq.
func (j *journal) synced(f *FS, n *node, seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f.options.Names == Strict {
		j.saveStrict(f, n, seq)
		return
	}
	for i := len(j.entries) - 1; i >= 0; i-- {
		if e := j.entries[i]; e.seq <= seq && e.concerns(n) {
			j.save(f, i+1)
			return
		}
	}
}

// saveStrict makes final the changes in the directory n, and all that came
// before them in every other directory that they changed; for a directory
// also its own name. For a file it is only what is about its attributes.
// One pass backwards is enough, since needs only point to earlier entries.
func (j *journal) saveStrict(f *FS, n *node, seq uint64) {
	needed := map[*node]uint64{n: seq} // entries of that directory up to there
	isFile := n.kind != syscall.S_IFDIR
	save := map[*entry]bool{}
	for _, e := range slices.Backward(j.entries) {
		if isFile {
			save[e] = e.about == n && len(e.dirs) == 0 && e.seq <= seq
			continue
		}
		for _, at := range e.nodes() {
			if at.kind == syscall.S_IFDIR && e.concerns(at) && e.seq <= needed[at] {
				save[e] = true
			}
		}
		if save[e] {
			for _, d := range e.dirs {
				needed[d] = max(needed[d], e.seq)
			}
		}
	}
	j.entries = slices.DeleteFunc(j.entries, func(e *entry) bool {
		if save[e] {
			j.finish(f, e)
		}
		return save[e]
	})
}
