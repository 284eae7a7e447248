package vdso

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A symbol of a made-up vDSO.
type symbol struct {
	name        string
	value, size uint64
}

func armSymbols() []symbol {
	return []symbol{{"__kernel_clock_gettime", 0x300, 64}, {"__kernel_gettimeofday", 0x340, 8}}
}

func timeSymbols() []symbol {
	return []symbol{
		{"__vdso_clock_gettime", 0x300, 64}, {"clock_gettime", 0x300, 64},
		{"__vdso_gettimeofday", 0x340, 5}, {"__vdso_time", 0x345, 9},
	}
}

// makeARM builds one for arm64, whose functions begin with an instruction each.
func makeARM(first uint32) []byte {
	image := makeImage(armSymbols())
	image[0x12] = byte(elf.EM_AARCH64)
	for _, s := range armSymbols() {
		binary.LittleEndian.PutUint32(image[s.value:], first)
	}
	return image
}

// makeImage builds the smallest ELF file that a vDSO could be, of one page.
func makeImage(symbols []symbol) []byte {
	const strings, table, headers = 0x400, 0x600, 0x800
	image := make([]byte, 4096)
	put16 := func(at int, v uint16) { binary.LittleEndian.PutUint16(image[at:], v) }
	put64 := func(at int, v uint64) { binary.LittleEndian.PutUint64(image[at:], v) }
	copy(image, "\x7fELF\x02\x01\x01")
	put16(0x10, uint16(elf.ET_DYN))
	put16(0x12, uint16(elf.EM_X86_64))
	binary.LittleEndian.PutUint32(image[0x14:], 1)
	put64(0x28, headers)
	put16(0x34, 64) // sizes of the headers, and of a section's
	put16(0x36, 56)
	put16(0x3a, 64)
	put16(0x3c, 3)
	put16(0x3e, 2)
	name := strings + 1
	for i, s := range symbols {
		at := table + 24*(i+1)
		binary.LittleEndian.PutUint32(image[at:], uint32(name-strings))
		image[at+4] = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
		put16(at+6, 1)
		put64(at+8, s.value)
		put64(at+16, s.size)
		name += copy(image[name:], s.name) + 1
	}
	section := func(i int, kind elf.SectionType, at, size, link, entry uint64) {
		h := headers + 64*i
		binary.LittleEndian.PutUint32(image[h+4:], uint32(kind))
		put64(h+0x18, at)
		put64(h+0x20, size)
		binary.LittleEndian.PutUint32(image[h+0x28:], uint32(link))
		put64(h+0x38, entry)
	}
	section(1, elf.SHT_DYNSYM, table, uint64(24*(len(symbols)+1)), 2, 24)
	section(2, elf.SHT_STRTAB, strings, uint64(name-strings), 0, 0)
	return image
}

func TestSurvey(t *testing.T) {
	const tail = uint64(0x800 + 3*64) // behind the section headers
	plain, mov := uint32(0xd2800e28), uint32(0xaa0003e1)
	for name, c := range map[string]struct {
		image []byte
		jumps map[uint64]string
	}{
		"x86-64": {makeImage(timeSymbols()), map[uint64]string{0x300: "e9bb050000", 0x340: "e95b060000", 0x345: "e9a6060000"}},
		// b 0x8c0, b 0x9a0
		"arm64":                   {makeARM(plain), map[uint64]string{0x300: "70010014", 0x340: "98010014"}},
		"arm64, another":          {makeARM(mov), map[uint64]string{0x300: "70010014", 0x340: "98010014"}},
		"arm64 with landing pads": {makeARM(btiC), map[uint64]string{0x304: "6f010014", 0x344: "97010014"}},
		"arm64 that signs":        {makeARM(paciasp), map[uint64]string{0x300: "5f2403d56f010014", 0x340: "5f2403d597010014"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := survey(c.image)
			if err != nil {
				t.Fatal(err)
			}
			got := map[uint64]string{}
			for at, code := range l.jumps {
				got[at] = hex.EncodeToString(code)
			}
			if l.tail != tail || !maps.Equal(got, c.jumps) {
				t.Errorf("free bytes at %#x, jumps %v; want %#x, %v", l.tail, got, tail, c.jumps)
			}
			installs(t, l, c.image)
		})
	}
}

