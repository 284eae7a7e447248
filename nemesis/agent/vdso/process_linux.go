//go:build amd64 || arm64

package vdso

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// A Process is one process as it was when it was opened: once it has ended or
// has executed another program, every method returns an error, and it has to
// be opened again. Its methods are not to be called concurrently.
type Process struct {
	pid    int
	memory *os.File
	birth  []byte // what the kernel told the program as it was executed
	base   uint64 // address of the vDSO
	size   uint64
	layout layout
}

// Open finds the vDSO of process pid. It changes nothing. It needs
// CAP_SYS_PTRACE, for processes of other users also CAP_DAC_OVERRIDE.
func Open(pid int) (*Process, error) {
	birth, err := auxiliary(pid)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the memory of process %d: %w", pid, err)
	}
	p := &Process{pid: pid, memory: memory, birth: birth}
	if err := errors.Join(p.find(), p.same()); err != nil {
		return nil, errors.Join(fmt.Errorf("process %d: %w", pid, err), memory.Close())
	}
	return p, nil
}

// Close gives up the handle; the process keeps its clock.
func (p *Process) Close() error { return p.memory.Close() }

// errOther says that the process is not the one any more that was opened.
var errOther = errors.New("it has ended or executed another program")

// same returns an error if the process has executed another program since it
// was opened. Its memory alone does not tell: that of a child that was made by
// vfork, as posix_spawn and Go do it, is its parent's until then, and stays
// readable. The addresses that the kernel gave the program, which are chosen
// at random, do: see getauxval(3).
func (p *Process) same() error {
	birth, err := auxiliary(p.pid)
	if err == nil && !bytes.Equal(birth, p.birth) {
		err = errOther
	}
	return err
}

func auxiliary(pid int) ([]byte, error) { return os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid)) }

func (p *Process) find() error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.pid))
	if err != nil {
		return err
	}
	if p.base, p.size, err = mapping(string(maps)); err != nil {
		return err
	}
	image, err := p.image()
	if err != nil {
		return err
	}
	p.layout, err = survey(image)
	return err
}

// mapping finds the vDSO in /proc/<pid>/maps.
func mapping(maps string) (base, size uint64, err error) {
	for line := range strings.Lines(maps) {
		line = strings.TrimSpace(line)
		if !strings.HasSuffix(line, "[vdso]") {
			continue
		}
		from, to, _ := strings.Cut(strings.Fields(line)[0], "-")
		base, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		const most = 1 << 20 // it has a few pages
		if err := errors.Join(err1, err2); err != nil || end <= base || end-base > most {
			return 0, 0, fmt.Errorf("cannot make sense of %q", line)
		}
		return base, end - base, nil
	}
	return 0, 0, errors.New("no vDSO is mapped (was the kernel booted without?)")
}

// image reads the vDSO as it is now.
func (p *Process) image() ([]byte, error) {
	image := make([]byte, p.size)
	if _, err := p.memory.ReadAt(image, int64(p.base)); err != nil {
		if errors.Is(err, io.EOF) {
			err = errOther
		}
		return nil, fmt.Errorf("read the vDSO of process %d: %w", p.pid, err)
	}
	return image, nil
}

// put writes bytes and reads them back. The page becomes private to the
// process by it, whatever its protection says.
func (p *Process) put(offset uint64, b []byte) error {
	at := int64(p.base + offset)
	if _, err := p.memory.WriteAt(b, at); err != nil {
		return fmt.Errorf("write to the vDSO of process %d: %w (does the kernel restrict writes to /proc/pid/mem?)", p.pid, err)
	}
	got := make([]byte, len(b))
	if _, err := p.memory.ReadAt(got, at); err != nil || !bytes.Equal(got, b) {
		return errors.Join(fmt.Errorf("the vDSO of process %d does not keep what is written to it", p.pid), err)
	}
	return nil
}

// Clock reads the process's clock back from its memory. The bool is false if
// it was never set: then it is the real one.
func (p *Process) Clock() (Clock, bool, error) {
	image, err := p.image()
	if err = errors.Join(err, p.same()); err != nil || !p.layout.installed(image) {
		return Clock{}, false, err
	}
	return p.layout.clock(image), true, nil
}

// Set shows the process another clock and reads it back. The first time, all
// its threads are stopped for a moment, for which ctx must have a deadline; a
// process that cannot be stopped, because it is frozen or somebody else traces
// it, is left as it was.
func (p *Process) Set(ctx context.Context, c Clock) error {
	image, err := p.image()
	if err != nil {
		return err
	}
	if !p.layout.installed(image) {
		return p.install(ctx, c)
	}
	changes := p.layout.changes(image) + 1
	if err := p.put(p.layout.bank(changes), c.bank()); err != nil {
		return err
	}
	return p.put(p.layout.tail+p.layout.arch.data, binary.LittleEndian.AppendUint64(nil, changes))
}

// install writes payload and jumps while the process stands still.
func (p *Process) install(ctx context.Context, c Clock) error {
	err := whileStopped(ctx, p.pid, func(threads *tracees) error {
		now, err := Open(p.pid) // It may have executed something since.
		if err != nil {
			return err
		}
		old := p.memory
		*p = *now
		if err := errors.Join(old.Close(), threads.stepOut(ctx, p.inWay)); err != nil {
			return err
		}
		return p.patch(c)
	})
	if err != nil {
		return fmt.Errorf("install a clock in process %d: %w", p.pid, err)
	}
	return nil
}

func (p *Process) inWay(pointer uint64) bool { return p.layout.inWay(pointer - p.base) }

// patch writes the payload before any jump leads to it.
func (p *Process) patch(c Clock) error {
	code := []byte(p.layout.arch.payload)
	copy(code[p.layout.arch.data+atBanks:], c.bank())
	if err := p.put(p.layout.tail, code); err != nil {
		return err
	}
	for at, jump := range p.layout.jumps {
		if err := p.put(at, jump); err != nil {
			return err
		}
	}
	return nil
}
