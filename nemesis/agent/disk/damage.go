package disk

import (
	"fmt"
	"strings"
)

// A Harm is a way to damage files at rest.
type Harm string

// The harms.
const (
	// FlipBits flips Bits bits in each of Files files.
	FlipBits Harm = "bit-flip"
	// CutShort takes Bytes bytes off the end of each of Files files.
	CutShort Harm = "truncate"
	// OldCopy makes the files of a pattern what they were when [FS.Keep]
	// copied them: those that came later are removed.
	OldCopy Harm = "old-copy"
)

// A Damage is done once to files at rest. Data has no way to heal by itself:
// what is to be taken back is kept before, see Save and [FS.PutBack]. What was
// not synced counts as written back before the damage.
type Damage struct {
	Harm Harm
	// Path is a pattern as in [Match]. Of the files that match, and have
	// anything in them, Seed draws which are harmed, and where.
	Path string
	Seed uint64
	// Files is how many files to harm; zero: one. An old copy is of all.
	Files int
	// Bits is how many bits to flip in each; zero: one. They are of bytes that
	// were once written, not of space that a file was given in advance.
	Bits int
	// Bytes is how many bytes to cut off each; zero: any number.
	Bytes int64
	// Kept is the name under which Keep has kept the copies of OldCopy.
	Kept string
	// Save, if not empty, is a name under which the files are kept as they
	// are before the damage.
	Save string
}

func (d Damage) check() error {
	switch d.Harm {
	case FlipBits, CutShort:
	case OldCopy:
		if d.Kept == "" {
			return fmt.Errorf("which old copies? give the name under which they were kept")
		}
	default:
		return fmt.Errorf("there is no damage %q: bit-flip, truncate and old-copy are", d.Harm)
	}
	if d.Bits < 0 || d.Bytes < 0 || d.Files < 0 {
		return fmt.Errorf("damage cannot be negative")
	}
	return checkPattern(d.Path)
}

// Damaged tells what was done to files at rest, as they were read back.
type Damaged struct {
	// Files are those that are no longer what they were, Bytes how many of
	// their bytes differ or are gone.
	Files int
	Bytes int64
	// What says of some files what was done to them.
	What []string
}

// someWhat is how many files Damaged speaks of.
const someWhat = 8

func (d *Damaged) add(name, what string, bytes int64) {
	d.Files++
	d.Bytes += bytes
	if len(d.What) < someWhat {
		d.What = append(d.What, name+": "+what)
	}
}

// String says it in a few words.
func (d Damaged) String() string {
	s := fmt.Sprintf("%d bytes of %d files changed", d.Bytes, d.Files)
	if len(d.What) > 0 {
		s += " (" + strings.Join(d.What, "; ") + ")"
	}
	return s
}
