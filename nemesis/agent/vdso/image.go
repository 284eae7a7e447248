package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// A layout is where things are in a vDSO, as offsets from its beginning.
type layout struct {
	arch  architecture
	jumps map[uint64][]byte // what is to be written where
	tail  uint64            // the free bytes for the payload
}

// survey finds out the layout of a vDSO. It refuses one in which the payload
// has no room.
func survey(image []byte) (layout, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return layout{}, fmt.Errorf("read the vDSO: %w", err)
	}
	l := layout{tail: end(f, image)}
	if l.arch, err = architectureOf(f); err != nil {
		return layout{}, err
	}
	size := uint64(len(l.arch.payload))
	room := uint64(len(image)) - min(l.tail, uint64(len(image)))
	if room < size {
		return layout{}, fmt.Errorf("the vDSO has %d free bytes; %d are needed", room, size)
	}
	if err = l.findJumps(f, image); err != nil {
		return layout{}, err
	}
	if !l.installed(image) && len(bytes.Trim(image[l.tail:l.tail+size], "\x00")) > 0 {
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

// findJumps finds the functions to replace, below the tail, and works out the
// jumps. Most have two names.
func (l *layout) findJumps(f *elf.File, image []byte) error {
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("read the vDSO's symbols: %w", err)
	}
	l.jumps = map[uint64][]byte{}
	for _, s := range symbols {
		at, ok := l.arch.entries[s.Name]
		if !ok {
			continue
		}
		if s.Size < l.arch.room || s.Value > l.tail || s.Value+s.Size > l.tail {
			return fmt.Errorf("the vDSO's %s is %d bytes at %#x: no jump fits there", s.Name, s.Size, s.Value)
		}
		skip, code := l.arch.jump(image[s.Value:s.Value+s.Size], s.Value, l.tail+at)
		l.jumps[s.Value+skip] = code
	}
	if want := len(l.arch.entries); len(l.jumps) != want {
		return fmt.Errorf("%d of the vDSO's %d functions for telling the time were found", len(l.jumps), want)
	}
	return nil
}

// inWay reports whether an instruction pointer, as an offset, is within bytes
// that a jump overwrites, but not before them.
func (l layout) inWay(pointer uint64) bool {
	for at, code := range l.jumps {
		if pointer > at && pointer < at+uint64(len(code)) {
			return true
		}
	}
	return false
}

// installed reports whether the payload and all jumps to it are in the image.
func (l layout) installed(image []byte) bool {
	if string(image[l.tail:l.tail+l.arch.data]) != l.arch.payload[:l.arch.data] {
		return false
	}
	for at, code := range l.jumps {
		if !bytes.Equal(image[at:at+uint64(len(code))], code) {
			return false
		}
	}
	return true
}

// changes counts how often the image, in which the payload is installed, was
// changed; the lowest bit is the bank in use.
func (l layout) changes(image []byte) uint64 {
	return binary.LittleEndian.Uint64(image[l.tail+l.arch.data:])
}

// bank is where a bank is in the image.
func (l layout) bank(i uint64) uint64 {
	return l.tail + l.arch.data + atBanks + i&1*bankSize
}

// clock is what the image, in which the payload is installed, shows.
func (l layout) clock(image []byte) Clock {
	bank := l.bank(l.changes(image))
	return clockOf(image[bank : bank+bankSize])
}
