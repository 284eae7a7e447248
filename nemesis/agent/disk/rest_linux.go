package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Damage harms files at rest, which no process may have open. What it returns
// names them, and what was done, as it was read back.
func (f *FS) Damage(d Damage) (Damaged, error) {
	if err := d.check(); err != nil {
		return Damaged{}, err
	}
	f.atRest()
	defer f.invalidate() // once the gate is open
	defer f.gate.Unlock()
	if d.Save != "" {
		pattern := d.Path
		if set, ok := f.kept.get(d.Kept); ok && d.Harm == OldCopy {
			pattern = set.pattern
		}
		if _, err := f.keep(d.Save, pattern); err != nil {
			return Damaged{}, err
		}
	}
	if d.Harm == OldCopy {
		return f.putBack(d.Kept)
	}
	return f.damage(d)
}

// damage draws the files and harms them.
func (f *FS) damage(d Damage) (Damaged, error) {
	var names []string
	err := f.each(d.Path, func(name string, _ *os.File, info fs.FileInfo) error {
		if info.Size() > 0 {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return Damaged{}, err
	}
	if len(names) == 0 {
		return Damaged{}, fmt.Errorf("no file with anything in it matches %q", d.Path)
	}
	dice := rand.New(rand.NewPCG(d.Seed, 0))
	dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var out Damaged
	for _, name := range names[:min(max(1, d.Files), len(names))] {
		what, bytes, err := d.harmFile(filepath.Join(f.options.Backing, name), dice)
		if err != nil {
			return out, fmt.Errorf("%s: %w", name, err)
		}
		out.add(name, what, bytes)
	}
	return out, nil
}

// harmFile harms one file, and says what it did and in how many bytes.
func (d Damage) harmFile(where string, dice *rand.Rand) (what string, bytes int64, err error) {
	file, err := os.OpenFile(where, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if d.Harm == CutShort {
		what, bytes, err = cut(file, d.Bytes, dice)
	} else {
		what, bytes, err = flip(file, max(1, d.Bits), dice)
	}
	return what, bytes, err
}

// cut takes bytes off the end of a file; with 0, any number.
func cut(file *os.File, bytes int64, dice *rand.Rand) (what string, gone int64, err error) {
	before, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	size := before.Size()
	if bytes = min(bytes, size); bytes == 0 {
		bytes = 1 + dice.Int64N(size)
	}
	if err := file.Truncate(size - bytes); err != nil {
		return "", 0, err
	}
	after, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	return fmt.Sprintf("cut from %d to %d bytes", size, after.Size()), size - after.Size(), nil
}

// flip flips bits, each at most once, and counts the bytes that read
// differently afterwards.
func flip(file *os.File, bits int, dice *rand.Rand) (what string, changed int64, err error) {
	spans, total, err := written(file)
	if err != nil {
		return "", 0, err
	}
	flips := map[int64]byte{} // by where: which bits
	var said []string
	for n := int64(0); n < min(int64(bits), 8*total); {
		at, bit := offsetIn(spans, dice.Int64N(total)), dice.IntN(8)
		if flips[at]&(1<<bit) != 0 {
			continue
		}
		flips[at] |= 1 << bit
		n++
		if len(said) < someWhat {
			said = append(said, fmt.Sprintf("bit %d of byte %d", bit, at))
		}
	}
	for at, mask := range flips {
		was, is, err := flipByte(file, at, mask)
		if err != nil {
			return "", changed, err
		}
		if was != is {
			changed++
		}
	}
	what = strings.Join(said, ", ") + " flipped"
	if more := bits - len(said); more > 0 {
		what = strings.Join(said, ", ") + fmt.Sprintf(" and %d others flipped", more)
	}
	return what, changed, nil
}

// flipByte flips bits of one byte, and returns what it was and what reading it
// gives afterwards.
func flipByte(file *os.File, at int64, mask byte) (was, is byte, err error) {
	var b [1]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return 0, 0, err
	}
	was = b[0]
	b[0] ^= mask
	if _, err := file.WriteAt(b[:], at); err != nil {
		return was, was, err
	}
	_, err = file.ReadAt(b[:], at)
	return was, b[0], err
}

// block is the unit in which written looks for something.
const block = 4096

// written lists where a file has something other than zeros, which is not in
// its holes and not where it was only given space; and how much that is. Of a
// file of zeros it is all.
func written(file *os.File) (spans []span, total int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	size := info.Size()
	buf := make([]byte, 256*block)
	for at, err := nextData(file, 0); at < size; at, err = nextData(file, at) {
		if err != nil {
			return nil, 0, err
		}
		n, err := readUpTo(file, buf, at)
		if err != nil {
			return nil, 0, err
		}
		if n == 0 {
			break
		}
		for from := 0; from < n; from += block {
			to := min(from+block, n)
			if len(bytes.TrimLeft(buf[from:to], "\x00")) > 0 {
				spans = append(spans, span{at + int64(from), at + int64(to)})
				total += int64(to - from)
			}
		}
		at += int64(n)
	}
	if total == 0 {
		return []span{{0, size}}, size, nil
	}
	return spans, total, nil
}

// nextData is where the next data of a file begins, at or after an offset; far
// beyond its end if there is none.
func nextData(file *os.File, at int64) (int64, error) {
	data, err := unix.Seek(int(file.Fd()), at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return math.MaxInt64, nil
	}
	return data, err
}

// offsetIn is the n-th byte of the spans.
func offsetIn(spans []span, n int64) int64 {
	for _, s := range spans {
		if n < s.to-s.from {
			return s.from + n
		}
		n -= s.to - s.from
	}
	return spans[0].from // n was beyond them all
}
