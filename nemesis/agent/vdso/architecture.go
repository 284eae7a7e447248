package vdso

import (
	"debug/elf"
	_ "embed"
	"encoding/binary"
	"fmt"
)

var (
	//go:embed payload_amd64.bin
	amd64Payload string
	//go:embed payload_arm64.bin
	arm64Payload string
)

// An architecture is how it is done on one kind of processor.
type architecture struct {
	name    string
	payload string
	data    uint64            // where the data is in the payload
	entries map[string]uint64 // the vDSO's functions, and what in the payload replaces them
	// jump makes the bytes that lead from an entry, whose first bytes it is
	// given, to an address: what to write, and how far behind the entry.
	jump func(first []byte, from, to uint64) (skip uint64, code []byte)
	// room is the most that jump may take of a function.
	room uint64
}

// architectureOf finds the architecture of a vDSO.
func architectureOf(f *elf.File) (architecture, error) {
	if f.Class == elf.ELFCLASS64 && f.Data == elf.ELFDATA2LSB {
		switch f.Machine {
		case elf.EM_X86_64:
			return amd64(), nil
		case elf.EM_AARCH64:
			return arm64(), nil
		}
	}
	return architecture{}, fmt.Errorf("a vDSO for %v, %v: only x86-64 and arm64 are supported", f.Machine, f.Class)
}

func amd64() architecture {
	return architecture{
		name: "x86-64", payload: amd64Payload, data: 0x160,
		entries: map[string]uint64{
			"__vdso_clock_gettime": 0x00, "__vdso_gettimeofday": 0xe0, "__vdso_time": 0x130,
		},
		jump: amd64Jump, room: 5,
	}
}

// amd64Jump is "jmp rel32". It may stand where an endbr64 stood: Linux does not
// have processes check where they jump by pointer.
func amd64Jump(_ []byte, from, to uint64) (uint64, []byte) {
	distance := int64(to) - int64(from+5)
	return 0, binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(int32(distance)))
}

func arm64() architecture {
	return architecture{
		name: "arm64", payload: arm64Payload, data: 0x140,
		entries: map[string]uint64{"__kernel_clock_gettime": 0x00, "__kernel_gettimeofday": 0xe0},
		jump:    arm64Jump, room: 8,
	}
}

// Instructions of arm64 with which a function may begin so that it can be
// called by pointer where the processor checks that.
const (
	btiC    = 0xd503245f // "bti c"
	paciasp = 0xd503233f // "paciasp": also signs the return address, which our ret does not expect
)

// arm64Jump is "b", behind a landing pad if the function begins with one.
func arm64Jump(first []byte, from, to uint64) (uint64, []byte) {
	branch := func(from uint64) uint32 {
		return 0x14000000 | uint32(int64(to-from)>>2)&0x03ffffff
	}
	switch binary.LittleEndian.Uint32(first) {
	case btiC:
		return 4, binary.LittleEndian.AppendUint32(nil, branch(from+4))
	case paciasp:
		code := binary.LittleEndian.AppendUint32(nil, btiC)
		return 0, binary.LittleEndian.AppendUint32(code, branch(from+4))
	}
	return 0, binary.LittleEndian.AppendUint32(nil, branch(from))
}
