package history

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by [Writer.Append] after [Writer.Close].
var ErrClosed = errors.New("the history is closed")

// maxWait is how long a completion may wait in memory for company.
const maxWait = 20 * time.Millisecond

// A Writer puts a history on disk while it happens. Its methods may be called
// by many goroutines.
//
// An operation may only be sent to the system once its invocation could not be
// lost by a kill -9 of this process; one that was sent and is not in the
// history would be a write out of nowhere, a false alarm. Completions may be
// lost: the operation is then unknown, which is true. So invocations go
// to the operating system before Append returns, all that are pending in one
// write, and completions go with them or within 20 ms.
type Writer struct {
	w   io.Writer
	now func() time.Duration

	// stamp orders the events: index, time and place in the buffer are taken
	// in one go under it. It is held for short.
	stamp   sync.Mutex
	next    int
	last    time.Duration
	pending []byte
	armed   bool // the flusher has been told of something pending
	closed  bool
	err     error

	// write is held while bytes go out, after those before and before those
	// after. Lock it before stamp, never the other way round.
	write   sync.Mutex
	spare   []byte
	written atomic.Int64 // events that the operating system has

	arm  chan struct{}
	stop chan struct{}
	done chan struct{}
}

// NewWriter returns a Writer that writes to w, in writes that each hold whole
// lines. now is the run's clock; it must not go backwards. Close ends the
// goroutine that NewWriter starts; it does not close w.
func NewWriter(w io.Writer, now func() time.Duration) *Writer {
	writer := &Writer{
		w: w, now: now,
		arm: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go writer.flushLate()
	return writer
}

// Append gives op its Index and Time, writes it and returns it so stamped. It
// returns an error if op could not be read again, such as for a value that is
// not JSON (nothing is written then), after Close, and for ever after a write has failed: the history then ends where
// the disk ended it, and so must the run.
func (w *Writer) Append(op Op) (Op, error) {
	if err := op.prepare(); err != nil {
		return op, fmt.Errorf("append %s of process %d: %w", op.F, op.Process, err)
	}
	mustWrite := op.Type == Invoke || op.Process == Nemesis
	if err := w.add(&op, !mustWrite); err != nil {
		return op, err
	}
	if mustWrite {
		return op, w.flush(int64(op.Index) + 1)
	}
	return op, nil
}

// add stamps op and puts its line into the buffer.
func (w *Writer) add(op *Op, late bool) error {
	w.stamp.Lock()
	defer w.stamp.Unlock()
	if w.closed {
		return ErrClosed
	}
	if w.err != nil {
		return w.err
	}
	op.Index, op.Time = w.next, w.now()
	if op.Time < w.last {
		w.err = fmt.Errorf("append to history: the clock went back from %v to %v", w.last, op.Time)
		return w.err
	}
	w.next, w.last = w.next+1, op.Time
	w.pending = appendStamp(w.pending, op.Index, op.Time)
	w.pending = append(appendBody(w.pending, op), '\n')
	if late && !w.armed {
		w.armed = true
		w.arm <- struct{}{} // never blocks: one at a time, see flushLate
	}
	return nil
}

// flush returns once the first n events have been handed to the operating
// system. Who comes while another is writing waits, and then mostly finds that
// a third one has already written for both.
func (w *Writer) flush(n int64) error {
	if w.written.Load() >= n {
		return nil
	}
	w.write.Lock()
	defer w.write.Unlock()
	if w.written.Load() >= n {
		return nil
	}
	w.stamp.Lock()
	if w.err != nil {
		w.stamp.Unlock()
		return w.err
	}
	out, upto := w.pending, w.next
	w.pending = w.spare[:0]
	w.stamp.Unlock()

	_, err := w.w.Write(out)
	w.spare = out
	if err != nil {
		return w.fail(fmt.Errorf("write history: %w", err))
	}
	w.written.Store(int64(upto))
	return nil
}

// fail remembers the first error. Nothing is written after it: what follows a
// torn line would make the file unreadable.
func (w *Writer) fail(err error) error {
	w.stamp.Lock()
	defer w.stamp.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// flushLate writes completions that nothing else took along.
func (w *Writer) flushLate() {
	defer close(w.done)
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	for {
		select {
		case <-w.arm:
		case <-w.stop:
			return
		}
		timer.Reset(maxWait)
		select {
		case <-timer.C:
		case <-w.stop:
			return
		}
		w.stamp.Lock()
		w.armed = false
		upto := w.next
		w.stamp.Unlock()
		_ = w.flush(int64(upto)) // kept in w.err, returned by the next Append
	}
}

// Close writes what is pending and returns the first error there was. A
// second Close returns the same.
func (w *Writer) Close() error {
	w.stamp.Lock()
	first := !w.closed
	w.closed = true
	upto := w.next
	w.stamp.Unlock()
	if first {
		close(w.stop)
	}
	<-w.done
	if err := w.flush(int64(upto)); err != nil {
		return err
	}
	w.stamp.Lock()
	defer w.stamp.Unlock()
	return w.err
}
