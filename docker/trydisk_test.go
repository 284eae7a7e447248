package docker

import (
	"context"
	"strings"
	"testing"
)

// A host that can do it says so, and keeps nothing of the try.
func TestTryDisk(t *testing.T) {
	e := engine(t)
	run := runName(t)
	a := e.TryDisk(t.Context(), run)
	if !a.OK || !strings.Contains(a.Detail, "unmounted") {
		t.Errorf("%+v", a)
	}
	left, err := e.Sweep(t.Context(), SweepOptions{Run: run, DryRun: true})
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Where the disk cannot be made, the reason and the way out are told.
func TestTryDiskSaysWhyNot(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := engine(t).TryDisk(ctx, runName(t))
	if a.OK || !strings.Contains(a.Detail, "context canceled") || a.Hint == "" {
		t.Errorf("%+v", a)
	}
}
