// Package vdso gives one process clocks of its own, by changing the code that
// the kernel maps into it for telling the time. Linux only, on x86-64 and
// arm64.
//
// Programs ask for the time by calling clock_gettime, gettimeofday or time in
// the vDSO, a small library that the kernel maps into every process. [Process.Set]
// puts our versions of them (payload_amd64.asm, payload_arm64.asm) into the
// free bytes behind that library, and a jump to them at the beginning of each.
// They ask the kernel and change what it says, for the clocks that are named
// in the [Clock], CLOCK_REALTIME most often; all others stay right. The pages
// are private to the process: neither the host nor another process sees any
// of it.
//
// The threads of a process are stopped once, for about a millisecond, while
// the jumps are written. A later change writes the clock into the one of two
// banks that is not in use and flips an index, without stopping anything.
// Every clock ends by itself at a time that has to be renewed, so that the
// death of the one who set it heals it. A healed process keeps the jumps, with
// nothing behind them.
//
// What it does not reach: programs that make the system call themselves, the
// times of files, timers that the kernel runs, and clocks without a name here
// (CLOCK_TAI, the alarms, those of processor time). A process in a time
// namespace of its own has no right monotonic clock to begin with, so that of
// such a one only the real time can be changed. A forked child inherits the
// clock as a copy, a program that is executed starts with the real one; both
// have to be set again.
package vdso
