package runner

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shakedown-dev/shakedown/history"
)

// A recorder writes the history, counts outcomes, and ends the run when the
// history cannot be written: what is not recorded must not be done.
type recorder struct {
	writer         *history.Writer
	now            func() time.Duration
	ok, fail, info atomic.Int64
	shed           atomic.Int64
	invoked        atomic.Int64
	// took is how long operations took that ended well.
	took lengths

	// watch sees what was written; nil if nobody watches.
	watch *watch

	mu     sync.Mutex
	broken error
	// ended is why the storm is over before its time.
	ended  error
	cancel context.CancelCauseFunc
}

func newRecorder(w io.Writer, since func() time.Duration) *recorder {
	return &recorder{writer: history.NewWriter(w, since), now: since}
}

// onEnd names what to call when the storm is to end before its time.
func (r *recorder) onEnd(cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel = cancel; r.ended != nil {
		cancel(r.ended)
	}
}

// end ends the storm, or lets it end as soon as it begins.
func (r *recorder) end(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = why
	}
	if r.cancel != nil {
		r.cancel(why)
	}
}

// append writes an event and returns it with its index and time.
func (r *recorder) append(op history.Op) (history.Op, error) {
	op, err := r.writer.Append(op)
	if err != nil {
		return op, r.fault(err)
	}
	if op.Process != history.Nemesis {
		r.count(op.Type)
	}
	if r.watch != nil {
		r.watch.see(op)
	}
	return op, nil
}

func (r *recorder) count(t history.Type) {
	switch t {
	case history.Invoke:
		r.invoked.Add(1)
	case history.OK:
		r.ok.Add(1)
	case history.Fail:
		r.fail.Add(1)
	case history.Info:
		r.info.Add(1)
	}
}

// fault keeps the first error and stops the run.
func (r *recorder) fault(err error) error {
	err = &EnvError{Doing: "write the history", Hint: "is the disk full?", Err: err}
	r.mu.Lock()
	first := r.broken == nil
	if first {
		r.broken = err
	}
	r.mu.Unlock()
	if first {
		r.end(err)
	}
	return err
}

func (r *recorder) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

func (r *recorder) close() error {
	if r.watch != nil {
		r.watch.close()
	}
	if err := r.writer.Close(); err != nil && r.err() == nil {
		return fmt.Errorf("close the history: %w", r.fault(err))
	}
	return nil
}

func (r *recorder) counts() map[string]int64 {
	return map[string]int64{
		"invoked": r.invoked.Load(), "ok": r.ok.Load(), "fail": r.fail.Load(),
		"info": r.info.Load(), "shed": r.shed.Load(),
	}
}
