//go:build !linux || (!amd64 && !arm64)

package vdso

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// A Process cannot be opened here.
type Process struct{}

// Open returns an error: there is no payload for this architecture.
func Open(int) (*Process, error) {
	return nil, fmt.Errorf("clocks can only be changed on linux/amd64 and linux/arm64, not on %s/%s", runtime.GOOS, runtime.GOARCH)
}

// Close does nothing.
func (p *Process) Close() error { return nil }

// Clock returns the real clock.
func (p *Process) Clock() (Clock, bool, error) { return Clock{}, false, nil }

// Set returns an error.
func (p *Process) Set(context.Context, Clock) error { return errors.ErrUnsupported }
