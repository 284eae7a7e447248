package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ProbeChild is the hidden command `shakedown agent-probe-child`, a process for
// the agent to try faults on: for each line that it reads from in it writes its
// wall clock and the time since it began, by the monotonic clock, both in
// nanoseconds. It ends when in does.
func ProbeChild(ctx context.Context, in io.Reader, out io.Writer) error {
	began := time.Now()
	lines := bufio.NewScanner(in)
	for lines.Scan() && ctx.Err() == nil {
		now := time.Now()
		if _, err := fmt.Fprintln(out, now.UnixNano(), int64(now.Sub(began))); err != nil {
			return fmt.Errorf("tell the time: %w", err)
		}
	}
	return errors.Join(lines.Err(), ctx.Err())
}
