// Package hostclock sets the clock of the host itself, and sets it right again.
// It is for hosts whose owner has said that this may be: everything on them
// lives by that clock.
//
// What the right time is, while the clock is wrong, is told from the clock that
// nobody can set: the time that it was before, and what has passed since boot.
// That is written to a file before anything is changed, so that whoever comes
// after an agent that was killed can set the clock right, too. Programs that keep
// the time, which would set it right at once, stand still meanwhile.
package hostclock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Path is where a host keeps what must be undone: it is gone after a reboot.
const Path = "/run/shakedown-host-clock.json"

// near is how exactly a clock can be expected to be what it was set to: between
// setting and reading it, a busy machine may take a while.
const near = 2 * time.Second

// A Kernel is a machine's clocks.
type Kernel interface {
	// Now returns the time of day, since 1970, and the time since boot, of
	// about the same moment.
	Now() (real, sinceBoot time.Duration, err error)
	// Step makes the time of day later by so much.
	Step(by time.Duration) error
	// Boot names the machine's last start.
	Boot() (string, error)
	// Keepers lists the programs that keep the time.
	Keepers() ([]Program, error)
	// Halt lets a program stand still, Resume lets it go on. One that has ended
	// is no error.
	Halt(Program) error
	Resume(Program) error
}

// A Program is a process that keeps the time.
type Program struct {
	Name string `json:"name"`
	Pid  int    `json:"pid"`
	// Born tells it from a later process of the same pid.
	Born string `json:"born"`
	// Unit is the unit of systemd that keeps a watch on it: there, a process that
	// stands still for long is replaced by another one. Empty: none does.
	Unit string `json:"unit,omitempty"`
}

// A record is what must be known to undo it all.
type record struct {
	Boot   string        `json:"boot"`
	Real   time.Duration `json:"real_ns"`
	Since  time.Duration `json:"since_boot_ns"`
	Halted []Program     `json:"halted"`
}

// A Keeper sets one host's clock wrong and right. It is not safe for
// concurrent use.
type Keeper struct {
	kernel Kernel
	file   string
	held   *record // nil: the clock is as it was
}

// New returns a keeper of the clock, which may have been left wrong by one that
// was killed; see [Keeper.Recover].
func New(kernel Kernel, file string) *Keeper { return &Keeper{kernel: kernel, file: file} }

// Wrong reports whether the clock is, as far as we have set it.
func (k *Keeper) Wrong() bool { return k.held != nil }

// Set makes the clock wrong by offset. If it is wrong already it becomes wrong by
// that much instead.
func (k *Keeper) Set(offset time.Duration) error {
	if k.held == nil {
		if err := k.begin(); err != nil {
			return fmt.Errorf("set the host's clock: %w", err)
		}
	}
	off, err := k.Off()
	if err == nil {
		err = k.kernel.Step(offset - off)
	}
	if err == nil {
		err = k.see(offset)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("set the host's clock: %w", err), k.Restore())
	}
	return nil
}

// begin notes what there is to undo, and then halts who keeps the time.
func (k *Keeper) begin() error {
	boot, err := k.kernel.Boot()
	if err != nil {
		return err
	}
	programs, err := k.kernel.Keepers()
	if err != nil {
		return err
	}
	r := &record{Boot: boot, Halted: programs}
	if r.Real, r.Since, err = k.kernel.Now(); err != nil {
		return err
	}
	if err := k.note(r); err != nil {
		return err
	}
	k.held = r
	for _, p := range programs {
		if err := k.kernel.Halt(p); err != nil {
			return errors.Join(fmt.Errorf("halt %s, which keeps the time: %w", p.Name, err), k.Restore())
		}
	}
	return nil
}

// note writes the record to the disk, so that it is there before anything else
// happens. One that is there already is somebody's whose clock is wrong.
func (k *Keeper) note(r *record) error {
	if _, err := os.Stat(k.file); err == nil {
		return fmt.Errorf("%s tells that the clock was left wrong", k.file)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(k.file), filepath.Base(k.file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Off is how far the clock is from what it would be if it had been left alone.
func (k *Keeper) Off() (time.Duration, error) {
	if k.held == nil {
		return 0, nil
	}
	real, since, err := k.kernel.Now()
	if err != nil {
		return 0, err
	}
	return real - (k.held.Real + since - k.held.Since), nil
}

// see returns an error unless the clock is off by about as much.
func (k *Keeper) see(offset time.Duration) error {
	off, err := k.Off()
	if err != nil {
		return err
	}
	if d := off - offset; d < -near || d > near {
		return fmt.Errorf("it reads off by %v and not by %v: somebody else sets it", off, offset)
	}
	return nil
}

// Restore sets the clock right, and lets those go on who keep it. Twice is no
// error.
func (k *Keeper) Restore() error {
	if k.held == nil {
		return nil
	}
	off, err := k.Off()
	if err == nil {
		err = k.kernel.Step(-off)
	}
	if err == nil {
		err = k.see(0)
	}
	for _, p := range k.held.Halted {
		err = errors.Join(err, k.kernel.Resume(p))
	}
	if err == nil {
		err = os.Remove(k.file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("set the host's clock right: %w", err)
	}
	k.held = nil
	return nil
}

// Recover sets the clock right that a keeper has left wrong which was killed,
// and says whether there was one. After a reboot the machine has got its time
// anew, and there is nothing to undo but the file.
func (k *Keeper) Recover() (found bool, err error) {
	if k.held != nil {
		return false, nil // it is wrong because we want it so
	}
	text, err := os.ReadFile(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var r record
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return true, fmt.Errorf("read how the host's clock is to be set right: %w", err)
	}
	boot, err := k.kernel.Boot()
	if err != nil {
		return true, err
	}
	if boot != r.Boot {
		return true, os.Remove(k.file)
	}
	k.held = &r
	return true, k.Restore()
}
