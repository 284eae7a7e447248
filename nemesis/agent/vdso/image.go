package vdso

import (
	"bytes"
	"debug/elf"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// payload is payload.asm, assembled.
//
//go:embed payload.bin
var payload string

// Offsets in the payload.
const (
	atClockGettime = 0x00
	atGettimeofday = 0x70
	atTime         = 0xd0
	atData         = 0x100 // the index of the bank in use, then the two banks
	atBanks        = atData + 8
	bankSize       = 32
)

// masked are the clocks that are shown with an offset, a bit each:
// CLOCK_REALTIME and CLOCK_REALTIME_COARSE.
const masked = 1<<0 | 1<<5

// jumpSize is the length of "jmp rel32".
const jumpSize = 5

// A Clock is what a process is shown. The zero Clock is the real one.
type Clock struct {
	// Offset is added to real time.
	Offset time.Duration
	// Until is when the real clock comes back by itself; without it the
	// Clock is the zero Clock.
	Until time.Time
}

// bank is the clock as the payload reads it: mask, offset, end.
func (c Clock) bank() []byte {
	b := make([]byte, bankSize)
	if c.Until.IsZero() {
		return b
	}
	binary.LittleEndian.PutUint64(b[0:], masked)
	binary.LittleEndian.PutUint64(b[8:], uint64(c.Offset))
	binary.LittleEndian.PutUint64(b[16:], uint64(c.Until.UnixNano()))
	return b
}

func clockOf(bank []byte) Clock {
	if binary.LittleEndian.Uint64(bank[0:]) != masked {
		return Clock{}
	}
	return Clock{
		Offset: time.Duration(binary.LittleEndian.Uint64(bank[8:])),
		Until:  time.Unix(0, int64(binary.LittleEndian.Uint64(bank[16:]))),
	}
}

// A layout is where things are in a vDSO, as offsets from its beginning.
type layout struct {
	entries map[uint64]uint64 // of each function to replace: what to replace it with
	tail    uint64            // the free bytes for the payload
}

// survey finds out the layout of a vDSO. It refuses one in which the payload
// has no room.
func survey(image []byte) (layout, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return layout{}, fmt.Errorf("read the vDSO: %w", err)
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64 {
		return layout{}, fmt.Errorf("a vDSO for %v, %v: only x86-64 is supported", f.Machine, f.Class)
	}
	l := layout{tail: end(f, image)}
	if l.entries, err = entries(f, l.tail); err != nil {
		return layout{}, err
	}
	room := uint64(len(image)) - min(l.tail, uint64(len(image)))
	if room < uint64(len(payload)) {
		return layout{}, fmt.Errorf("the vDSO has %d free bytes; %d are needed", room, len(payload))
	}
	free := image[l.tail : l.tail+uint64(len(payload))]
	if !l.installed(image) && len(bytes.Trim(free, "\x00")) > 0 {
		return layout{}, errors.New("somebody else uses the free bytes of the vDSO")
	}
	return l, nil
}

// end is the first byte behind everything that the file says it has, on the
// next cache line.
func end(f *elf.File, image []byte) uint64 {
	var last uint64
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			last = max(last, p.Off+p.Filesz)
		}
	}
	headers := binary.LittleEndian.Uint64(image[0x28:])       // e_shoff
	size := uint64(binary.LittleEndian.Uint16(image[0x3a:]))  // e_shentsize
	count := uint64(binary.LittleEndian.Uint16(image[0x3c:])) // e_shnum
	return (max(last, headers+size*count) + 63) &^ 63
}

// entries finds the functions to replace, below limit. Most have two names.
func entries(f *elf.File, limit uint64) (map[uint64]uint64, error) {
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("read the vDSO's symbols: %w", err)
	}
	ours := map[string]uint64{
		"__vdso_clock_gettime": atClockGettime,
		"__vdso_gettimeofday":  atGettimeofday,
		"__vdso_time":          atTime,
	}
	found := map[uint64]uint64{}
	for _, s := range symbols {
		at, ok := ours[s.Name]
		if !ok {
			continue
		}
		if s.Size < jumpSize || s.Value+s.Size > limit {
			return nil, fmt.Errorf("the vDSO's %s is %d bytes at %#x: no jump fits there", s.Name, s.Size, s.Value)
		}
		found[s.Value] = at
	}
	if len(found) != len(ours) {
		return nil, fmt.Errorf("%d of the vDSO's %d functions for telling the time were found", len(found), len(ours))
	}
	return found, nil
}

// jump is the instruction that belongs at an entry.
func (l layout) jump(entry uint64) []byte {
	distance := int64(l.tail+l.entries[entry]) - int64(entry+jumpSize)
	return binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(int32(distance)))
}

// inWay reports whether an instruction pointer, as an offset, is within bytes
// that a jump overwrites, but not before them.
func (l layout) inWay(pointer uint64) bool {
	for entry := range l.entries {
		if pointer > entry && pointer < entry+jumpSize {
			return true
		}
	}
	return false
}

// installed reports whether the payload and all jumps to it are in the image.
func (l layout) installed(image []byte) bool {
	code := image[l.tail : l.tail+atData]
	if string(code) != payload[:atData] {
		return false
	}
	for entry := range l.entries {
		if !bytes.Equal(image[entry:entry+jumpSize], l.jump(entry)) {
			return false
		}
	}
	return true
}

// active is the bank in use, 0 or 1.
func (l layout) active(image []byte) uint64 {
	return uint64(image[l.tail+atData] & 1)
}

// clock is what the image, in which the payload is installed, shows.
func (l layout) clock(image []byte) Clock {
	bank := l.tail + atBanks + l.active(image)*bankSize
	return clockOf(image[bank : bank+bankSize])
}
