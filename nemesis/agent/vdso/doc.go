// Package vdso gives one process a clock of its own, by changing the code that
// the kernel maps into it for telling the time. x86-64 Linux only.
//
// Programs ask for the time by calling clock_gettime, gettimeofday or time in
// the vDSO, a small library that the kernel maps into every process. [Process.Set]
// puts our versions of the three (payload.asm) into the free bytes behind that
// library, and a jump to them at the beginning of each. They ask the kernel
// and add an offset to what CLOCK_REALTIME and CLOCK_REALTIME_COARSE say; all
// other clocks stay right. The pages are private to the process: neither the
// host nor another process sees any of it.
//
// The threads of a process are stopped once, for about a millisecond, while
// the jumps are written. A later change writes the offset into the one of two
// banks that is not in use and flips an index, without stopping anything.
// Every offset ends by itself at a time that has to be renewed, so that the
// death of the one who set it heals the clock. A healed process keeps the
// jumps, with no offset behind them.
//
// What it does not reach: programs that make the system call themselves, the
// times of files, and timers that the kernel runs by CLOCK_REALTIME. A forked
// child inherits the clock as a copy, a program that is executed starts with
// the real one; both have to be set again.
package vdso
