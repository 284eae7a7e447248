//go:build !unix

package docker

import "os/exec"

// killWithChildren leaves cmd as it is: there are no process groups here.
func killWithChildren(*exec.Cmd) {}
