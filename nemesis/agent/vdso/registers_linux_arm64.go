package vdso

import "golang.org/x/sys/unix"

// pointer is where a stopped thread stands.
func pointer(tid int) (uint64, error) {
	const general = 1 // NT_PRSTATUS
	var registers unix.PtraceRegsArm64
	err := unix.PtraceGetRegSetArm64(tid, general, &registers)
	return registers.Pc, err
}
