package disk

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// sector is the unit in which disks write: less than one is never torn.
const sector = 512

// A Loss is how much of what was not synced a power failure loses.
type Loss string

// The losses.
const (
	// LoseAll loses everything that was not synced.
	LoseAll Loss = "all"
	// Torn keeps changes in their order up to a random one, and of that one
	// some sectors from its beginning.
	Torn Loss = "torn"
	// Reordered keeps some of the names, from the oldest on, and of bytes any
	// sectors: a disk that writes in the order it likes. What follows a cut of
	// a file is kept only if the cut is.
	Reordered Loss = "reordered"
)

// Evidence tells what a power failure or damage has done.
type Evidence struct {
	// Bytes of unsynced writes that were lost and kept, and the files in which
	// some were lost. Bytes of a file that itself is lost count too.
	Bytes, Kept int64
	Files       int
	// Names are changes of names and attributes that were lost.
	Names int
	// Paths are some of the files and names concerned.
	Paths []string
}

// String says it in a few words.
func (e Evidence) String() string {
	s := fmt.Sprintf("%d unsynced bytes of %d files and %d changes of names lost, %d bytes kept", e.Bytes, e.Files, e.Names, e.Kept)
	if len(e.Paths) > 0 {
		s += fmt.Sprintf(" (%q)", e.Paths)
	}
	return s
}

// somePaths is how many Evidence names.
const somePaths = 4

func (e *Evidence) names(path string) {
	if len(e.Paths) < somePaths && path != "" && !slices.Contains(e.Paths, path) {
		e.Paths = append(e.Paths, path)
	}
}

// A span is a run of bytes [from, to).
type span struct{ from, to int64 }

// A judge decides what survives.
type judge struct {
	loss Loss
	dice *rand.Rand
	stop uint64 // Torn: the change at which the disk stopped
}

// survives returns the spans of one write that are kept.
func (j *judge) survives(seq uint64, off, end int64) []span {
	switch {
	case j.loss == Torn && seq < j.stop:
		return []span{{off, end}}
	case j.loss == Torn && seq == j.stop:
		return prefix(off, end, j.dice)
	case j.loss == Reordered:
		return anySectors(off, end, j.dice)
	}
	return nil
}

// whole decides about a change that cannot be torn.
func (j *judge) whole(seq uint64) bool {
	switch j.loss {
	case Torn:
		return seq < j.stop
	case Reordered:
		return j.dice.IntN(2) == 0
	}
	return false
}

// prefix keeps some sectors from the beginning.
func prefix(off, end int64, dice *rand.Rand) []span {
	sectors := (end-1)/sector - off/sector + 1
	stop := min(end, (off/sector+dice.Int64N(sectors+1))*sector)
	if stop <= off {
		return nil
	}
	return []span{{off, stop}}
}

// anySectors keeps each sector or not.
func anySectors(off, end int64, dice *rand.Rand) []span {
	var kept []span
	for at := off; at < end; {
		next := min(end, (at/sector+1)*sector)
		if dice.IntN(2) == 0 {
			if last := len(kept) - 1; last >= 0 && kept[last].to == at {
				kept[last].to = next
			} else {
				kept = append(kept, span{at, next})
			}
		}
		at = next
	}
	return kept
}
