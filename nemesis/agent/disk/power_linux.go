package disk

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"golang.org/x/sys/unix"
)

// PowerFail takes the directory back to what a disk would hold after the power
// failed now: what was synced, and of the rest what the loss and the seed say.
// The node's processes must have been killed; what they still have open gets
// EIO. The error says what could not be taken back, in which case the
// directory is neither the old nor the new one.
func (f *FS) PowerFail(seed uint64, loss Loss) (Evidence, error) {
	switch loss {
	case LoseAll, Torn, Reordered:
	default:
		return Evidence{}, fmt.Errorf("a power failure cannot lose %q: all, torn and reordered it can", loss)
	}
	f.setPower(true)
	defer f.setPower(false)
	// The kernel writes dirty pages back before it forgets them; with the
	// power off that is lost, which is what should become of them.
	f.invalidate()
	f.gate.Lock()
	ev, err := f.rollBack(&judge{loss: loss, dice: rand.New(rand.NewPCG(seed, 0))})
	f.gate.Unlock()
	f.invalidate() // what has changed by the rolling back
	return ev, err
}

// setPower waits for all operations in hand. With the power off everything
// fails, and what was opened before is stale.
func (f *FS) setPower(off bool) {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.off = off
	if off {
		f.life++
	}
}

// invalidate makes the kernel forget all names, attributes and pages. The gate
// must not be held: the kernel may have to ask something first.
func (f *FS) invalidate() {
	for _, n := range f.nodes.all() {
		for _, l := range f.nodes.namesOf(n) {
			f.server.EntryNotify(l.dir.id, l.name) // fails if it is not cached
		}
		f.server.InodeNotify(n.id, 0, 0)
	}
}

// rollBack takes back what does not survive. The gate is held exclusively.
func (f *FS) rollBack(j *judge) (Evidence, error) {
	f.names.mu.Lock()
	defer f.names.mu.Unlock()
	files := f.pending.list()
	slices.SortFunc(files, func(a, b *node) int { return cmp.Compare(a.id, b.id) })
	j.stop = f.stop(files, j.dice)
	var ev Evidence
	var errs []error
	for _, n := range files {
		errs = append(errs, f.rollBackFile(n, j, &ev))
	}
	errs = append(errs, f.rollBackNames(j, &ev))
	return ev, errors.Join(errs...)
}

// stop draws the change at which a torn failure stops the disk.
func (f *FS) stop(files []*node, dice *rand.Rand) uint64 {
	var seqs []uint64
	for _, n := range files {
		for _, c := range n.data.changes {
			seqs = append(seqs, c.seq)
		}
	}
	for _, e := range f.names.entries {
		seqs = append(seqs, e.seq)
	}
	slices.Sort(seqs)
	if len(seqs) == 0 {
		return 0
	}
	return seqs[dice.IntN(len(seqs))]
}

// A survivor is what is kept of a change: the bytes of its spans as it wrote
// them.
type survivor struct {
	change *change
	spans  []span
	bytes  [][]byte
	whole  bool // of a change of size
}

// rollBackFile takes a file back to what was synced, and then lays over it
// what survives.
func (f *FS) rollBackFile(n *node, j *judge, ev *Evidence) error {
	n.data.mu.Lock()
	defer n.data.mu.Unlock()
	fd, err := n.reopen(unix.O_RDWR)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.nodes.path(n, ""), err)
	}
	defer func() { _ = unix.Close(fd) }() // errors of writes were told by the writes
	survivors := survivorsOf(n.data.changes, j)
	var errs []error
	for i, c := range slices.Backward(n.data.changes) {
		errs = append(errs, survivors[i].read(fd), c.undo(fd))
	}
	for i := range survivors {
		errs = append(errs, survivors[i].write(fd))
	}
	f.tally(n, survivors, ev)
	n.forget(f, f.seq.Load())
	return errors.Join(errs...)
}

// survivorsOf lets the judge decide about the changes of one file. After a cut
// that is lost nothing is kept: the blocks that later writes went to are not
// the file's.
func survivorsOf(changes []*change, j *judge) []survivor {
	out := make([]survivor, len(changes))
	lost := false
	for i, c := range changes {
		out[i].change = c
		switch {
		case lost:
		case c.kind == writes:
			if c.end > c.off {
				out[i].spans = j.survives(c.seq, c.off, c.end)
			}
		default:
			out[i].whole = j.whole(c.seq)
			lost = c.cuts() && !out[i].whole
		}
	}
	return out
}

// read takes the bytes that survive from the file, which is as the change
// left it.
func (s *survivor) read(fd int) error {
	for _, p := range s.spans {
		buf := make([]byte, p.to-p.from)
		n, err := preadFull(fd, buf, p.from)
		if err != nil {
			return err
		}
		s.bytes = append(s.bytes, buf[:n])
	}
	return nil
}

func (s *survivor) write(fd int) error {
	for i, p := range s.spans {
		if err := pwriteFull(fd, s.bytes[i], p.from); err != nil {
			return err
		}
	}
	if !s.whole {
		return nil
	}
	size, err := sizeOf(fd)
	if err != nil || s.change.kind == extends && size >= s.change.end {
		return err
	}
	return unix.Ftruncate(fd, s.change.after)
}

// undo takes one change back, from a file that is as it left it.
func (c *change) undo(fd int) error {
	if c.size != c.after {
		if err := unix.Ftruncate(fd, c.size); err != nil {
			return err
		}
	}
	return c.old.restore(fd, c.off)
}

// tally counts what was lost of a file.
func (f *FS) tally(n *node, survivors []survivor, ev *Evidence) {
	var lost int64
	for _, s := range survivors {
		if s.change.kind != writes {
			continue
		}
		kept := int64(0)
		for _, p := range s.spans {
			kept += p.to - p.from
		}
		ev.Kept += kept
		lost += s.change.end - s.change.off - kept
	}
	ev.Bytes += lost
	if lost > 0 {
		ev.Files++
		ev.names(f.nodes.path(n, ""))
	}
}

// rollBackNames takes back the changes of names from the newest on.
func (f *FS) rollBackNames(j *judge, ev *Evidence) error {
	all := f.names.entries
	keep := 0
	switch j.loss {
	case Torn:
		for keep < len(all) && all[keep].seq < j.stop {
			keep++
		}
	case Reordered:
		keep = j.dice.IntN(len(all) + 1)
	}
	var errs []error
	for _, e := range slices.Backward(all[keep:]) {
		if err := e.undo(); err != nil {
			errs = append(errs, fmt.Errorf("take back the change of %q: %w", e.name, err))
		}
		ev.Names++
		if len(e.dirs) > 0 {
			ev.names(f.nodes.path(e.dirs[len(e.dirs)-1], e.name))
		}
		f.names.bytes -= e.bytes
		for _, n := range e.nodes() {
			f.nodes.unpin(n)
		}
	}
	f.names.entries = all[:keep]
	f.names.save(f, keep)
	return errors.Join(errs...)
}

// forgetChanges drops all changes of bytes as written back.
func (f *FS) forgetChanges() {
	for _, n := range f.pending.list() {
		n.synced(f, f.seq.Load())
	}
}
