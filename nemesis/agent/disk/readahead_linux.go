package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// readAhead is how far the kernel reads ahead of a program that reads a file
// from its beginning, in KiB: two requests, so that one is on its way while the
// other is used. FUSE's own 128 makes small requests of large files.
const readAhead = 1024

// widenReadAhead tells the kernel to read further ahead on the mount. It is a
// matter of speed only. Where /sys cannot be written, as in a container, it is
// mounted once more, in dir and for a moment.
func widenReadAhead(mount, dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(mount, &st); err != nil {
		return fmt.Errorf("stat %s: %w", mount, err)
	}
	knob := fmt.Sprintf("class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev))
	err := setReadAhead(filepath.Join("/sys", knob))
	if !errors.Is(err, unix.EROFS) {
		return err
	}
	sys, err := os.MkdirTemp(dir, "sys-")
	if err != nil {
		return err
	}
	if err := unix.Mount("sysfs", sys, "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return errors.Join(fmt.Errorf("mount sysfs: %w", err), os.Remove(sys))
	}
	return errors.Join(setReadAhead(filepath.Join(sys, knob)), unix.Unmount(sys, unix.MNT_DETACH), os.Remove(sys))
}

func setReadAhead(knob string) error {
	// Not os.WriteFile, which would make the file where there is none.
	f, err := os.OpenFile(knob, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, readAhead)
	return errors.Join(err, f.Close())
}
