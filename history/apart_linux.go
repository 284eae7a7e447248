package history

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// A mapping is a file without a name that stands for memory.
type mapping struct {
	file *os.File
	all  []byte
}

// mapNameless maps size bytes of a file in dir that has no name, and so is gone
// with the program, however that ends.
func mapNameless(dir string, size int) (*mapping, error) {
	file, err := os.CreateTemp(dir, ".history-*")
	if err != nil {
		return nil, fmt.Errorf("make a file in %s: %w", dir, err)
	}
	m := &mapping{file: file}
	err = errors.Join(os.Remove(file.Name()), m.onDisk())
	if err == nil {
		err = file.Truncate(int64(size))
	}
	if err == nil {
		m.all, err = syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_NORESERVE)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map a file of %d bytes in %s: %w", size, dir, err), m.close())
	}
	return m, nil
}

// The magic numbers of file systems that are memory themselves (statfs(2)).
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

// onDisk refuses a file that takes memory itself.
func (m *mapping) onDisk() error {
	var fs syscall.Statfs_t
	if err := syscall.Fstatfs(int(m.file.Fd()), &fs); err != nil {
		return fmt.Errorf("look at its file system: %w", err)
	}
	if kind := uint32(fs.Type); kind == tmpfs || kind == ramfs {
		return errors.New("it is no disk, but memory")
	}
	return nil
}

// reserve makes sure that the disk has room for a part of the file, or says that
// it has not.
func (m *mapping) reserve(from, to int) error {
	if err := syscall.Fallocate(int(m.file.Fd()), 0, int64(from), int64(to-from)); err != nil {
		return fmt.Errorf("find room on the disk: %w", err)
	}
	return nil
}

// close closes the file; what is mapped stays so.
func (m *mapping) close() error { return m.file.Close() }

// drop closes the file and ends the mapping.
func (m *mapping) drop() error { return errors.Join(m.close(), syscall.Munmap(m.all)) }
