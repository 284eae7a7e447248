//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// locksTell says that a lock shows whether a process lives.
const locksTell = true

// lock takes the file for this process, until it is closed or the process ends
// in whatever way, and tells whether nobody else had it.
func lock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return true, nil
}
