package vdso

import "golang.org/x/sys/unix"

// pointer is where a stopped thread stands.
func pointer(tid int) (uint64, error) {
	var registers unix.PtraceRegs
	err := unix.PtraceGetRegs(tid, &registers)
	return registers.Rip, err
}