func TestSurveyRefuses(t *testing.T) {
	replaced := func(i int, s symbol) []symbol {
		symbols := timeSymbols()
		symbols[i] = s
		return symbols
	}
	for name, c := range map[string]struct {
		image []byte
		wants string
	}{
		"not a file":        {[]byte("ahoy"), "read the vDSO"},
		"nothing":           {nil, "read the vDSO"},
		"32 bits":           {with(makeImage(timeSymbols()), 0x12, byte(elf.EM_386)), "only x86-64 and arm64"},
		"another processor": {with(makeImage(timeSymbols()), 0x12, byte(elf.EM_RISCV)), "only x86-64 and arm64"},
		"no room for jumps": {makeImage(replaced(3, symbol{"__vdso_time", 0x345, 4})), "no jump fits"},
		"out of bounds":     {makeImage(replaced(3, symbol{"__vdso_time", 1 << 40, 64})), "no jump fits"},
		"function missing":  {makeImage(timeSymbols()[:3]), "2 of the vDSO's 3 functions"},
		"no free bytes":     {makeImage(timeSymbols())[:0x8c0+len(amd64Payload)-1], "free bytes; 568 are needed"},
		"beyond numbers":    {with(makeImage(timeSymbols()), 0x2f, 0xff), "read the vDSO"},
		"none at all":       {makeImage(timeSymbols())[:0x8c0], "0 free bytes"},
		"used by another":   {with(makeImage(timeSymbols()), 0x8c0+300, 1), "somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := survey(c.image); err == nil || !strings.Contains(err.Error(), c.wants) {
				t.Errorf("error %v; want one with %q", err, c.wants)
			}
		})
	}
}

func with(image []byte, at int, b byte) []byte {
	image[at] = b
	return image
}

// Whatever the bytes are, surveying them ends with a layout or an error.
func TestSurveyOfDamagedImages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		image := makeImage(timeSymbols())
		for range rapid.IntRange(1, 8).Draw(t, "damages") {
			at := rapid.SampledFrom([]int{0x10, 0x12, 0x20, 0x28, 0x29, 0x2e, 0x2f, 0x3a, 0x3c, 0x3e, 0x608, 0x620, 0x630, 0x840, 0x858, 0x860, 0x868, 0x878})
			image[at.Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		l, err := survey(image)
		if err != nil {
			return
		}
		l.installed(image)
		l.clock(image)
	})
}

// installs puts the payload into an image, step by step.
func installs(t *testing.T, l layout, image []byte) {
	t.Helper()
	if l.installed(image) {
		t.Error("installed in a fresh image")
	}
	copy(image[l.tail:], l.arch.payload)
	if l.installed(image) {
		t.Error("installed without jumps")
	}
	for at, code := range l.jumps {
		copy(image[at:], code)
	}
	if !l.installed(image) {
		t.Error("not installed, though all is there")
	}
	again, err := survey(image)
	if err != nil || again.tail != l.tail || !again.installed(image) {
		t.Fatalf("an image with the payload in it: %+v, %v", again, err)
	}
	hour := Clock{Of: Realtime, Offset: time.Hour, Until: Reading{9}}
	copy(image[l.bank(1):], hour.bank())
	if got := again.clock(image); got != (Clock{}) {
		t.Errorf("bank 0 shows %+v", got)
	}
	image[l.tail+l.arch.data] = 7
	if got := again.clock(image); got != hour {
		t.Errorf("bank 1 shows %+v", got)
	}
	for at := range again.jumps {
		image[at]++
	}
	if again.installed(image) {
		t.Error("installed, though the jumps are missing")
	}
}

func TestInWay(t *testing.T) {
	l := layout{jumps: map[uint64][]byte{0x300: make([]byte, 5)}}
	for pointer, want := range map[uint64]bool{0x2ff: false, 0x300: false, 0x301: true, 0x304: true, 0x305: false} {
		if l.inWay(pointer) != want {
			t.Errorf("at %#x: %v", pointer, !want)
		}
	}
}

// A jump back, as far as it can be, and to where it stands.
func TestJump(t *testing.T) {
	if _, got := amd64Jump(nil, 0x2000, 0x1070); hex.EncodeToString(got) != "e96bf0ffff" {
		t.Errorf("x86-64, back: %x", got)
	}
	if _, got := arm64Jump(make([]byte, 4), 0x2000, 0x1070); hex.EncodeToString(got) != "1cfcff17" {
		t.Errorf("arm64, back: %x", got)
	}
}
