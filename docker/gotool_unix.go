//go:build unix

package docker

import (
	"os/exec"
	"syscall"
)

// killWithChildren makes the end of cmd's context end the compilers that it
// started, too. A group of its own also keeps a terminal's Ctrl-C from it: it
// is for us to say when to stop.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
