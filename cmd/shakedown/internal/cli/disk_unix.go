//go:build linux || darwin

package cli

import "golang.org/x/sys/unix"

// freeDisk is how many bytes may still be written in dir.
func freeDisk(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
