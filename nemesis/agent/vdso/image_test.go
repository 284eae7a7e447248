package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The payload must be what its source says.
func TestPayloadIsAssembledFromItsSource(t *testing.T) {
	for _, tool := range []string{"as", "objcopy", "nm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs binutils: %v", err)
		}
	}
	object, raw := filepath.Join(t.TempDir(), "o"), filepath.Join(t.TempDir(), "bin")
	for _, c := range [][]string{
		{"as", "--64", "payload.asm", "-o", object},
		{"objcopy", "-O", "binary", "-j", ".text", object, raw},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("binutils for x86-64 are needed: %v: %s", err, out)
		}
	}
	assembled, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	if payload != string(assembled) {
		t.Error("payload.bin is not payload.asm assembled; do what its first lines say")
	}
	names, err := exec.Command("nm", object).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"0000000000000000 t clock_gettime", "0000000000000070 t gettimeofday",
		"00000000000000d0 t time", "0000000000000100 t data",
	} {
		if !strings.Contains(string(names), want) {
			t.Errorf("image.go believes in %q; the source has\n%s", want, names)
		}
	}
}

func TestPayloadSize(t *testing.T) {
	if len(payload) != atBanks+2*bankSize {
		t.Errorf("the payload has %d bytes; its layout has %d", len(payload), atBanks+2*bankSize)
	}
}

func TestBankRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Clock{
			Offset: time.Duration(rapid.Int64().Draw(t, "offset")),
			Until:  time.Unix(0, rapid.Int64Min(1).Draw(t, "until")),
		}
		if got := clockOf(want.bank()); got.Offset != want.Offset || !got.Until.Equal(want.Until) {
			t.Errorf("%+v became %+v", want, got)
		}
	})
	if got := clockOf(Clock{}.bank()); got != (Clock{}) {
		t.Errorf("the real clock became %+v", got)
	}
	if got := clockOf(Clock{Offset: time.Hour}.bank()); got != (Clock{}) {
		t.Errorf("an offset without an end became %+v; want the real clock", got)
	}
}

// A symbol of a made-up vDSO.
type symbol struct {
	name        string
	value, size uint64
}

func timeSymbols() []symbol {
	return []symbol{
		{"__vdso_clock_gettime", 0x300, 64}, {"clock_gettime", 0x300, 64},
		{"__vdso_gettimeofday", 0x340, 5}, {"__vdso_time", 0x345, 9},
	}
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
	l, err := survey(makeImage(timeSymbols()))
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(0x800 + 3*64); l.tail != want {
		t.Errorf("the free bytes begin at %#x; want %#x, behind the section headers", l.tail, want)
	}
	if len(l.entries) != 3 || l.entries[0x300] != atClockGettime || l.entries[0x340] != atGettimeofday || l.entries[0x345] != atTime {
		t.Errorf("entries %#x", l.entries)
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
		"32 bits":           {with(makeImage(timeSymbols()), 0x12, byte(elf.EM_386)), "only x86-64"},
		"no room for jumps": {makeImage(replaced(3, symbol{"__vdso_time", 0x345, 4})), "no jump fits"},
		"out of bounds":     {makeImage(replaced(3, symbol{"__vdso_time", 1 << 40, 64})), "no jump fits"},
		"function missing":  {makeImage(timeSymbols()[:3]), "2 of the vDSO's 3 functions"},
		"no free bytes":     {makeImage(timeSymbols())[:0x8c0+len(payload)-1], "free bytes; 328 are needed"},
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

func TestInstalled(t *testing.T) {
	image := makeImage(timeSymbols())
	l, err := survey(image)
	if err != nil {
		t.Fatal(err)
	}
	if l.installed(image) {
		t.Error("installed in a fresh image")
	}
	copy(image[l.tail:], payload)
	if l.installed(image) {
		t.Error("installed without jumps")
	}
	for entry := range l.entries {
		copy(image[entry:], l.jump(entry))
	}
	if !l.installed(image) {
		t.Error("not installed, though all is there")
	}
	if again, err := survey(image); err != nil || again.tail != l.tail {
		t.Errorf("an image with the payload in it: %+v, %v", again, err)
	}
	copy(image[l.tail+atBanks+bankSize:], Clock{Offset: time.Hour, Until: time.Unix(9, 0)}.bank())
	if got := l.clock(image); got != (Clock{}) {
		t.Errorf("bank 0 shows %+v", got)
	}
	image[l.tail+atData] = 1
	if got := l.clock(image); got.Offset != time.Hour {
		t.Errorf("bank 1 shows %+v", got)
	}
	image[0x300] = 0x90
	if l.installed(image) {
		t.Error("installed, though a jump is missing")
	}
}

func TestJump(t *testing.T) {
	l := layout{tail: 0x1000, entries: map[uint64]uint64{0x300: 0, 0x2000: 0x70}}
	if got := l.jump(0x300); !bytes.Equal(got, []byte{0xe9, 0xfb, 0x0c, 0, 0}) {
		t.Errorf("forward: % x", got)
	}
	if got := l.jump(0x2000); !bytes.Equal(got, []byte{0xe9, 0x6b, 0xf0, 0xff, 0xff}) {
		t.Errorf("back: % x", got)
	}
}

func TestInWay(t *testing.T) {
	l := layout{entries: map[uint64]uint64{0x300: 0}}
	for pointer, want := range map[uint64]bool{0x2ff: false, 0x300: false, 0x301: true, 0x304: true, 0x305: false} {
		if l.inWay(pointer) != want {
			t.Errorf("at %#x: %v", pointer, !want)
		}
	}
}
