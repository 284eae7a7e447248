package agent

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"
)

// ProbeChild is the hidden command `shakedown agent-probe-child`, a process for
// the agent to try faults on: for each line that it reads from in it writes its
// wall clock and the time since it began, by the monotonic clock, both in
// nanoseconds. It ends when in does, or ctx, with a reader of in left behind, since
// the process is about to end.
func ProbeChild(ctx context.Context, in io.Reader, out io.Writer) error {
	ended := make(chan error, 1)
	go func() { ended <- tellTheTime(in, out) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done(): // SIGTERM, which the program that we are in listens to
		return context.Cause(ctx)
	}
}

func tellTheTime(in io.Reader, out io.Writer) error {
	began := time.Now()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		now := time.Now()
		if _, err := fmt.Fprintln(out, now.UnixNano(), int64(now.Sub(began))); err != nil {
			return fmt.Errorf("tell the time: %w", err)
		}
	}
	return lines.Err()
}
