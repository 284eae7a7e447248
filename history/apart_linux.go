package history

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A mapping is a file without a name that stands for memory.
type mapping struct {
	fd  int
	all []byte
}

// mapNameless maps size bytes of a file in dir that has no name, and so is gone
// with the program, however that ends.
func mapNameless(dir string, size int) (*mapping, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		fd, err = unnamed(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("make a file in %s: %w", dir, err)
	}
	m := &mapping{fd: fd}
	if err := m.onDisk(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s %w", dir, err), m.close())
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, errors.Join(fmt.Errorf("make a file of %d bytes in %s: %w", size, dir, err), m.close())
	}
	m.all, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map %d bytes: %w", size, err), m.close())
	}
	return m, nil
}

// onDisk refuses a file that takes memory itself.
func (m *mapping) onDisk() error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(m.fd, &fs); err != nil {
		return fmt.Errorf("cannot be looked at: %w", err)
	}
	if fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC {
		return errors.New("is no disk, but memory")
	}
	return nil
}

// reserve makes sure that the disk has room for a part of the file, or says that
// it has not.
func (m *mapping) reserve(from, to int) error {
	if err := unix.Fallocate(m.fd, 0, int64(from), int64(to-from)); err != nil {
		return fmt.Errorf("find room on the disk: %w", err)
	}
	return nil
}

// close closes the file; what is mapped stays so.
func (m *mapping) close() error { return unix.Close(m.fd) }

// drop closes the file and ends the mapping.
func (m *mapping) drop() error { return errors.Join(m.close(), unix.Munmap(m.all)) }

// unnamed makes a file and takes its name away, where the file system knows none
// without.
func unnamed(dir string) (int, error) {
	f, err := os.CreateTemp(dir, ".history-*")
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return -1, err
	}
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}
