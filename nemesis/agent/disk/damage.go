package disk

import "fmt"

// A Harm is a way to damage files at rest.
type Harm string

// The harms.
const (
	// FlipBits flips Bits bits of one file.
	FlipBits Harm = "flip"
	// CutShort takes Bytes bytes off the end of one file.
	CutShort Harm = "cut"
	// Restore puts old copies of files back that [FS.Keep] made.
	Restore Harm = "restore"
)

// A Damage is done once to files at rest, and nothing heals it but the node
// itself. What was not synced counts as written back before it.
type Damage struct {
	Harm Harm
	// Path is a pattern as in [Match]; of the files that match, and have
	// anything in them, Seed draws one. Restore restores all that were kept
	// and match.
	Path string
	Seed uint64
	// Bits is how many bits to flip; zero: one.
	Bits int
	// Bytes is how many bytes to cut off; zero: any number.
	Bytes int64
	// Kept is the name under which Keep has kept the copies.
	Kept string
}

func (d Damage) check() error {
	switch d.Harm {
	case FlipBits, CutShort:
	case Restore:
		if d.Kept == "" {
			return fmt.Errorf("restore which copies? give the name under which they were kept")
		}
	default:
		return fmt.Errorf("there is no damage %q: flip, cut and restore are", d.Harm)
	}
	if d.Bits < 0 || d.Bytes < 0 {
		return fmt.Errorf("damage cannot be negative")
	}
	return checkPattern(d.Path)
}
