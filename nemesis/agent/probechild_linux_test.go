package agent

import (
	"context"
	"errors"
	"io"
	"testing"
)

// The process on which faults are tried heeds a signal to stop, which reaches
// it as the end of its context, though nobody writes to it.
func TestProbeChildHeedsItsContext(t *testing.T) {
	in, _ := io.Pipe()
	why := errors.New("terminated")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := ProbeChild(ctx, in, io.Discard); !errors.Is(err, why) {
		t.Errorf("it ended with %v", err)
	}
}
