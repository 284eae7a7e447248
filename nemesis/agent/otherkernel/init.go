//go:build linux

package otherkernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Init does nothing, unless this is the first process of a machine that [Test]
// started: then it runs the tests, says how they ended, and switches it off.
func Init() {
	if os.Getpid() != 1 {
		return
	}
	if _, err := os.Stat("/arguments"); err != nil {
		return // The first process of a container.
	}
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stdout, "otherkernel:", err)
	}
	fmt.Fprintf(os.Stdout, "\n%s%d\n", verdict, code)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // There is nobody to tell.
	select {}
}

// run runs the tests in a process of their own.
func run() (code int, err error) {
	for _, m := range []string{"proc", "sysfs:sys", "devtmpfs:dev"} {
		kind, at, ok := strings.Cut(m, ":")
		if !ok {
			at = kind
		}
		if err := unix.Mount(kind, "/"+at, kind, 0, ""); err != nil {
			return 1, fmt.Errorf("mount %s: %w", kind, err)
		}
	}
	files, err := filepath.Glob("/modules/*")
	if err != nil {
		return 1, err
	}
	for _, f := range files { // Glob sorts.
		if err := load(f); err != nil {
			return 1, err
		}
	}
	arguments, err := os.ReadFile("/arguments")
	if err != nil {
		return 1, err
	}
	c := exec.Command("/init", strings.Split(string(arguments), "\n")...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Env = append(os.Environ(), "HOME=/tmp", "SHAKEDOWN_REQUIRE_DOCKER=1")
	if err := c.Run(); err != nil {
		return 1, err
	}
	return 0, nil
}

func load(module string) error {
	f, err := os.Open(module)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load %s: %w", module, err)
	}
	return nil
}
